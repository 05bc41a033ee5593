"""What a report is computed over: a store, the branches to include, and the day it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection

Rows = list[tuple[Any, ...]]
Answer = tuple[Rows, tuple[Any, ...]]
"""Rows (dimensions, then measures) in the order of their dimensions, and the totals: the measures over all of them."""


class Ground(NamedTuple):
    """`branch_codes` are the branches to include, by id; `has_rollups` says whether this store keeps them. `today` is
    the day in the zone of who asks, `now_us` its moment."""

    connection: Connection
    branch_codes: Mapping[bytes, str]
    has_rollups: bool
    today: date
    now_us: int = 0
