"""The questions about the whole chain whose answers branches are told: a branch never computes its own part of one."""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

from shared.reports.parameters import ReportAsk

ROWS_MAX: Final = 2_000
"""Of an answer that a branch is told; of more rows those with the highest net are kept."""


class Question(NamedTuple):
    """A report with its grouping and a period by name; "" where the report has none. `is_of_all`: one answer for all
    branches; otherwise each is told of itself, or of its clients."""

    report: str
    by: tuple[str, ...]
    period: str = ""
    is_of_all: bool = False

    @property
    def name(self) -> str:
        """The same on the wire, in the tables and in addresses: `rfm.segment.last-365-days`."""
        return ".".join((self.report, *self.by, *([self.period] if self.period else ())))

    @property
    def question_id(self) -> bytes:
        """16 bytes: whose newest answer in the feed takes the place of the older ones."""
        return hashlib.sha256(b"filial/chain-answer/1\0" + self.name.encode()).digest()[:16]

    @property
    def ask(self) -> ReportAsk:
        """As a person would ask it."""
        return ReportAsk(by=self.by, period=self.period or None)


QUESTIONS: Final[tuple[Question, ...]] = (
    Question("margin", ("category",), "this-month"),
    Question("margin", ("category",), "last-month"),
    Question("margin", ("business_date",), "this-month"),
    Question("conversion", ("employee",), "this-month"),
    Question("conversion", ("employee",), "last-month"),
    Question("completeness", ("register",)),
    Question("rfm", ("segment",), "last-365-days"),
    Question("rfm", ("segment", "client"), "last-365-days"),
    Question("cohorts", ("cohort", "month_number"), "last-365-days"),
    Question("at-risk", ("client",), "today"),
    Question("abc-xyz", ("abc", "xyz"), "last-365-days", is_of_all=True),
    Question("abc-xyz", ("category", "class"), "last-365-days", is_of_all=True),
    Question("affinity", ("product", "other_product"), "last-90-days", is_of_all=True),
    Question("affinity", ("category", "other_category"), "last-90-days", is_of_all=True),
)
"""Of each report the first is what its page shows."""


def questions_of(report: str) -> list[Question]:
    """Those of a report, in the order in which a page offers them."""
    return [question for question in QUESTIONS if question.report == report]
