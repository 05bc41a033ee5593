"""Finding clients at a branch: ranked, by what is remembered, and in step with their cards."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from branch_node.operations.clients import add_client, edit_client
from shared.domain.client_matching import Match
from shared.domain.keyboard_layout import as_latin_keys
from shared.domain.records import RecordKind
from shared.operations.client_finding import Restriction, clients_with_number, find_hits
from shared.operations.clients import client_fields, find_clients
from shared.storage.card_rows import delete_card
from shared.storage.client_index import has_noted, index_all_noted, note_all
from tests.support.shop import Shop, change
from tests.unit.test_client_matching import one_typo

INDEX_TABLES = ("client_word", "client_word_part", "client_word_typo", "client_code", "client_unindexed")


def add(shop: Shop, name: str, **given: Any) -> bytes:
    with shop.store.operation() as transaction:
        details = {key: given.pop(key) for key in ("owner_id", "company_id", "kind", "loyalty_number") if key in given}
        return add_client(transaction, client_fields({"name": name, **given}, "RU") | details)


def edit(shop: Shop, client_id: bytes, **changes: Any) -> None:
    with shop.store.operation() as transaction:
        edit_client(transaction, client_id, changes)


def found(shop: Shop, text: str, **options: Any) -> list[str]:
    with shop.store.read() as connection:
        return [row["name"] for row in find_clients(connection, text, **options)]


def matches(shop: Shop, text: str) -> list[Match]:
    with shop.store.read() as connection:
        return [hit.match for hit in find_hits(connection, text)]


def index(shop: Shop) -> dict[str, set[Any]]:
    return {table: set(shop.rows(f"SELECT * FROM {table}")) for table in INDEX_TABLES}


@pytest.fixture
def ivanovs(shop: Shop) -> Shop:
    """People whose names are easily taken for each other."""
    add(shop, "Иванова Мария")
    add(shop, "Иванов Пётр", phones=["+79123456789"], external_id="C-77", emails=["petr.ivanov@mail.ru"])
    add(shop, "Ivanov Sergey", loyalty_number="2990 0001")
    add(shop, "Галиванов Олег")
    add(shop, "Щербаков Юрий")
    return shop


def test_whole_words_come_before_other_spellings_beginnings_parts_and_typos(ivanovs: Shop) -> None:
    add(ivanovs, "Ивонов Лев")
    assert found(ivanovs, "Иванов") == [
        "Иванов Пётр",
        "Ivanov Sergey",
        "Иванова Мария",
        "Галиванов Олег",
        "Ивонов Лев",
    ]
    assert matches(ivanovs, "Иванов") == [Match.EXACT, Match.SOUND, Match.PREFIX, Match.PART, Match.TYPO]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("петр иванов", "Иванов Пётр"),
        ("иван петр", "Иванов Пётр"),
        ("Petr Ivanov", "Иванов Пётр"),
        ("gtnh bdfyjd", "Иванов Пётр"),
        ("ЩЕРБАКОВ", "Щербаков Юрий"),
        ("shcherbakov", "Щербаков Юрий"),
        ("scherbakov yuri", "Щербаков Юрий"),
        ("sherbakoff", "Щербаков Юрий"),
        ("oth,frjd", "Щербаков Юрий"),
        ("щирбаков", "Щербаков Юрий"),
        ("6789", "Иванов Пётр"),
        ("+7 (912) 345-67-89", "Иванов Пётр"),
        ("8912345", "Иванов Пётр"),
        ("иванов 6789", "Иванов Пётр"),
        ("c-77", "Иванов Пётр"),
        ("c77", "Иванов Пётр"),
        ("ivanov@ma", "Иванов Пётр"),
        ("petr.ivanov@mail.ru", "Иванов Пётр"),
        ("29900001", "Ivanov Sergey"),
        ("0001", "Ivanov Sergey"),
        ("ыукпун", "Ivanov Sergey"),
        ("ливан", "Галиванов Олег"),
    ],
)
def test_a_client_is_found_first_by_whatever_is_remembered(ivanovs: Shop, text: str, name: str) -> None:
    assert found(ivanovs, text)[0] == name


def test_all_words_must_fit_somebody(ivanovs: Shop) -> None:
    assert found(ivanovs, "иванов юрий") == []
    assert found(ivanovs, "мария 6789") == []
    assert found(ivanovs, "999999999999") == []


NAMES = ["Анастасия Сидоренко", "Щербакова Юлия", "Константин Цветаев", "Ёлкина Татьяна", "Магомедов Рустам"]


@pytest.fixture
def named(shop: Shop) -> Shop:
    for name in NAMES:
        add(shop, name)
    return shop


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(name=st.sampled_from(NAMES), word=st.sampled_from([0, 1]), data=st.data())
def test_a_random_typo_still_finds_the_client(named: Shop, name: str, word: int, data: st.DataObject) -> None:
    whole = name.split()[word]
    assert name in found(named, name)
    assert name in found(named, as_latin_keys(name))
    if len(whole) >= 5:
        assert name in found(named, one_typo(data, whole.lower()))


def test_those_who_were_here_last_come_first(shop: Shop) -> None:
    for letter, number in (("А", "1"), ("Б", "2"), ("В", "3")):
        add(shop, f"Анна {letter}", external_id=number)
    for key, number in (("k1", "3"), ("k2", "2")):
        shop.clock.advance(1)
        shop.sell(key, 50, client=number)
    assert found(shop, "анна", with_recent=True) == ["Анна Б", "Анна В", "Анна А"]
    assert found(shop, "анна") == ["Анна А", "Анна Б", "Анна В"]


def test_a_merged_card_is_found_as_its_survivor_and_archived_ones_come_last(shop: Shop) -> None:
    kept, merged = add(shop, "Петрова Анна", phones=["+79120000001"]), add(shop, "Питрова Аня")
    gone = add(shop, "Петрова Архивная")
    edit(shop, merged, merged_into=kept)
    edit(shop, gone, archived=True)
    add(shop, "Петровакина")
    assert found(shop, "Питрова")[0] == "Петрова Анна"
    assert found(shop, "Петрова") == ["Петрова Анна", "Петровакина", "Петрова Архивная"]


def test_a_company_is_found_with_its_contacts(shop: Shop) -> None:
    company = add(shop, "ООО «Ромашка»", kind="company")
    add(shop, "Пётр Директоров", company_id=company)
    assert found(shop, "ромашка") == ["ООО «Ромашка»", "Пётр Директоров"]
    assert matches(shop, "ромашка") == [Match.EXACT, Match.COMPANY]


def test_only_clients_of_some_employees_are_found_when_that_is_asked(shop: Shop) -> None:
    add(shop, "Анна Моя", owner_id=b"m" * 16)
    add(shop, "Анна Чужая", owner_id=b"o" * 16)
    add(shop, "Анна Ничья")
    assert found(shop, "анна", restriction=Restriction((b"m" * 16,))) == ["Анна Моя"]
    assert found(shop, "анна", restriction=Restriction(())) == []
    assert found(shop, "ничья", restriction=Restriction((b"m" * 16, b"o" * 16))) == []


def test_a_full_number_names_its_client_and_a_part_of_it_nobody(ivanovs: Shop) -> None:
    def numbered(text: str) -> int:
        with ivanovs.store.read() as connection:
            return len(clients_with_number(connection, text))

    assert [numbered(text) for text in ("+79123456789", "8 912 345-67-89", "9123456789", "c-77", "2990 0001")] == [
        1
    ] * 5
    assert [numbered(text) for text in ("3456789", "6789", "2990", "Иванов", "petr.ivanov@mail.ru", "")] == [0] * 6


def test_the_index_follows_the_cards_and_forgets_names_that_nobody_has(shop: Shop) -> None:
    kept = add(shop, "Анна Иванова")
    before = index(shop)
    other = add(shop, "Анна Ыыфщукова", phones=["+79129999999"], emails=["unique@example.com"])
    edit(shop, other, name="Борис Ыыфщуков", phones=())
    assert found(shop, "Ыыфщуков") == ["Борис Ыыфщуков"]
    assert found(shop, "9129999999") == []
    edit(shop, other, name="Анна")
    assert found(shop, "борис") == []
    with shop.store.write() as connection:
        delete_card(connection, RecordKind.CLIENT, other)
    assert index(shop) == before
    assert found(shop, "Иванова") == ["Анна Иванова"]
    with shop.store.write() as connection:
        delete_card(connection, RecordKind.CLIENT, kept)
    assert not any(index(shop).values())


def test_cards_of_the_feed_are_found(shop: Shop) -> None:
    shop.learn(change(RecordKind.CLIENT, b"c" * 16, name="Анна Смирнова"))
    assert found(shop, "смирн") == ["Анна Смирнова"]


def test_an_index_that_is_made_anew_is_the_same(ivanovs: Shop) -> None:
    before = index(ivanovs)
    with ivanovs.store.write() as connection:
        for table in INDEX_TABLES:
            connection.exec_driver_sql(f"DELETE FROM {table}")
        note_all(connection)
        assert has_noted(connection)
        index_all_noted(connection)
    assert index(ivanovs) == before
