"""Clients at a branch: a card, its entry, and finding it again."""

from __future__ import annotations

from typing import Any

import pytest

from branch_node.operations.clients import add_client, edit_client
from shared.domain.cards import Value
from shared.domain.records import RecordKind
from shared.errors import AlreadyExists, InvalidInput
from shared.wire.cards import decode_patch
from tests.support.shop import Shop, change


def add(shop: Shop, **fields: Value) -> bytes:
    with shop.store.operation() as transaction:
        return add_client(transaction, fields)


def edit(shop: Shop, client_id: bytes, **changes: Value) -> bool:
    with shop.store.operation() as transaction:
        return edit_client(transaction, client_id, changes)


def shown(shop: Shop, column: str) -> Any:
    return shop.one(f"SELECT {column} FROM client")


def test_a_client_is_a_card_and_an_entry(shop: Shop) -> None:
    client_id = add(shop, name="Anna", external_id="900", phones=("+79123456789",))
    (entry,) = shop.entries()
    (record,) = entry.records
    assert (record.kind, record.record_id) == (RecordKind.CLIENT, client_id)
    assert {patch.field: patch.value for patch in decode_patch(record.payload)} == {
        "name": "Anna",
        "external_id": "900",
        "phones": ("+79123456789",),
    }
    assert shop.rows("SELECT id, name, external_id, phones FROM client") == [(client_id, "Anna", "900", "+79123456789")]


@pytest.mark.parametrize("fields", [{}, {"name": None}, {"name": ""}, {"note": "Nameless"}])
def test_a_client_needs_a_name_or_an_external_id(shop: Shop, fields: dict[str, Value]) -> None:
    with pytest.raises(InvalidInput, match="name or an external id"):
        add(shop, **fields)
    assert shop.entries() == []


def test_an_external_id_belongs_to_one_client(shop: Shop) -> None:
    first = add(shop, external_id="900")
    with pytest.raises(AlreadyExists, match="900"):
        add(shop, external_id="900", name="Another")
    assert shop.count("client") == 1
    edit(shop, first, archived=True)
    add(shop, external_id="900")


def test_clients_without_an_external_id_are_not_alike(shop: Shop) -> None:
    assert add(shop, name="Anna") != add(shop, name="Anna")


def test_an_edit_names_the_version_it_saw(shop: Shop) -> None:
    client_id = add(shop, name="Anna")
    assert edit(shop, client_id, name="Anna Petrova")
    first, second = shop.entries()
    (patch,) = decode_patch(second.records[0].payload)
    assert patch.seen == (first.header.command_id,)
    assert shown(shop, "name") == "Anna Petrova"
    assert shop.count("conflict") == 0


def test_an_edit_that_changes_nothing_is_no_entry(shop: Shop) -> None:
    client_id = add(shop, name="Anna")
    assert not edit(shop, client_id, name="Anna")
    assert not edit(shop, client_id, note=None)
    assert len(shop.entries()) == 1


def test_an_edit_touches_only_what_differs(shop: Shop) -> None:
    client_id = add(shop, name="Anna", note="VIP")
    edit(shop, client_id, name="Anna", note="Regular")
    patches = decode_patch(shop.entries()[1].records[0].payload)
    assert [patch.field for patch in patches] == ["note"]


def test_a_field_is_emptied_by_none(shop: Shop) -> None:
    client_id = add(shop, name="Anna", note="VIP")
    assert edit(shop, client_id, note=None)
    assert shown(shop, "note") is None
    assert not edit(shop, client_id, note=None)


def test_a_client_may_not_take_another_s_external_id(shop: Shop) -> None:
    add(shop, external_id="900")
    other = add(shop, external_id="901")
    with pytest.raises(AlreadyExists):
        edit(shop, other, external_id="900")
    assert not edit(shop, other, external_id="901")
    assert edit(shop, other, external_id="902")


def test_an_edit_settles_what_was_in_conflict(shop: Shop) -> None:
    client_id = add(shop, name="Anna")
    shop.learn(change(RecordKind.CLIENT, client_id, name="Anna from elsewhere"))
    assert shop.count("conflict") == 1
    edit(shop, client_id, name="Anna from elsewhere")
    assert shop.rows("SELECT closed_by_command_id FROM conflict") == [(shop.entries()[1].header.command_id,)]


def test_an_edit_that_repeats_the_value_shown_settles_the_conflict_too(shop: Shop) -> None:
    client_id = add(shop, name="Anna")
    shop.learn(change(RecordKind.CLIENT, client_id, name="Newer"))
    value = shown(shop, "name")
    assert edit(shop, client_id, name=value)
    assert shop.one("SELECT COUNT(*) FROM conflict WHERE closed_at IS NULL") == 0


def test_a_client_is_archived_and_brought_back(shop: Shop) -> None:
    client_id = add(shop, name="Anna")
    edit(shop, client_id, archived=True)
    assert shown(shop, "archived") == 1
    edit(shop, client_id, archived=False)
    assert shown(shop, "archived") == 0
