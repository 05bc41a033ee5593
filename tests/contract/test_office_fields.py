"""What stays at the head office, on both databases: addresses and schedules of report templates reach no branch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from hq_server.operations.backup import restore_backup, take_backup
from hq_server.operations.card_changes import Noun, Subject, read_changes, take_back
from hq_server.operations.proposals import accept_proposals
from hq_server.operations.report_templates import Plan, change_template, plan_template, save_template
from hq_server.storage.feed import number_feed, without_office_fields
from hq_server.storage.tables import feed
from shared.domain.cards import CARD_FIELDS, OFFICE_FIELDS
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.records import RecordKind
from shared.operations.cards import load_card
from shared.reports.parameters import ReportAsk
from shared.storage.tables import card, report_template
from shared.sync.messages import CardForgotten
from tests.support.office import Office
from tests.support.pair import Node, Pair

ADDRESS = "boss@shop.example"
PLAN = Plan("daily 08:00", ("pdf",), (ADDRESS,), True, 4)
KIND = RecordKind.REPORT_TEMPLATE


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    return Pair(office, tmp_path)


def do(pair: Pair, work: Any, *given: Any) -> Any:
    office = pair.office
    office.clock.advance(1)
    with office.store.write() as connection:
        done = work(connection, office.ids, office.clock.now_us(), LOCAL_ADMINISTRATOR, *given)
    number_feed(office.store, office.clock.now_us())
    return done


def saved(pair: Pair) -> bytes:
    return bytes(do(pair, save_template, "Продажи", "sales", ReportAsk(by=("branch",), period="yesterday"), (), True))


def told(pair: Pair, node: Node) -> bytes:
    """Every byte of the feed, and of the cards that the branch has of it."""
    node.sync()
    with pair.office.store.read() as connection:
        there = connection.execute(select(feed.c.data)).scalars().all()
    with node.store.read() as connection:
        here = connection.execute(select(card.c.state).where(card.c.kind == int(KIND))).scalars().all()
    return b"".join((*there, *here))


def fields_at(node: Node, template_id: bytes) -> set[str]:
    with node.store.read() as connection:
        state = load_card(connection, KIND, template_id)
    return set() if state is None else set(state.fields)


def test_no_branch_is_told_to_whom_a_report_goes_and_when(pair: Pair) -> None:
    node = pair.join("north")
    template_id = saved(pair)
    do(pair, plan_template, template_id, PLAN)
    do(pair, change_template, template_id, "Иначе", [], True, "ru")
    assert ADDRESS.encode() not in told(pair, node)
    assert fields_at(node, template_id).isdisjoint(OFFICE_FIELDS[KIND])
    with node.store.read() as connection:
        row = connection.execute(select(report_template)).one()
    assert (row.name, row.is_shared, row.schedule, row.recipients) == ("Иначе", True, None, None)
    late = pair.join("south")
    assert ADDRESS.encode() not in told(pair, late)
    assert fields_at(late, template_id) == fields_at(node, template_id)
    with pair.office.store.read() as connection:
        assert connection.execute(select(report_template.c.recipients)).scalar_one() == ADDRESS


def test_taking_a_plan_back_tells_nobody_either(pair: Pair) -> None:
    node = pair.join("north")
    template_id = saved(pair)
    do(pair, plan_template, template_id, PLAN)
    do(pair, plan_template, template_id, Plan())
    subject = Subject(Noun.TEMPLATE, template_id)
    with pair.office.store.read() as connection:
        newest = read_changes(connection, LOCAL_ADMINISTRATOR, subject)[0]
    do(pair, take_back, subject, newest.command_id)
    assert ADDRESS.encode() not in told(pair, node)
    with pair.office.store.read() as connection:
        assert connection.execute(select(report_template.c.recipients)).scalar_one() == ADDRESS


def test_a_template_that_a_restored_head_office_takes_up_again_keeps_its_plan_to_itself(
    pair: Pair, tmp_path: Path
) -> None:
    node = pair.join("north")
    template_id = saved(pair)
    do(pair, plan_template, template_id, PLAN)
    node.sync()
    office = pair.office
    take_backup(office.store, tmp_path / "hq.backup", office.clock, office.ids)
    do(pair, change_template, template_id, "Иначе", [], True, "ru")
    node.sync()
    restore_backup(office.store, tmp_path / "hq.backup", office.clock, office.ids)
    node.sync()
    with office.store.write() as connection:
        assert accept_proposals(connection, office.ids, office.clock.now_us()).cards == 1
    number_feed(office.store, office.clock.now_us())
    assert ADDRESS.encode() not in told(pair, node)
    with office.store.read() as connection:
        row = connection.execute(select(report_template)).one()
    assert (row.name, row.recipients, row.schedule) == ("Иначе", ADDRESS, "daily 08:00")


def test_fields_that_stay_are_fields_of_their_cards() -> None:
    for kind, names in OFFICE_FIELDS.items():
        assert names <= CARD_FIELDS[RecordKind(kind)].keys()
    forgotten = CardForgotten(int(KIND), b"t" * 16)
    assert without_office_fields(forgotten) is forgotten
