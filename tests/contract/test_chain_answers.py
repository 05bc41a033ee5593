"""What is computed over the whole chain reaches every branch over the feed, on both databases."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from branch_node.operations.chain_answers import NotToldYet
from branch_node.operations.reporting import run_report as run_at_branch
from branch_node.storage.store import BranchStore
from hq_server.bootstrap import computing
from hq_server.operations.chain_answers import ask_for_all, list_told, next_due, tell_branches
from hq_server.operations.fleet import revoke_branch
from hq_server.operations.kept_reports import Stopped
from hq_server.settings import Settings
from hq_server.storage.compaction import compact_feed
from hq_server.storage.feed import number_feed
from shared.domain.business_time import local_moment
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.records import RecordKind
from shared.reports.answers import asked_of, decode_answer
from shared.reports.branch_questions import QUESTIONS, Question
from shared.reports.parameters import ReportAsk, parse_ask
from shared.reports.registry import REPORTS, find_report
from shared.reports.report import Scope
from shared.reports.result import ReportResult
from shared.sync.messages import CHAIN_ANSWER_KIND, ChainAnswer
from tests.support.chain_sales import Shop, ask, told
from tests.support.clock import FakeClock
from tests.support.journal import ZONE
from tests.support.office import Office
from tests.support.shop import Shop as Branch
from tests.support.shop import change

HOUR, LAG = 4, 15
HOURS = 3_600
BY_CLIENT = Question("rfm", ("segment", "client"), "last-365-days")


@pytest.fixture
def chain(office: Office) -> tuple[Shop, Shop]:
    """Two branches. 900 buys at both, 901 and a nameless number at the first, 902 at the second."""
    first, second = Shop(office, "B1"), Shop(office, "B2")
    anna, boris = first.put_card("900"), first.put_card("901")
    clara = second.put_card("902")
    for day in (1, 5, 9):
        first.sell(f"2026-11-0{day}", "900", 100, anna)
        second.sell(f"2026-11-0{day}", "900", 1_000, anna)
    first.sell("2026-11-02", "901", 50, boris)
    first.sell("2026-11-03", "7777", 20)
    second.sell("2026-10-03", "902", 70, clara)
    second.sell("2026-11-08", "902", 70, clara)
    second.receive("2026-10-01", "1", 100)
    for shop in (first, second):
        shop.send()
    return first, second


def tell(office: Office, *questions: Question) -> None:
    for question in questions or QUESTIONS:
        tell_branches(office.store, office.clock, question, HOUR, LAG)
    number_feed(office.store, office.clock.now_us())


def answers(office: Office, shop: Shop) -> dict[str, ChainAnswer]:
    """The last answer to each question that a branch is told."""
    told = [each for each in office.feed_of(shop.journal.branch_id) if isinstance(each, ChainAnswer)]
    return {each.question: each for each in told}


def result_of(office: Office, answer: ChainAnswer) -> ReportResult:
    report = find_report(answer.report)
    today = local_moment(office.clock.now_us(), ZONE).business_date
    parameters = parse_ask(asked_of(answer.data), list(report.all_dimensions), report.options, ZONE, today)
    return decode_answer(answer.data, answer.report, parameters)


def test_every_chain_report_is_told_to_branches() -> None:
    chain_reports = {name for name, report in REPORTS.items() if report.scope is Scope.CHAIN}
    assert {question.report for question in QUESTIONS} == chain_reports
    for question in QUESTIONS:
        report = find_report(question.report)
        assert set(question.by) <= set(report.all_dimensions)
        assert bool(question.period) == report.has_period
    assert len({question.question_id for question in QUESTIONS}) == len(QUESTIONS)


def test_what_a_branch_is_told_of_itself_is_what_the_head_office_says_of_it(
    office: Office, chain: tuple[Shop, Shop]
) -> None:
    of_itself = [each for each in QUESTIONS if not each.is_of_all and not find_report(each.report).run_by_branch]
    tell(office, *of_itself)
    for shop, code in zip(chain, ("B1", "B2"), strict=True):
        for question in of_itself:
            told_of = result_of(office, answers(office, shop)[question.name])
            asked = ask(office, question.report, *question.by, period=question.period or None, branches=[code])
            assert (told_of.columns, told_of.rows, told_of.totals) == (asked.columns, asked.rows, asked.totals)
            assert [known.branch for known in told_of.completeness.branches] == [code]


def test_what_all_are_told_is_the_chain_s(office: Office, chain: tuple[Shop, Shop]) -> None:
    of_all = [each for each in QUESTIONS if each.is_of_all]
    tell(office, *of_all)
    for question in of_all:
        asked = ask(office, question.report, *question.by, period=question.period)
        for shop in chain:
            told_of = result_of(office, answers(office, shop)[question.name])
            assert (told_of.rows, told_of.totals) == (asked.rows, asked.totals)
            assert len(told_of.completeness.branches) == 2


def test_of_its_clients_a_branch_is_told_what_they_are_in_the_whole_chain(
    office: Office, chain: tuple[Shop, Shop]
) -> None:
    tell(office)
    whole = ask(office, "rfm", "segment", "client", period="last-365-days")
    of_chain = {client: (segment, net) for (segment, client), net in told(whole, "net").items()}
    for shop, mine in zip(chain, ({"900", "901", "7777"}, {"900", "902"}), strict=True):
        told_of = result_of(office, answers(office, shop)[BY_CLIENT.name])
        assert told_of.totals[0] == len(mine)
        found = {row[1] for row in told_of.rows}
        assert len(found) == len(mine)
        nets = sorted((segment, net) for (segment, _client), net in told(told_of, "net").items())
        assert nets == sorted(of_chain[client] for client in mine)
        assert len(told_of.completeness.branches) == 2


def test_clients_travel_as_cards_and_numbers_without_a_card_do_not(office: Office, chain: tuple[Shop, Shop]) -> None:
    tell(office, BY_CLIENT)
    rows = result_of(office, answers(office, chain[0])[BY_CLIENT.name]).rows
    assert sorted(len(row[1]) for row in rows) == [0, 36, 36]


def test_clients_who_stay_away_and_cohorts_are_those_of_the_branch(office: Office) -> None:
    first, second = Shop(office, "B1"), Shop(office, "B2")
    gone = first.put_card("900")
    for day in (1, 3, 5):
        first.sell(f"2026-09-0{day}", "900", 100, gone)
    second.sell("2026-11-20", "901", 10, second.put_card("901"))
    for shop in (first, second):
        shop.send()
    tell(office)
    at_risk, cohorts = "at-risk.client.today", "cohorts.cohort.month_number.last-365-days"
    assert [result_of(office, answers(office, shop)[at_risk]).totals[0] for shop in (first, second)] == [1, 0]
    of_first, of_second = (result_of(office, answers(office, shop)[cohorts]) for shop in (first, second))
    assert {row[0] for row in of_first.rows} == {"2026-09"}
    assert {row[0] for row in of_second.rows} == {"2026-11"}


def test_a_complete_branch_s_share_of_the_sales_is_nobody_else_s_business(
    office: Office, chain: tuple[Shop, Shop]
) -> None:
    tell(office)
    for answer in answers(office, chain[0]).values():
        for known in result_of(office, answer).completeness.branches:
            assert known.share_basis_points is None or not known.complete


def test_a_newer_answer_takes_the_place_of_an_older_one(office: Office, chain: tuple[Shop, Shop]) -> None:
    tell(office, BY_CLIENT)
    older = answers(office, chain[0])[BY_CLIENT.name]
    office.clock.advance(24 * HOURS)
    tell(office, BY_CLIENT)
    compact_feed(office.store)
    told_now = [each for each in office.feed_of(chain[0].journal.branch_id) if each.kind == CHAIN_ANSWER_KIND]
    assert len(told_now) == 1
    assert isinstance(told_now[0], ChainAnswer)
    assert told_now[0].computed_at_us == older.computed_at_us + 24 * HOURS * 1_000_000


def test_a_branch_that_is_revoked_is_told_nothing(office: Office, chain: tuple[Shop, Shop]) -> None:
    with office.store.write() as connection:
        revoke_branch(connection, "B2", office.clock.now_us())
    tell(office, BY_CLIENT)
    assert answers(office, chain[0])
    assert not answers(office, chain[1])


def test_of_a_long_answer_the_rows_with_the_highest_net_are_told(
    office: Office, chain: tuple[Shop, Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hq_server.operations.chain_answers.ROWS_MAX", 1)
    tell(office, BY_CLIENT)
    told_of = result_of(office, answers(office, chain[1])[BY_CLIENT.name])
    assert (len(told_of.rows), told_of.rows_left_out, told_of.totals[0]) == (1, 1, 2)
    assert list(told(told_of, "net").values()) == [3_300]


# When.


def due(office: Office) -> Question | None:
    with office.store.read() as connection:
        return next_due(connection, office.clock.now_us(), HOUR)


def test_every_question_is_answered_once_a_night(office: Office) -> None:
    Shop(office, "B1")
    assert due(office) is None  # founded today
    office.clock.advance(24 * HOURS)
    found = []
    while (question := due(office)) is not None:
        tell_branches(office.store, office.clock, question, HOUR, LAG)
        found.append(question)
    assert found == list(QUESTIONS)
    office.clock.advance(8 * HOURS)  # 19:00 + 8 h is 03:00
    assert due(office) is None
    office.clock.advance(2 * HOURS)
    assert due(office) == QUESTIONS[0]


def test_they_are_answered_at_once_when_somebody_asks(office: Office) -> None:
    Shop(office, "B1")
    with office.store.write() as connection:
        ask_for_all(connection, LOCAL_ADMINISTRATOR, office.clock.now_us())
    assert due(office) == QUESTIONS[0]
    with office.store.read() as connection:
        assert {each.computed_at_us for each in list_told(connection)} == {None}
    tell(office)
    assert due(office) is None
    with office.store.read() as connection:
        assert {each.branches for each in list_told(connection)} == {1}


def test_what_cannot_be_answered_says_why_and_waits_for_the_next_night(
    office: Office, chain: tuple[Shop, Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hq_server.operations.chain_answers.FEED_FOLDED_BYTES_MAX", 10)
    tell(office)
    assert not answers(office, chain[0])
    with office.store.read() as connection:
        assert {(each.branches, "the limit is 10" in (each.reason or "")) for each in list_told(connection)} == {
            (0, True)
        }
    assert due(office) is None


def test_a_broken_report_keeps_no_other_waiting(
    office: Office, chain: tuple[Shop, Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: Any) -> NoReturn:
        raise ZeroDivisionError

    monkeypatch.setattr("hq_server.operations.chain_answers.run_by_branch", breaks)
    office.clock.advance(24 * HOURS)
    opened: Any = SimpleNamespace(store=office.store, clock=office.clock, settings=Settings())
    done = 0
    while computing._tell_next(opened, lambda: False):
        done += 1
        assert done <= len(QUESTIONS)
    with office.store.read() as connection:
        broken = {each.question for each in list_told(connection) if "broke" in (each.reason or "")}
    assert broken == {question for question in QUESTIONS if not question.is_of_all}
    number_feed(office.store, office.clock.now_us())
    assert len(answers(office, chain[0])) == len(QUESTIONS) - len(broken)


def test_a_program_that_ends_leaves_the_question_for_the_next_one(office: Office, chain: tuple[Shop, Shop]) -> None:
    slow = next(each for each in QUESTIONS if each.report == "affinity")
    with pytest.raises(Stopped):
        tell_branches(office.store, office.clock, slow, HOUR, LAG, lambda: True)
    with office.store.read() as connection:
        assert all(each.computed_at_us is None for each in list_told(connection))


# At the branch.


@pytest.fixture
def branch(branch_store: BranchStore, clock: FakeClock) -> Branch:
    return Branch(branch_store, clock)


def shown(branch: Branch, report: str, *by: str, **asked: Any) -> ReportResult:
    with branch.store.read() as connection:
        return run_at_branch(connection, find_report(report), ReportAsk(by, **asked), branch.clock.now_us())


def test_a_branch_shows_what_it_was_told_with_its_moment(
    office: Office, chain: tuple[Shop, Shop], branch: Branch
) -> None:
    with pytest.raises(NotToldYet):
        shown(branch, "margin", "category")
    tell(office)
    known = answers(office, chain[1])
    assert branch.learn(*known.values()) == []
    for question in QUESTIONS:
        seen = shown(branch, question.report, *question.by, period=question.period or None)
        sent = result_of(office, known[question.name])
        assert (seen.columns, seen.totals, len(seen.rows)) == (sent.columns, sent.totals, len(sent.rows))
        assert seen.completeness == sent.completeness
        assert seen.computed_at_us == office.clock.now_us()
        assert "computed_at" in seen.as_json()


def test_clients_are_called_as_the_branch_knows_them(office: Office, chain: tuple[Shop, Shop], branch: Branch) -> None:
    tell(office, BY_CLIENT)
    answer = answers(office, chain[1])[BY_CLIENT.name]
    ids = {bytes.fromhex(row[1].replace("-", "")) for row in result_of(office, answer).rows}
    one, other = sorted(ids)
    branch.learn(answer, change(RecordKind.CLIENT, one, name="Anna", external_id="900"))
    branch.learn(change(RecordKind.ERASURE, other, ordered_at=1))
    assert {row[1] for row in shown(branch, "rfm", *BY_CLIENT.by).rows} == {"900", ""}
