"""The safeguard of answers over the chain, taken away: see tests.simulation.ablations. Seen in their worlds only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import Connection, select

from branch_node.storage.chain_answers import chain_answer, keep_answers
from tests.simulation.site import Site


@contextmanager
def older_answers_stay(site: Site) -> Iterator[None]:
    """A branch keeps the first answer to a question that it is told."""

    def keep_the_first(connection: Connection, answers: list[Any]) -> list[str]:
        known = set(connection.execute(select(chain_answer.c.question)).scalars()) if answers else set()
        wrong = [answer for answer in answers if answer.question not in known]
        return keep_answers(connection, wrong if site.acts(wrong != answers) else answers)

    with patch("branch_node.operations.feed.keep_answers", keep_the_first):
        yield
