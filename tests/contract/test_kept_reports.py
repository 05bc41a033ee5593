"""Reports that take long, on both databases: asked for, computed one at a time, and kept until the data has changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from hq_server.operations import kept_reports
from hq_server.operations.kept_reports import (
    ATTEMPTS_MAX,
    FRESH_SECONDS,
    Kept,
    KeptState,
    ask_again,
    ask_kept,
    fingerprint_of,
    take_up_again,
    work_off,
)
from hq_server.operations.reporting import run_report
from hq_server.storage.kept_report_tables import kept_report
from shared.errors import InvalidInput, Refused
from shared.reports.answers import ask_of
from shared.reports.ground import Answer, Ground
from shared.reports.parameters import ReportAsk, ReportParameters, parse_ask
from shared.reports.registry import REPORTS, find_report
from shared.reports.report import Report
from tests.support.chain_sales import Shop
from tests.support.office import Office
from tests.support.persons import erase

PAIRS = find_report("affinity")
ASK = ReportAsk(("product", "other_product"), period="last-28-days", options=("minimum=2",))
LAG = 15


@pytest.fixture
def shop(office: Office) -> Shop:
    shop = Shop(office, "B1")
    for day in ("2026-11-01", "2026-11-02", "2026-11-03"):
        shop.basket(day, {"A": 1, "B": 1, "C": 1})
    shop.send()
    return shop


def look(office: Office, ask: ReportAsk = ASK, report: Report = PAIRS) -> Kept:
    return ask_kept(office.store, report, ask, office.clock.now_us())


def work(office: Office, should_stop: Callable[[], bool] = lambda: False) -> bool:
    return work_off(office.store, office.clock, LAG, should_stop)


def replaced(monkeypatch: pytest.MonkeyPatch, run: Callable[[Ground, ReportParameters], Answer]) -> None:
    """The report does something else."""
    monkeypatch.setitem(REPORTS, PAIRS.name, replace(PAIRS, run=run))


def test_an_asked_report_waits_is_computed_and_equals_what_it_says_at_once(office: Office, shop: Shop) -> None:
    asked = look(office)
    assert asked == Kept(KeptState.WAITING, 0, None, None, False, None)
    assert look(office) == asked
    assert work(office)
    assert not work(office)
    done = look(office)
    with office.store.read() as connection:
        at_once = run_report(connection, PAIRS, ASK, office.clock.now_us(), LAG)
    assert done == Kept(KeptState.DONE, 10_000, at_once, office.clock.now_us(), True, None)
    assert len(at_once.rows) == 3


def test_an_answer_is_kept_until_the_data_changes_and_shown_until_there_is_a_newer_one(
    office: Office, shop: Shop
) -> None:
    look(office)
    work(office)
    computed_at = office.clock.now_us()
    office.clock.advance(FRESH_SECONDS)
    assert look(office).is_current
    shop.basket("2026-11-04", {"A": 1, "B": 1})
    shop.send()
    old = look(office)
    assert (old.state, old.is_current, old.stamped_at_us) == (KeptState.WAITING, False, computed_at)
    assert old.result is not None
    assert old.result.rows[0][3] == 3
    assert work(office)
    new = look(office)
    assert (new.state, new.is_current, new.stamped_at_us) == (KeptState.DONE, True, office.clock.now_us())
    assert new.result is not None
    assert max(row[3] for row in new.result.rows) == 4


def test_a_young_answer_is_current_whatever_came_since(office: Office, shop: Shop) -> None:
    look(office)
    work(office)
    shop.sell("2026-11-04", None)
    shop.send()
    office.clock.advance(FRESH_SECONDS - 1)
    assert look(office).state == KeptState.DONE
    office.clock.advance(1)
    assert look(office).state == KeptState.WAITING


def test_the_next_day_is_another_question_and_a_card_s_edit_other_data(office: Office, shop: Shop) -> None:
    open_end = ReportAsk(PAIRS.first_by)
    look(office, open_end)
    work(office)
    office.clock.advance(FRESH_SECONDS)
    assert look(office, open_end).is_current
    shop.put_card("900")
    shop.send()
    assert not look(office, open_end).is_current
    work(office)
    office.clock.advance(86_400)
    assert not look(office, open_end).is_current
    assert look(office).result is None


def test_a_period_by_name_and_by_its_days_is_one_question(office: Office) -> None:
    with office.store.read():
        named = parse_ask(ASK, list(PAIRS.all_dimensions), PAIRS.options, "Europe/Moscow", _today())
    asked = ask_of(named.as_json())
    again = parse_ask(asked, list(PAIRS.all_dimensions), PAIRS.options, "Europe/Moscow", _today())
    assert again == named
    assert fingerprint_of("affinity", again) == fingerprint_of("affinity", named)
    assert fingerprint_of("rfm", named) != fingerprint_of("affinity", named)


def _today() -> Any:
    from datetime import date

    return date(2026, 11, 23)


def test_everything_of_a_question_survives_the_queue() -> None:
    sales = find_report("sales")
    asked = ReportAsk(
        ("branch", "category"),
        "2026-01-01",
        "2026-01-31",
        ("B1",),
        "2026-02-01T00:00:00Z",
        filters=("category=Milk", "category=", "cashier=a=b"),
        team="eva",
        compare="last-year",
        like_for_like=True,
    )
    parsed = parse_ask(asked, list(sales.all_dimensions), (), "Europe/Moscow", _today())
    assert parse_ask(ask_of(parsed.as_json()), list(sales.all_dimensions), (), "Europe/Moscow", _today()) == parsed


def test_the_oldest_is_computed_first_and_the_queue_is_bounded(
    office: Office, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_reports, "WAITING_MAX", 2)
    asks = [ReportAsk(PAIRS.first_by, options=(f"minimum={number}",)) for number in (2, 3, 4)]
    for ask in asks[:2]:
        look(office, ask)
        office.clock.advance(1)
    with pytest.raises(Refused):
        look(office, asks[2])
    look(office, asks[0])
    work(office)
    assert [look(office, ask).state for ask in asks[:2]] == [KeptState.DONE, KeptState.WAITING]
    assert look(office, asks[2]).state == KeptState.WAITING


def test_only_so_many_answers_are_kept_and_so_many_bytes(
    office: Office, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_reports, "ANSWERS_MAX", 2)
    for number in (2, 3, 4):
        look(office, ReportAsk(PAIRS.first_by, options=(f"minimum={number}",)))
        office.clock.advance(1)
        work(office)
    assert office.count(kept_report) == 2
    assert look(office, ReportAsk(PAIRS.first_by, options=("minimum=2",))).result is None
    monkeypatch.setattr(kept_reports, "ANSWERS_BYTES_MAX", 1)
    work(office)
    assert office.count(kept_report) == 0


def test_an_answer_that_is_too_large_and_a_question_that_is_refused_fail_with_a_reason(
    office: Office, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_reports, "ANSWER_BYTES_MAX", 10)
    look(office)
    assert work(office)
    failed = look(office)
    assert (failed.state, failed.result) == (KeptState.FAILED, None)
    assert failed.reason is not None
    assert "the limit is 10" in failed.reason
    monkeypatch.setattr(kept_reports, "ANSWER_BYTES_MAX", 10_000)
    assert ask_again(office.store, PAIRS, ASK, office.clock.now_us()).state == KeptState.WAITING
    work(office)
    assert look(office).state == KeptState.DONE
    look(office, ReportAsk(("product",)))
    work(office)
    assert "Pairs are of two" in (look(office, ReportAsk(("product",))).reason or "")
    with pytest.raises(InvalidInput):
        look(office, ReportAsk(("colour",)))


def test_a_report_that_breaks_keeps_nobody_waiting(office: Office, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Ground, __: ReportParameters) -> Answer:
        raise ZeroDivisionError

    replaced(monkeypatch, broken)
    look(office)
    assert work(office)
    assert look(office).reason == "It broke: ZeroDivisionError."


def test_progress_is_seen_while_it_is_computed_and_stopping_puts_it_back(
    office: Office, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Kept] = []
    stop: list[bool] = []

    def slow(ground: Ground, _: ReportParameters) -> Answer:
        office.clock.advance(2)
        ground.progress(1, 4)
        seen.append(look(office))
        stop.append(True)
        ground.progress(2, 4)
        raise AssertionError("it was stopped")

    replaced(monkeypatch, slow)
    look(office)
    assert not work(office, lambda: bool(stop))
    assert [(kept.state, kept.progress) for kept in seen] == [(KeptState.RUNNING, 2_500)]
    assert look(office).state == KeptState.WAITING
    monkeypatch.undo()
    assert work(office)
    assert look(office).state == KeptState.DONE


def test_what_a_killed_process_was_computing_is_begun_again_but_not_for_ever(office: Office, shop: Shop) -> None:
    look(office)
    for attempt in range(1, ATTEMPTS_MAX + 1):
        with office.store.write() as connection:
            connection.execute(update(kept_report).values(state="running", attempts=attempt))
        assert look(office).state == KeptState.RUNNING
        take_up_again(office.store)
        assert look(office).state == (KeptState.WAITING if attempt < ATTEMPTS_MAX else KeptState.FAILED)
    assert not work(office)


def test_erasing_a_person_forgets_every_answer_and_one_that_was_being_computed(
    office: Office, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = shop.put_card("900", name="Anna")
    shop.sell("2026-11-05", "900", card=card)
    shop.send()
    rfm = find_report("rfm")
    by_client = ReportAsk(("client",))
    look(office, by_client, rfm)
    work(office)
    result = look(office, by_client, rfm).result
    assert result is not None
    assert [row[0] for row in result.rows] == ["900"]

    def with_an_erasure(ground: Ground, parameters: ReportParameters) -> Answer:
        answer = rfm.run(ground, parameters)
        if office.store.dialect == "postgresql":
            erase(office, card)
            look(office, by_client, rfm)
        return answer

    monkeypatch.setitem(REPORTS, "rfm", replace(rfm, run=with_an_erasure))
    ask_again(office.store, rfm, by_client, office.clock.now_us())
    work(office)
    if office.store.dialect == "sqlite":
        erase(office, card)
    assert all(row.answer is None for row in office.rows(select(kept_report)))
    monkeypatch.undo()
    look(office, by_client, rfm)
    work(office)
    assert look(office, by_client, rfm).result is not None
    assert look(office, by_client, rfm).result.rows == ()  # type: ignore[union-attr]
