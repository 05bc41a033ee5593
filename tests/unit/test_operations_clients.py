"""Clients' cards from what people and files say, and finding them by whatever people remember."""

from __future__ import annotations

from typing import Any

import pytest

from branch_node.operations.clients import add_client
from shared.domain.cards import Value
from shared.domain.identifiers import format_id
from shared.domain.records import RecordKind
from shared.errors import AlreadyExists, InvalidInput, NotFound
from shared.operations.client_finding import FOUND_MAX
from shared.operations.clients import (
    client_card,
    client_fields,
    client_from_row,
    find_by_external_id,
    find_clients,
    require_new_external_id,
    resolve_client,
)
from tests.support.shop import Shop, change


def add(shop: Shop, **given: Any) -> bytes:
    with shop.store.operation() as transaction:
        return add_client(transaction, client_fields(given, "RU"))


def found(shop: Shop, text: str, limit: int = FOUND_MAX) -> list[Any]:
    with shop.store.read() as connection:
        return [row["name"] for row in find_clients(connection, text, limit)]


# What may be written.


def test_what_is_typed_becomes_fields_in_their_stored_form() -> None:
    given = {"name": "  Анна ", "phones": ["8 912 345-67-89", "+79123456789"], "emails": ["A@b.ru", "a@B.ru"]}
    assert client_fields(given, "RU") == {"name": "Анна", "phones": ("+79123456789",), "emails": ("a@b.ru",)}


@pytest.mark.parametrize("name", ["name", "note", "external_id"])
def test_none_empties_a_field(name: str) -> None:
    assert client_fields({name: None}, "RU") == {name: None}


def test_an_empty_text_or_list_empties_a_field_too() -> None:
    assert client_fields({"name": "  ", "note": "", "phones": [], "emails": None}, "RU") == {
        "name": None,
        "note": None,
        "phones": (),
        "emails": (),
    }


@pytest.mark.parametrize(
    "given",
    [
        {"external_id": ""},
        {"external_id": " 900"},
        {"external_id": 900},
        {"phones": ["12"]},
        {"emails": ["nobody"]},
        {"name": "x" * 2_001},
        {"name": "a\0b"},
        {"do_not_contact": "yes"},
        {"archived": 1},
        {"shoe_size": 43},
        {"phones": [f"+7912{number:07d}" for number in range(51)]},
    ],
    ids=lambda given: str(given)[:40],
)
def test_what_a_card_cannot_hold_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        client_fields(given, "RU")


def test_a_row_of_a_file_becomes_fields() -> None:
    row = {"id": "900", "name": "Anna", "phone": "89123456789; +49 30 901820", "email": "a@b.ru,c@d.ru", "notes": "VIP"}
    assert client_from_row(row, "RU") == {
        "external_id": "900",
        "name": "Anna",
        "phones": ("+4930901820", "+79123456789"),
        "emails": ("a@b.ru", "c@d.ru"),
        "note": "VIP",
    }


@pytest.mark.parametrize(("text", "flag"), [("1", True), (" Да ", True), ("YES", True), ("нет", False), ("0", False)])
def test_a_file_says_yes_and_no_in_many_ways(text: str, flag: bool) -> None:
    assert client_from_row({"name": "Anna", "do_not_contact": text}, "RU")["do_not_contact"] is flag


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"name": "Anna", "shoe_size": "43"}, "no column “shoe_size”"),
        ({"name": "Anna", "archived": "1"}, "no column"),
        ({"phone": "89123456789"}, "name or an external id"),
        ({}, "name or an external id"),
        ({"name": "Anna", "do_not_contact": "maybe"}, "neither yes nor no"),
        ({"name": "Anna", "phone": "123"}, "digits"),
    ],
    ids=str,
)
def test_a_row_that_is_no_client_is_refused(row: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        client_from_row(row, "RU")


# Finding.


@pytest.fixture
def people(shop: Shop) -> Shop:
    """A shop that knows three people."""
    add(shop, name="Анна Ёлкина", external_id="A-900", phones=["+79123456789"], emails=["anna@example.com"])
    add(shop, name="Борис Иванов", phones=["+79120000000"], note="50% скидка")
    add(shop, name="Anna_Smith 100%", external_id="a-901")
    return shop


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("елкина", ["Анна Ёлкина"]),
        ("ЁЛКИНА анна", ["Анна Ёлкина"]),
        ("нов бор", ["Борис Иванов"]),
        ("a-90", ["Anna_Smith 100%", "Анна Ёлкина"]),
        ("example.com", ["Анна Ёлкина"]),
        ("6789", ["Анна Ёлкина"]),
        ("67-89", ["Анна Ёлкина"]),
        ("8 (912) 345-67-89", ["Анна Ёлкина"]),
        ("+7 912 345 67 89", ["Анна Ёлкина"]),
        ("912", ["Анна Ёлкина", "Борис Иванов"]),
        ("9-12", ["Анна Ёлкина", "Борис Иванов"]),
        ("8 912 00", ["Борис Иванов"]),
        ("nobody", []),
        ("анна борис", []),
        ("скидка", []),
    ],
)
def test_people_are_found_by_what_is_remembered_of_them(people: Shop, text: str, names: list[str]) -> None:
    assert found(people, text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("100%", ["Anna_Smith 100%"]),
        ("a_s", ["Anna_Smith 100%"]),
        ("a%s", ["Anna_Smith 100%"]),
        ("%", []),
        ("_", []),
    ],
)
def test_signs_that_mean_something_in_sql_mean_themselves(people: Shop, text: str, names: list[str]) -> None:
    assert found(people, text) == names


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_nobody_is_searched_by_nothing(people: Shop, text: str) -> None:
    with pytest.raises(InvalidInput, match="whom to find"):
        found(people, text)


def test_archived_clients_come_last_and_a_list_has_a_limit(people: Shop) -> None:
    people.learn(change(RecordKind.CLIENT, b"z" * 16, name="Анна Архивная", archived=True))
    assert found(people, "анна") == ["Анна Ёлкина", "Anna_Smith 100%", "Анна Архивная"]
    assert found(people, "анна", limit=1) == ["Анна Ёлкина"]


def test_the_oldest_of_several_cards_with_one_external_id_is_meant(shop: Shop) -> None:
    shop.learn(*(change(RecordKind.CLIENT, letter * 16, external_id="900") for letter in (b"c", b"a", b"b")))
    with shop.store.read() as connection:
        assert find_by_external_id(connection, "900") == b"a" * 16
        assert find_by_external_id(connection, "901") is None


def test_a_client_is_meant_by_id_or_external_id(shop: Shop) -> None:
    client_id = add(shop, external_id="900")
    with shop.store.read() as connection:
        assert resolve_client(connection, "900") == resolve_client(connection, format_id(client_id)) == client_id
        for reference in ("901", format_id(b"x" * 16), "\n" * 500):
            with pytest.raises(NotFound) as missing:
                resolve_client(connection, reference)
            assert len(missing.value.message) < 200


def test_an_external_id_must_be_new(shop: Shop) -> None:
    add(shop, external_id="900")
    with shop.store.read() as connection:
        require_new_external_id(connection, "901")
        require_new_external_id(connection, None)
        with pytest.raises(AlreadyExists):
            require_new_external_id(connection, "900")


# Showing.


def test_a_card_is_shown_with_its_open_conflicts(shop: Shop) -> None:
    client_id = add(shop, name="Anna", phones=["+79123456789"])
    shop.learn(change(RecordKind.CLIENT, client_id, name="Anna P."))
    branch_id = shop.store.node()[0].branch_id
    with shop.store.read() as connection:
        card = client_card(connection, client_id, {branch_id: "B7"})
    (conflict,) = card.pop("conflicts")
    assert card["consents"]["data"] == {"given": False, "source": None, "at": None}
    assert (
        card.items()
        >= {
            "id": format_id(client_id),
            "external_id": None,
            "name": "Anna P.",
            "note": None,
            "do_not_contact": False,
            "group": None,
            "tier": None,
            "archived": False,
            "birthday": None,
        }.items()
    )
    assert (card["phones"], card["emails"]) == (["+79123456789"], [])
    assert (conflict["kind"], conflict["field"], conflict["rule"], conflict["shown"]) == (
        "client",
        "name",
        "latest",
        "newer",
    )
    assert conflict["older"] == {"value": "Anna", "branch": "B7", "at": "2026-11-23T16:00:00Z"}
    assert conflict["newer"]["branch"] == "another branch"


def test_a_client_nobody_knows_cannot_be_shown(shop: Shop) -> None:
    with shop.store.read() as connection, pytest.raises(NotFound):
        client_card(connection, b"x" * 16, {})


def test_fields_are_what_a_card_takes() -> None:
    fields: dict[str, Value] = client_fields({"do_not_contact": True, "archived": False}, "RU")
    assert fields == {"do_not_contact": True, "archived": False}
