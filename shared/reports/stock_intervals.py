"""In which intervals a product was in stock anywhere, where stock of it is kept; see shared.reports.abc_xyz."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Table, and_, case, func, select

from shared.domain.business_time import days_from_date
from shared.reports.ground import Ground
from shared.reports.parameters import ReportParameters
from shared.reports.purchases import Window, within
from shared.storage.dialect_functions import days_of
from shared.storage.tables import refund, refund_line, sale, sale_line, stock_movement, stock_movement_line

Expression = ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class Intervals:
    """`count` intervals of `length` days that end with the window's last day; number 0 is the last of them."""

    window: Window
    length: int
    count: int

    def number_of(self, day: Any) -> Expression:
        """The number of a day's interval; numbers from `count` on lie before all of them."""
        number: Expression = (days_from_date(self.window.last) - days_of(day)) // self.length
        return number


class _Change(NamedTuple):
    """What happened to a product's stock at a branch in an interval, in thousandths."""

    delta: int = 0
    added: int = 0
    sold: int = 0


def in_stock(ground: Ground, parameters: ReportParameters, intervals: Intervals) -> dict[str, set[int]]:
    """By SKU the intervals in which a product was in stock; a product that is not in it always was."""
    moved: dict[str, set[bytes]] = defaultdict(set)
    statement = _select(ground, parameters, intervals, stock_movement, stock_movement_line, "movement_id", 1)
    if ground.connection.execute(statement.limit(1)).first() is None:
        return {}
    changes: dict[str, dict[bytes, dict[int, list[_Change]]]] = defaultdict(lambda: defaultdict(dict))
    for sku, branch_id, number, change, is_movement in _changes(ground, parameters, intervals):
        changes[sku][branch_id].setdefault(number, []).append(change)
        if is_movement:
            moved[sku].add(branch_id)
    found: dict[str, set[int]] = {}
    for sku, branches in changes.items():
        unkept = branches.keys() - moved[sku]
        if any(
            change.sold
            for branch in unkept
            for n, all_ in branches[branch].items()
            if n < intervals.count
            for change in all_
        ):
            continue
        found[sku] = set().union(*(_present(branches[branch], intervals.count) for branch in moved[sku]))
    return found


def _present(changes: dict[int, list[_Change]], count: int) -> set[int]:
    """The intervals that began with something on hand, or in which something was added."""
    on_hand = sum(change.delta for number, known in changes.items() if number >= count for change in known)
    present = set()
    for number in range(count - 1, -1, -1):
        known = changes.get(number, ())
        if on_hand > 0 or any(change.added > 0 for change in known):
            present.add(number)
        on_hand += sum(change.delta for change in known)
    return present


def _changes(
    ground: Ground, parameters: ReportParameters, intervals: Intervals
) -> Iterator[tuple[str, bytes, int, _Change, bool]]:
    """Every product that was ever moved, by branch and interval, from the beginning of its history."""
    sources = (
        (stock_movement, stock_movement_line, "movement_id", 1),
        (sale, sale_line, "sale_id", -1),
        (refund, refund_line, "refund_id", 1),
    )
    for head, line, link, sign in sources:
        statement = _select(ground, parameters, intervals, head, line, link, sign)
        for sku, branch_id, number, delta, added in ground.connection.execute(statement):
            sold = -int(delta) if head is sale else 0
            yield sku, branch_id, int(number), _Change(int(delta), int(added), sold), head is stock_movement


def _select(
    ground: Ground, parameters: ReportParameters, intervals: Intervals, head: Table, line: Table, link: str, sign: int
) -> Select[Any]:
    quantity = line.c.quantity_thousandths * sign
    keys = (line.c.sku, head.c.branch_id, intervals.number_of(head.c.business_date))
    joined = head.join(line, and_(line.c.branch_id == head.c.branch_id, line.c[link] == head.c.id))
    conditions = within(ground, parameters, head, Window(None, intervals.window.last))
    if head is not stock_movement:
        conditions.append(line.c.sku.in_(select(stock_movement_line.c.sku)))
    sums = func.sum(quantity), func.sum(case((quantity > 0, quantity), else_=0))
    return select(*keys, *sums).select_from(joined).where(*conditions).group_by(*keys)
