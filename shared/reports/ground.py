"""What a report is computed over: a store, the branches to include, and the day it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection

Rows = list[tuple[Any, ...]]
Answer = tuple[Rows, tuple[Any, ...]]
"""Rows (dimensions, then measures) in the order of their dimensions, and the totals: the measures over all of them."""


Progress = Callable[[int, int], None]
"""Told how much is done of how much."""


def tell_nobody(done: int, of: int) -> None:
    """Progress that nobody follows."""


class Ground(NamedTuple):
    """`branch_codes` are the branches to include, by id; `has_rollups` says whether this store keeps them. `today` is
    the day in the zone of who asks, `now_us` its moment. Reports that take long tell `progress` how much is done of how
    much; what it raises ends them."""

    connection: Connection
    branch_codes: Mapping[bytes, str]
    has_rollups: bool
    today: date
    now_us: int = 0
    progress: Progress = tell_nobody
