"""Reports over the whole chain at a branch: what the head office told, and no answer to anything else."""

from __future__ import annotations

from typing import Any

import pytest

from branch_node.operations.reporting import run_report
from shared.errors import InvalidInput, Refused
from shared.reports.branch_questions import questions_of
from shared.reports.parameters import ReportAsk
from shared.reports.registry import find_report
from shared.reports.result import ReportResult
from shared.sync.messages import ChainAnswer
from tests.support.shop import Shop


def shown(branch: Shop, report: str, *by: str, **asked: Any) -> ReportResult:
    with branch.store.read() as connection:
        return run_report(connection, find_report(report), ReportAsk(by, **asked), branch.clock.now_us())


@pytest.mark.parametrize(
    "asked",
    [
        {"by": ("product",)},
        {"by": ("category",), "period": "this-year"},
        {"by": ("category",), "date_from": "2026-01-01"},
        {"by": ("category",), "branches": ["B8"]},
        {"by": ("category",), "filters": ["category=Tea"]},
        {"by": ("category",), "as_of": "2026-01-01"},
    ],
)
def test_other_questions_are_for_the_head_office(shop: Shop, asked: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="only fixed questions") as refused:
        shown(shop, "margin", *asked.pop("by"), **asked)
    assert "category last-month" in (refused.value.hint or "")


def test_an_answer_of_a_report_of_a_newer_head_office_is_kept_and_not_shown(shop: Shop) -> None:
    unknown = ChainAnswer(b"q" * 16, "forecast", "forecast.branch.next-month", 1, b"")
    assert shop.learn(unknown) == []
    assert shop.count("chain_answer") == 1


def test_only_so_many_answers_are_kept(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("branch_node.storage.chain_answers.QUESTIONS_KEPT_MAX", 1)
    one, other = (ChainAnswer(name.encode() * 16, "rfm", name, 1, b"") for name in "ab")
    assert shop.learn(one) == []
    assert len(shop.learn(one, other)) == 1
    assert shop.count("chain_answer") == 1


def test_the_questions_of_a_report_stand_in_their_order() -> None:
    assert [each.by for each in questions_of("rfm")] == [("segment",), ("segment", "client")]


def test_an_answer_that_cannot_be_read_says_so(shop: Shop) -> None:
    for damaged in (b"", b"x", b"x\x9c"):
        assert shop.learn(ChainAnswer(b"q" * 16, "margin", "margin.category.this-month", 1, damaged)) == []
        with pytest.raises(Refused, match="cannot be read"):
            shown(shop, "margin")
