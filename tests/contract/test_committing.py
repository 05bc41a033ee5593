"""Edits of cards and facts recorded as one operation, at a branch that works by itself and at one that asks first."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from branch_node.operations.committing import Wanted, WantedEdit, WantedFact
from branch_node.storage.transaction import BranchTransaction
from shared.domain.business_time import local_moment
from shared.domain.interactions import Interaction
from shared.domain.records import RecordKind
from shared.errors import Refused, StaleEdit
from shared.storage.tables import card_edit, client, interaction
from shared.sync.messages import ProcessingMode, WhenUnreachable
from tests.support.office import Office
from tests.support.pair import CentralWire, Node, Pair

AUTHOR = b"a" * 16
CLIENT = b"c" * 16
CALL = b"f" * 16


@pytest.fixture(params=list(ProcessingMode))
def node(request: pytest.FixtureRequest, office: Office, tmp_path: Path) -> Node:
    """A branch that knows how it works."""
    pair = Pair(office, tmp_path)
    joined = pair.join("B1")
    pair.set_mode("B1", request.param, WhenUnreachable.REFUSE)
    joined.sync()
    return joined


def call_of(transaction: BranchTransaction) -> Interaction:
    moment = local_moment(transaction.now_us, transaction.node.timezone)
    return Interaction(CLIENT, "call", "out", "rep", moment, subject="Hello")


def test_a_card_and_a_fact_are_one_entry_by_whoever_made_it(node: Node) -> None:
    changed = node.line().commit(
        lambda transaction: Wanted(
            AUTHOR,
            (WantedEdit(RecordKind.CLIENT, CLIENT, {"name": "Anna"}),),
            (WantedFact(CALL, call_of(transaction)),),
        )
    )
    assert changed
    with node.store.read() as connection:
        assert connection.execute(select(client.c.name)).scalars().all() == ["Anna"]
        assert connection.execute(select(interaction.c.id)).scalars().all() == [CALL]
        assert connection.execute(select(card_edit.c.author)).scalars().all() == [AUTHOR]
    node.sync()
    assert node.pair.office.rows(select(interaction.c.id, interaction.c.subject)) == [(CALL, "Hello")]
    edits = select(card_edit.c.author).where(card_edit.c.card_id == CLIENT)
    assert node.pair.office.rows(edits) == [(AUTHOR,)]
    assert node.verify() == () == node.pair.verify("B1")


def test_what_is_so_already_is_not_recorded(node: Node) -> None:
    wanted = Wanted(AUTHOR, (WantedEdit(RecordKind.CLIENT, CLIENT, {"name": "Anna"}),))
    assert node.line().commit(lambda _: wanted)
    head = node.store.node()[1].head
    assert not node.line().commit(lambda _: wanted)
    assert node.store.node()[1].head == head


def test_whoever_asks_first_records_nothing_without_an_answer(node: Node) -> None:
    wire = CentralWire(node, fault="unreachable")
    wanted = Wanted(AUTHOR, (WantedEdit(RecordKind.CLIENT, CLIENT, {"name": "Anna"}),))
    if node.store.node()[0].mode is ProcessingMode.DISTRIBUTED:
        assert node.line(wire).commit(lambda _: wanted)
        return
    with pytest.raises(Refused):
        node.line(wire).commit(lambda _: wanted)
    assert node.client_names() == []


def test_an_editor_who_had_not_seen_a_value_replaces_only_what_he_saw(node: Node) -> None:
    line = node.line()
    line.commit(lambda _: Wanted(AUTHOR, (WantedEdit(RecordKind.CLIENT, CLIENT, {"name": "Anna"}),)))
    seen = {"name": ()}
    late = Wanted(AUTHOR, (WantedEdit(RecordKind.CLIENT, CLIENT, {"name": "Hanna"}, seen),))
    if node.store.node()[0].mode is ProcessingMode.CENTRALIZED:
        with pytest.raises(StaleEdit):
            line.commit(lambda _: late)
        return
    line.commit(lambda _: late)
    node.sync()
    with node.store.read() as connection:
        row = connection.exec_driver_sql("SELECT field, older_value, newer_value FROM conflict").one()
    assert tuple(row) == ("name", '"Anna"', '"Hanna"')
