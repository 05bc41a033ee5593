"""A command that edited cards is taken back: what was there before it, and nothing that somebody changed since."""

from __future__ import annotations

import pytest

from branch_node.operations.committing import Wanted, WantedEdit
from branch_node.operations.taking_back import edits_back, read_changes
from branch_node.storage.store import BranchStore
from shared.domain.cards import Value
from shared.domain.identifiers import derived_id
from shared.domain.records import RecordKind
from shared.errors import Refused
from shared.storage.tables import client
from tests.support.clock import FakeClock
from tests.support.shop import Shop

CARD = derived_id("client", b"anna")
KEYS = [(RecordKind.CLIENT, CARD)]


@pytest.fixture
def shop(branch_store: BranchStore, clock: FakeClock) -> Shop:
    return Shop(branch_store, clock)


def edit(shop: Shop, **changes: Value) -> bytes:
    """Edits the card; the command's id."""
    wanted = Wanted(edits=(WantedEdit(RecordKind.CLIENT, CARD, changes),))
    command_id = shop.processor.commit(lambda _: wanted)
    assert command_id is not None
    return command_id


def take_back(shop: Shop, command_id: bytes) -> None:
    shop.processor.commit(lambda transaction: Wanted(edits=tuple(edits_back(transaction, command_id, KEYS))))


def shown(shop: Shop) -> tuple[str, str, bool]:
    with shop.store.read() as connection:
        row = connection.execute(client.select().where(client.c.id == CARD)).one()
    return row.name, row.note or "", bool(row.archived)


def test_the_values_before_come_back_and_a_card_that_was_made_is_archived(shop: Shop) -> None:
    made = edit(shop, name="Anna", note="tall")
    renamed = edit(shop, name="Anne")
    take_back(shop, renamed)
    assert shown(shop) == ("Anna", "tall", False)
    with pytest.raises(Refused):
        # The name was changed since, and changed back: that is for a person to judge.
        take_back(shop, made)


def test_what_a_command_made_goes_to_the_archive(shop: Shop) -> None:
    take_back(shop, edit(shop, name="Anna"))
    assert shown(shop)[2]


def test_what_somebody_changed_since_is_refused_whole(shop: Shop) -> None:
    edit(shop, name="Anna", note="tall")
    both = edit(shop, name="Anne", note="short")
    edit(shop, note="of middle height")
    with pytest.raises(Refused):
        take_back(shop, both)
    assert shown(shop) == ("Anne", "of middle height", False)


def test_a_history_is_read_as_values() -> None:
    assert read_changes('{"name": "Anna", "tags": ["a", "b"], "owner_id": {"id": "ff"}}') == {
        "name": "Anna",
        "tags": ("a", "b"),
        "owner_id": b"\xff",
    }
