"""What the head office computed over the whole chain and told this branch: the newest answer to each question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection, LargeBinary, PrimaryKeyConstraint, Row, Table, Text, select

from branch_node.storage.tables import branch_metadata
from shared.storage.card_rows import upsert_rows
from shared.storage.column_types import UtcTime
from shared.sync.messages import ChainAnswer

chain_answer = Table(
    "chain_answer",
    branch_metadata,
    Column("report", Text, nullable=False),
    Column("question", Text, nullable=False),
    # By HQ's clock.
    Column("computed_at", UtcTime, nullable=False),
    # An answer of shared.reports.answers.
    Column("data", LargeBinary, nullable=False),
    PrimaryKeyConstraint("report", "question"),
    sqlite_with_rowid=False,
)

QUESTIONS_KEPT_MAX = 200
"""Questions that a branch keeps answers to; a newer head office may ask some that this release does not show."""


def keep_answers(connection: Connection, answers: Sequence[ChainAnswer]) -> list[str]:
    """Keeps the last answer to each question, in the order in which they came; returns what was left out."""
    if not answers:
        return []
    known = {
        (row.report, row.question) for row in connection.execute(select(chain_answer.c.report, chain_answer.c.question))
    }
    rows: dict[tuple[str, str], tuple[str, str, int, bytes]] = {}
    problems = []
    for each in answers:
        key = each.report, each.question
        if key not in known and len(known) >= QUESTIONS_KEPT_MAX:
            problems.append(f"The answer to {each.question} is left out: {QUESTIONS_KEPT_MAX} are kept already.")
            continue
        known.add(key)
        rows[key] = (*key, each.computed_at_us, each.data)
    upsert_rows(connection, chain_answer, list(rows.values()))
    return problems


def answers_of(connection: Connection, report: str) -> dict[str, Row[Any]]:
    """The answers to a report's questions, by question."""
    rows = connection.execute(select(chain_answer).where(chain_answer.c.report == report))
    return {row.question: row for row in rows}
