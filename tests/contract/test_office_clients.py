"""Clients of the chain as the head office shows them: whose, what is hidden, which branches know one, what changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hq_server.operations.client_search import find_in_office, read_in_office
from hq_server.operations.people import Personnel, Placement
from hq_server.storage.feed import number_feed
from shared.domain.permissions import ROLES, Actor
from shared.errors import NotPermitted
from shared.operations.clients import resolve_client
from shared.operations.people import employee_id
from tests.support.office import Office
from tests.support.pair import Pair

ME, DAY = b"m" * 16, 20_000


def actor(role: str, **changes: Any) -> Actor:
    known = ROLES[role]
    made = Actor(ME, role, role, role, known.permissions, known.limits, known.client_scope)
    return replace(made, **changes)


@pytest.fixture
def client_id(office: Office, tmp_path: Path) -> bytes:
    node = Pair(office, tmp_path).join("B1")
    node.line().add_client({"name": "Иванов Пётр", "external_id": "900", "phones": ("+79123456789",), "note": "тайна"})
    node.sync()
    with office.store.read() as connection:
        return resolve_client(connection, "900")


def test_a_head_of_sales_sees_all_of_it_and_an_auditor_a_little(office: Office, client_id: bytes) -> None:
    (row,) = find_in_office(office.store, actor("head_of_sales"), "bdfyjd", DAY).rows
    assert (row["name"], row["phones"], row["note"]) == ("Иванов Пётр", ["+79123456789"], "тайна")
    (row,) = find_in_office(office.store, actor("auditor"), "6789", DAY).rows
    assert (row["name"], row["phones"], row["note"]) == ("И. Пётр", ["•••6789"], None)
    assert find_in_office(office.store, actor("auditor"), " ", DAY).rows == ()
    card = read_in_office(office.store, actor("auditor"), client_id, DAY)
    assert "+79123456789" not in str(card)
    assert "тайна" not in str(card)
    assert card.branches == ("B1",)
    (edit,) = read_in_office(office.store, actor("head_of_sales"), client_id, DAY).edits
    assert {change.field for change in edit.changes} == {"name", "external_id", "phones", "note"}
    assert edit.branch == "B1"


@pytest.mark.parametrize("role", ["sales_rep", "manager"])
def test_of_others_one_sees_nobody_without_the_full_number(office: Office, client_id: bytes, role: str) -> None:
    """A rep sees one's own; a manager those of the shops where one works, which are none here."""
    who = actor(role)
    assert find_in_office(office.store, who, "иванов", DAY).rows == ()
    (row,) = find_in_office(office.store, who, "89123456789", DAY).rows
    assert row["name"] == "Иванов Пётр"
    with pytest.raises(NotPermitted, match="somebody else"):
        read_in_office(office.store, who, client_id, DAY)
    assert read_in_office(office.store, who, client_id, DAY, "89123456789").document["name"] == "Иванов Пётр"
    with pytest.raises(NotPermitted):
        find_in_office(office.store, actor("administrator"), "иванов", DAY)


def test_a_card_with_an_owner_opens_for_whom_it_is_shown(office: Office, tmp_path: Path) -> None:
    node = Pair(office, tmp_path).join("B1")
    owner = employee_id(office.chain.chain_id, "rita")
    with office.store.write() as connection:
        people = Personnel(connection, office.ids, office.clock.now_us())
        people.hire("rita", "Rita", Placement("sales_rep", ("B1",), None, 0, None))
    number_feed(office.store, office.clock.now_us())
    node.sync()
    node.line().add_client({"name": "Hers", "external_id": "901", "owner_id": owner})
    node.sync()
    with office.store.read() as connection:
        card = resolve_client(connection, "901")
    assert read_in_office(office.store, actor("auditor"), card, DAY).owner == "Rita"
    assert read_in_office(office.store, actor("sales_rep", employee_id=owner), card, DAY).document["name"] == "Hers"
    with pytest.raises(NotPermitted, match="somebody else"):
        read_in_office(office.store, actor("sales_rep"), card, DAY)
