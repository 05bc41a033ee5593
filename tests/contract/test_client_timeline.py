"""One timeline of a client, at the branches and at the head office, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from branch_node.operations.committing import Wanted, WantedEdit, WantedFact
from branch_node.operations.interactions import NextStep, Talk, log_interaction
from branch_node.operations.withdrawing import withdraw_interaction
from hq_server.operations.client_timeline import read_client_timeline
from hq_server.operations.dictionaries import add_default_terms
from hq_server.storage.feed import number_feed
from shared.domain.business_time import local_moment
from shared.domain.identifiers import format_id
from shared.domain.interactions import ClientTransfer
from shared.domain.records import RecordKind
from shared.domain.timeline import (
    ChangeEntry,
    LetterEntry,
    ReceiptEntry,
    Shown,
    SpokenEntry,
    TaskEntry,
    TimelineEntry,
    TimelinePage,
    TransferEntry,
)
from shared.errors import NotFound, NotPermitted
from shared.operations.client_timeline import read_cards, read_timeline
from tests.contract.test_interactions import MANAGER, REP, call
from tests.support.office import Office
from tests.support.pair import Node, Pair

ANNA, ANNE, COPY = b"a" * 16, b"b" * 16, b"c" * 16


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    with office.store.write() as connection:
        add_default_terms(connection, office.ids, office.clock.now_us())
    number_feed(office.store, office.clock.now_us())
    return Pair(office, tmp_path)


@pytest.fixture
def nodes(pair: Pair) -> tuple[Node, Node]:
    """Two branches that both know Anna; at the second she is twice."""
    first, second = pair.join("B1"), pair.join("B2")
    first.sync()
    second.sync()
    record(first, RecordKind.CLIENT, ANNA, name="Анна", external_id="A-1")
    first.sync()
    record(second, RecordKind.CLIENT, ANNA, note="бывает и здесь")
    second.sync()
    second.sync()
    return first, second


def record(node: Node, kind: RecordKind, card_id: bytes, **fields: Any) -> None:
    node.clock.advance(1)
    assert node.line().commit(lambda _: Wanted(MANAGER.employee_id, (WantedEdit(kind, card_id, fields),)))


def log(node: Node, talk: Talk) -> bytes:
    node.clock.advance(1)
    return log_interaction(node.store, node.line().commit, REP, talk).interaction_id


def hand_over(node: Node, client_id: bytes) -> None:
    node.clock.advance(1)
    identity = node.store.ids.new_id()

    def prepare(transaction: Any) -> Wanted:
        at = local_moment(transaction.now_us, "Europe/Moscow")
        fact = ClientTransfer(client_id, REP.employee_id, MANAGER.employee_id, identity, "manager", at, "отпуск")
        return Wanted(MANAGER.employee_id, (), (WantedFact(transaction.ids.new_id(), fact),))

    node.line().commit(prepare)


@contextmanager
def everywhere(*nodes: Node) -> Iterator[list[Connection]]:
    """What each branch and the head office hold after all have heard of all."""
    for _round in range(2):
        for node in nodes:
            node.sync()
    with nodes[0].store.read() as first, nodes[1].store.read() as second:
        with nodes[0].pair.office.store.read() as office:
            yield [first, second, office]


def page(connection: Connection, client_id: bytes = ANNA, shown: Shown = Shown.ALL, **asked: Any) -> TimelinePage:
    return read_timeline(connection, read_cards(connection, client_id), lambda _branch: "", shown, **asked)


def told(entry: TimelineEntry) -> str:
    """An entry in a word or two."""
    match entry.what:
        case ReceiptEntry(is_refund):
            return "refund" if is_refund else "sale"
        case SpokenEntry(said, earlier):
            return f"{said.channel} {said.outcome or said.body}" + "!" * len(earlier)
        case TransferEntry():
            return "transfer"
        case ChangeEntry(changes):
            return " ".join(f"{change.field}={bool(change.after)}" for change in changes)
        case TaskEntry():
            return f"task {entry.what.title}"
        case LetterEntry():
            return f"letter {entry.what.subject}"


def furnish(first: Node, second: Node) -> list[str]:
    """A history of two branches; what it is, newest first."""
    first.clock.advance(1)
    first.sell_to("A-1", "s1")
    log(first, call(ANNA, body="о цене"))
    second.clock.advance(1)
    second.sell_to(format_id(ANNA), "s2")
    log(second, Talk(ANNA, "visit", body="зашла", told="скидка 5 %"))
    hand_over(second, ANNA)
    record(first, RecordKind.CLIENT, ANNA, consent_data=True, consent_data_source="анкета", consent_data_at=1)
    record(
        first, RecordKind.MAIL, b"m" * 16, client_id=ANNA, direction="out", subject="Привет", created_at=moment(first)
    )
    log(
        first,
        Talk(
            ANNA,
            "service_request",
            "in",
            subject="Фильтр",
            body="течёт",
            next_step=NextStep("Фильтр", "service_request"),
        ),
    )
    fields = {"client_id": ANNA, "type": "call", "title": "Позвонить", "state": "done"}
    record(first, RecordKind.TASK, b"t" * 16, **fields, done_at=moment(first), done_by=REP.employee_id)
    record(first, RecordKind.CLIENT, ANNA, do_not_contact=True, do_not_contact_reason="просил")
    return [
        "do_not_contact=True do_not_contact_reason=True",
        "task Позвонить",
        "service_request течёт",
        "letter Привет",
        "consent_data=True consent_data_source=True",
        "transfer",
        "visit зашла",
        "sale",
        "call agreed",
        "sale",
    ]


def moment(node: Node) -> int:
    node.clock.advance(1)
    return node.clock.now_us()


def test_everything_that_took_place_is_on_one_timeline_everywhere(nodes: tuple[Node, Node]) -> None:
    expected = furnish(*nodes)
    with everywhere(*nodes) as held:
        for connection in held:
            assert [told(entry) for entry in page(connection).entries] == expected
        codes = [entry.branch_code for entry in page(held[0]).entries]
    # The first branch says which were the other's.
    assert [code for code in codes if code] == ["B2", "B2", "B2"]


def test_the_head_office_says_which_branch_it_was_to_whoever_may_see_the_chain(nodes: tuple[Node, Node]) -> None:
    expected = furnish(*nodes)
    with everywhere(*nodes) as held:
        found = read_client_timeline(held[2], ANNA).page
        assert [told(entry) for entry in found.entries] == expected
        codes = {told(entry): entry.branch_code for entry in found.entries}
        assert (codes["visit зашла"], codes["call agreed"], codes["transfer"]) == ("B2", "B1", "B2")
        with pytest.raises(NotPermitted):
            read_client_timeline(held[2], ANNA, actor=MANAGER)
        with pytest.raises(NotFound):
            read_client_timeline(held[2], ANNE)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 9, 10, 11])
def test_pages_follow_one_another_without_a_gap(nodes: tuple[Node, Node], size: int) -> None:
    expected = furnish(*nodes)
    with everywhere(*nodes) as held:
        for connection in held:
            found: list[str] = []
            further, pages = None, 0
            while pages == 0 or further is not None:
                shown = page(connection, after=further, entries_max=size)
                assert len(shown.entries) <= size
                found += [told(entry) for entry in shown.entries]
                further, pages = shown.further, pages + 1
            assert found == expected
            assert pages == -(-len(expected) // size)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (Shown.PURCHASES, ["sale", "sale"]),
        (Shown.CALLS, ["call agreed"]),
        (Shown.VISITS, ["visit зашла"]),
        (Shown.REQUESTS, ["service_request течёт"]),
        (Shown.MESSAGES, []),
        (Shown.LETTERS, ["letter Привет"]),
        (Shown.TASKS, ["task Позвонить"]),
        (Shown.TOLD, ["letter Привет", "visit зашла"]),
        (
            Shown.CHANGES,
            [
                "do_not_contact=True do_not_contact_reason=True",
                "consent_data=True consent_data_source=True",
                "transfer",
            ],
        ),
    ],
)
def test_a_filter_leaves_what_it_names(nodes: tuple[Node, Node], shown: Shown, expected: list[str]) -> None:
    furnish(*nodes)
    with everywhere(*nodes) as held:
        for connection in held:
            assert [told(entry) for entry in page(connection, shown=shown).entries] == expected


def test_of_corrections_the_newest_is_shown_wherever_they_were_made(nodes: tuple[Node, Node]) -> None:
    first, second = nodes
    wrong = log(first, call(ANNA))
    log(first, call(ANNA, outcome="refused", corrects_id=wrong))
    log(first, Talk(ANNA, "note", body="позже"))
    with everywhere(*nodes) as held:
        for connection in held:
            assert [told(entry) for entry in page(connection).entries] == ["note позже", "call refused!"]
    # The other branch corrects the first one too, without having heard of the second.
    log(second, call(ANNA, outcome="thinking", corrects_id=wrong))
    with everywhere(*nodes) as held:
        for connection in held:
            assert [told(entry) for entry in page(connection).entries] == ["note позже", "call thinking!!"]
            assert [told(entry) for entry in page(connection, shown=Shown.CALLS).entries] == ["call thinking!!"]
            one = [page(connection, entries_max=1)]
            one.append(page(connection, entries_max=1, after=one[0].further))
            assert [told(entry) for each in one for entry in each.entries] == ["note позже", "call thinking!!"]


def test_what_was_taken_back_is_nowhere_and_what_was_corrected_meanwhile_stands_as_corrected(
    nodes: tuple[Node, Node],
) -> None:
    first, second = nodes
    gone, corrected = log(first, call(ANNA, outcome="thinking")), log(first, call(ANNA, outcome="agreed"))
    first.sync()
    second.sync()
    log(second, call(ANNA, outcome="refused", corrects_id=corrected))
    for each in (gone, corrected):
        assert withdraw_interaction(first.line().commit, REP, each)
    for node in (first, second, first, second):
        node.sync()
    with everywhere(first, second) as connections:
        for connection in connections:
            entries = page(connection, shown=Shown.CALLS).entries
            said = [each.what for each in entries if isinstance(each.what, SpokenEntry)]
            assert [(each.said.outcome, len(each.earlier)) for each in said] == [("refused", 0)]


def test_what_the_correction_no_longer_says_was_not_told(nodes: tuple[Node, Node]) -> None:
    wrong = log(nodes[0], call(ANNA, told="всё бесплатно"))
    log(nodes[0], call(ANNA, told="", corrects_id=wrong))
    with everywhere(*nodes) as held:
        for connection in held:
            assert page(connection, shown=Shown.TOLD).entries == ()


def test_a_request_shows_how_far_it_has_come(nodes: tuple[Node, Node]) -> None:
    first, _ = nodes
    asked = Talk(ANNA, "service_request", "in", subject="Фильтр", next_step=NextStep("Фильтр", "service_request"))
    wrong = log(first, asked)
    log(first, asked._replace(subject="Фильтр!", next_step=None, corrects_id=wrong))
    with everywhere(*nodes) as held:
        for connection in held:
            (entry,) = page(connection).entries
            assert isinstance(entry.what, SpokenEntry)
            assert (entry.what.said.subject, entry.what.request_state) == ("Фильтр!", "open")


def test_the_timeline_of_merged_cards_is_one(nodes: tuple[Node, Node]) -> None:
    first, second = nodes
    record(first, RecordKind.CLIENT, ANNE, name="Аня")
    log(first, call(ANNE, outcome="order"))
    log(first, call(ANNA, outcome="thinking"))
    record(first, RecordKind.CLIENT, ANNE, merged_into=ANNA)
    with everywhere(*nodes) as held:
        for connection in held:
            for card_id in (ANNA, ANNE):
                found = [told(entry) for entry in page(connection, card_id).entries]
                assert found == ["merged_into=True", "call thinking", "call order"]
    record(first, RecordKind.CLIENT, ANNE, merged_into=None)
    with everywhere(first, second) as held:
        assert [told(entry) for entry in page(held[0], ANNA).entries] == ["call thinking"]
        assert [told(entry) for entry in page(held[0], ANNE).entries] == [
            "merged_into=False",
            "merged_into=True",
            "call order",
        ]
