"""The report `sales` at HQ, on both databases: every combination of dimensions equals a sum by hand."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from hq_server.operations.reporting import run_report
from shared.domain.business_time import MICROSECONDS
from shared.domain.sales import Sale
from shared.errors import InvalidInput, NotFound
from shared.reports.parameters import ReportAsk
from shared.reports.registry import find_report
from shared.reports.result import ReportResult
from tests.support.journal import JournalWriter, line
from tests.support.journal import sale as make_sale
from tests.support.office import Office

DIMENSIONS = ("branch", "business_date", "month", "category", "product", "cashier", "client", "hour")


def run(office: Office, *by: str, **ask: Any) -> ReportResult:
    with office.store.read() as connection:
        return run_report(connection, find_report("sales"), ReportAsk(by, **ask), office.clock.now_us(), 15)


def sell_some(office: Office, count: int = 40) -> list[tuple[str, Sale]]:
    """Sales of two branches over three months, some without client or category, some of zero."""
    source = random.Random(7)
    sold: list[tuple[str, Sale]] = []
    for code in ("B1", "B2"):
        journal = office.journal(code)
        for number in range(1, count + 1):
            lines = [
                line(
                    str(source.randint(1, 5)),
                    source.choice([0, 50, 199]),
                    source.randint(0, 3),
                    source.choice([0, 7]),
                    source.choice([None, "A", "B"]),
                )
                for _ in range(source.randint(1, 4))
            ]
            moment = f"2026-{source.randint(1, 3):02d}-{source.randint(1, 28):02d}T{source.randint(0, 23):02d}:10:00"
            fact = make_sale(
                number,
                lines,
                moment,
                cashier=source.choice(["anna", "boris"]),
                client=source.choice([None, "900", "901"]),
            )
            journal.add_sale(fact)
            sold.append((code, fact))
        _merge_all(office, journal)
    return sold


def _merge_all(office: Office, journal: JournalWriter) -> None:
    half = journal.head.seq // 2
    office.merge(journal, journal.batch(to_seq=half))
    office.clock.advance(3_600)
    office.merge(journal, journal.batch(after_seq=half))


def by_hand(sold: list[tuple[str, Sale]], by: tuple[str, ...]) -> dict[tuple[Any, ...], list[int]]:
    """Receipts, units, gross, discounts, returns and net by group."""
    receipts: dict[tuple[Any, ...], set[int]] = {}
    sums: dict[tuple[Any, ...], list[int]] = {}
    for index, (code, fact) in enumerate(sold):
        for each in fact.lines:
            values = {
                "branch": code,
                "business_date": fact.business_date.isoformat(),
                "month": fact.business_date.isoformat()[:7],
                "category": each.category,
                "product": each.sku,
                "cashier": fact.cashier,
                "client": fact.client,
                "hour": fact.sold_at.hour,
            }
            key = tuple(values[name] for name in by)
            receipts.setdefault(key, set()).add(index)
            total = sums.setdefault(key, [0, 0, 0, 0, 0, 0])
            amounts = (each.quantity_thousandths, each.amount_minor + each.discount_minor, each.discount_minor, 0)
            for position, amount in enumerate((*amounts, each.amount_minor), 1):
                total[position] += amount
    for key, indexes in receipts.items():
        sums[key][0] = len(indexes)
    return sums


def told(result: ReportResult) -> dict[tuple[Any, ...], list[int]]:
    width = len(result.parameters.by)
    return {tuple(row[:width]): list(row[width : width + 6]) for row in result.rows}


def test_every_combination_of_up_to_three_dimensions_equals_the_sum_by_hand(office: Office) -> None:
    sold = sell_some(office)
    for size in range(4):
        for by in itertools.combinations(DIMENSIONS, size):
            assert told(run(office, *by)) == by_hand(sold, by), by


def test_totals_count_a_receipt_once_whatever_the_groups(office: Office) -> None:
    sold = sell_some(office)
    assert list(run(office, "category").totals[:6]) == by_hand(sold, ())[()]


def test_a_period_and_branches_restrict_it(office: Office) -> None:
    sold = sell_some(office)
    start, end = "2026-01-15", "2026-02-20"
    kept = [(c, fact) for c, fact in sold if c == "B1" and start <= fact.business_date.isoformat() <= end]
    for by in ((), ("month",), ("category",), ("product", "hour")):
        result = run(office, *by, date_from=start, date_to=end, branches=("B1",))
        assert told(result) == by_hand(kept, by), by


def test_whole_months_read_the_monthly_rollup_and_agree(office: Office) -> None:
    sold = sell_some(office)
    kept = [(code, fact) for code, fact in sold if fact.business_date.month == 2]
    assert told(run(office, "branch", date_from="2026-02-01", date_to="2026-02-28")) == by_hand(kept, ("branch",))


def test_as_known_at_a_moment_leaves_out_what_came_later(office: Office) -> None:
    journal = office.journal("B1")
    journal.add_sale(make_sale(1))
    office.merge(journal, journal.batch())
    known_at = office.clock.now_us()
    office.clock.advance(60)
    journal.add_sale(make_sale(2))
    office.merge(journal, journal.batch(after_seq=1))
    from shared.domain.business_time import format_us

    assert run(office, as_of=format_us(known_at)).totals[0] == 1
    assert run(office).totals[0] == 2


def test_an_empty_chain_has_one_row_of_zeros(office: Office) -> None:
    assert run(office).rows == ((0, 0, 0, 0, 0, 0, None, None),)
    assert run(office, "branch").rows == ()


def test_unknown_dimensions_branches_and_periods_are_refused(office: Office) -> None:
    for error, by, ask in (
        (InvalidInput, ("colour",), {}),
        (InvalidInput, ("month", "month"), {}),
        (NotFound, (), {"branches": ("nowhere",)}),
        (InvalidInput, (), {"date_from": "2026-02-01", "date_to": "2026-01-01"}),
        (InvalidInput, (), {"date_from": "yesterday"}),
    ):
        with pytest.raises(error):
            run(office, *by, **ask)


def test_a_branch_that_was_never_heard_is_not_complete(office: Office) -> None:
    office.add_branch("B1")
    (known,) = run(office).completeness.branches
    assert (known.watermark_us, known.complete) == (None, False)


def test_a_branch_is_complete_once_it_ticked_and_not_while_entries_are_known_to_wait(office: Office) -> None:
    from hq_server.storage.branches import store_tick

    journal = office.journal("B1")
    journal.add_sale(make_sale(1))
    fence = office.open(journal).known.fence
    office.merge(journal, journal.batch(), fence=fence)
    now_us = office.clock.now_us()
    with office.store.write() as connection:
        store_tick(connection, journal.branch_id, fence, now_us, 1, now_us)
    assert run(office).completeness.branches[0].complete
    with office.store.write() as connection:
        store_tick(connection, journal.branch_id, fence, now_us, 2, now_us)
    assert not run(office).completeness.branches[0].complete


def test_a_watermark_never_lies_ahead_of_the_head_office_clock(office: Office) -> None:
    from hq_server.storage.branches import store_tick

    journal = office.journal("B1")
    fence = office.open(journal).known.fence
    now_us = office.clock.now_us()
    with office.store.write() as connection:
        store_tick(connection, journal.branch_id, fence, now_us + 3_600 * MICROSECONDS, 0, now_us)
    assert run(office).completeness.complete_to_us == now_us
