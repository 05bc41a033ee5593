"""Reports at a branch: its own data, always complete, and no answer to what only head office can know."""

from __future__ import annotations

from typing import Any

import pytest

from branch_node.operations.reporting import run_report
from shared.domain.records import RecordKind
from shared.errors import InvalidInput, StoreCorrupt
from shared.reports.parameters import ReportAsk
from shared.reports.registry import find_report
from shared.reports.result import ReportResult
from shared.reports.templates import shared_templates
from tests.support.clock import START_US
from tests.support.shop import Shop, change


def run(shop: Shop, *by: str, **asked: Any) -> ReportResult:
    with shop.store.read() as connection:
        return run_report(connection, find_report("sales"), ReportAsk(by, **asked), shop.clock.now_us())


def test_a_sale_is_in_the_report_as_soon_as_it_is_committed(shop: Shop) -> None:
    shop.sell("k1", 50)
    shop.sell("k2", 70)
    assert run(shop).rows == ((2, 2_000, 120, 0, 0, 120, 60, 1_000),)
    assert run(shop, "branch", "cashier").rows == (("B7", "anna", 2, 2_000, 120, 0, 0, 120, 60, 1_000),)


def test_a_branch_is_complete_to_now(shop: Shop) -> None:
    document = run(shop).as_json()["completeness"]
    assert document["complete_to"] == "2026-11-23T16:00:00Z"
    assert document["branches"][0]["complete"] is True
    assert run(shop).completeness.complete_to_us == START_US


def test_a_branch_answers_for_itself_only(shop: Shop) -> None:
    assert run(shop, branches=["B7"]).parameters.branches == ("B7",)
    with pytest.raises(InvalidInput, match="no data of B8"):
        run(shop, branches=["B7", "B8"])


def test_as_known_at_is_a_question_for_head_office(shop: Shop) -> None:
    with pytest.raises(InvalidInput, match="head office"):
        run(shop, as_of="2026-01-01")


def test_an_empty_branch_reports_zeros(shop: Shop) -> None:
    assert run(shop).rows == ((0, 0, 0, 0, 0, 0, None, None),)
    assert run(shop, "product").rows == ()
    assert run(shop, "product").totals == (0, 0, 0, 0, 0, 0, None, None)


def test_a_row_that_cannot_be_read_ends_a_report_with_a_hint(shop: Shop) -> None:
    shop.sell("k1", 50)
    with shop.store.write() as connection:
        connection.exec_driver_sql("UPDATE sale SET business_date = 'garbage'")
    with pytest.raises(StoreCorrupt) as refused:
        run(shop, "business_date")
    assert "verify --deep" in refused.value.hint
    with shop.store.write() as connection:
        connection.exec_driver_sql("UPDATE sale SET business_date = '2026-11-23', cashier = CAST(x'ff' AS TEXT)")
    with pytest.raises(StoreCorrupt) as refused:
        run(shop, "cashier")
    assert "verify --deep" in refused.value.hint


def test_a_branch_lists_the_templates_that_the_head_office_shares(shop: Shop) -> None:
    kept = {"report": "sales", "ask": '{"by":["branch"]}'}
    shop.learn(
        change(RecordKind.REPORT_TEMPLATE, b"1" * 16, name="Ёлки", is_shared=True, roles=("manager",), **kept),
        change(RecordKind.REPORT_TEMPLATE, b"2" * 16, name="Дни", is_shared=True, **kept),
        change(RecordKind.REPORT_TEMPLATE, b"3" * 16, name="Мой", is_shared=False, **kept),
        change(RecordKind.REPORT_TEMPLATE, b"4" * 16, name="Старый", is_shared=True, archived=True, **kept),
    )
    with shop.store.read() as connection:
        found = shared_templates(connection)
    assert [(each.name, each.roles, each.ask) for each in found] == [
        ("Дни", (), '{"by":["branch"]}'),
        ("Ёлки", ("manager",), '{"by":["branch"]}'),
    ]
