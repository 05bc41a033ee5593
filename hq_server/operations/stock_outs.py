"""What the shops sell and have none of, for the first page: the kept answer of the report `stock-outs`, worst first."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import select

from hq_server.operations.kept_reports import ask_kept
from hq_server.storage.store import HqStore
from shared.domain.permissions import Actor, Permission
from shared.errors import Refused
from shared.reports.parameters import ReportAsk
from shared.reports.registry import find_report
from shared.storage.tables import product

SHOWN_MAX = 6


class OutOfStock(NamedTuple):
    """A product that a branch sold lately and has none of; quantities in thousandths."""

    branch_code: str
    sku: str
    name: str
    daily_thousandths: int


class StockOuts(NamedTuple):
    """The products that sell most, how many there are in all, and the moment they were counted at; None while the
    first count runs."""

    worst: tuple[OutOfStock, ...]
    total: int
    counted_at_us: int | None


def find_stock_outs(store: HqStore, actor: Actor, now_us: int) -> StockOuts | None:
    """The newest count, while a newer may be made beside; None for who may not see it, or when too much waits."""
    if not (actor.may(Permission.REPORT_CHAIN) and actor.may(Permission.STOCK_VIEW)):
        return None
    try:
        kept = ask_kept(store, find_report("stock-outs"), ReportAsk(by=("branch", "product")), now_us)
    except Refused:
        return None
    if kept.result is None:
        return StockOuts((), 0, None)
    places = {column.name: place for place, column in enumerate(kept.result.columns)}
    rows = sorted(kept.result.rows, key=lambda row: (-row[places["sold"]], row[0], row[1]))[:SHOWN_MAX]
    with store.read() as connection:
        statement = select(product.c.sku, product.c.name).where(product.c.sku.in_([row[1] for row in rows]))
        names = {sku: name for sku, name in connection.execute(statement) if name}
    worst = tuple(OutOfStock(row[0], row[1], names.get(row[1], row[1]), row[places["daily"]]) for row in rows)
    return StockOuts(worst, len(kept.result.rows), kept.stamped_at_us)
