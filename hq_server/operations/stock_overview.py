"""Stock over the whole chain for people: what each branch lacks, and what is on hand of which product where.

The numbers are those of the report `stock`. Contains no sums of its own.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, select

from hq_server.operations.paging import Page, page_of
from hq_server.operations.reporting import run_report
from hq_server.storage.branches import all_branches
from shared.domain.permissions import Actor, Permission, require
from shared.domain.text_folding import fold
from shared.reports.parameters import ReportAsk
from shared.reports.registry import find_report
from shared.reports.result import BranchCompleteness
from shared.storage.tables import product

WORDS_CHARACTERS_MAX = 200


class StockWanted(NamedTuple):
    """What is looked for: at one branch or at all of them, by words of the name or by SKU, below zero alone."""

    branch_code: str = ""
    words: str = ""
    negative: bool = False

    @property
    def is_all(self) -> bool:
        """Whether nothing in particular is asked for: then branches are shown, not goods."""
        return not (self.branch_code or self.words or self.negative)


class BranchStock(NamedTuple):
    """A branch, how many of its products are below zero, and how complete what is known of it is."""

    code: str
    name: str
    negative: int
    standing: BranchCompleteness


class StockRow(NamedTuple):
    """What is on hand of a product at a branch, in thousandths; `name` and `category` as the catalogue has them."""

    branch_code: str
    sku: str
    name: str
    category: str
    on_hand_thousandths: int


def branches_stock(connection: Connection, actor: Actor, now_us: int, lag_minutes: int) -> list[BranchStock]:
    """Every branch, by its code. Raises NotPermitted."""
    _require(actor)
    result = run_report(connection, find_report("stock"), ReportAsk(["branch"]), now_us, lag_minutes)
    place = [column.name for column in result.columns].index("negative")
    negative = {row[0]: row[place] for row in result.rows}
    names = {row.code: row.name for row in all_branches(connection)}
    return [
        BranchStock(each.branch, names.get(each.branch, each.branch), negative.get(each.branch, 0), each)
        for each in sorted(result.completeness.branches, key=lambda each: each.branch)
    ]


def list_stock(
    connection: Connection, actor: Actor, wanted: StockWanted, number: int, now_us: int, lag_minutes: int
) -> tuple[Page[StockRow], list[BranchCompleteness]]:
    """A page of goods, by name and branch – below zero the largest lack first – and branches that are not complete.

    Raises NotPermitted, NotFound for a branch that is none.
    """
    _require(actor)
    branches = [wanted.branch_code] if wanted.branch_code else []
    report = find_report("stock")
    result = run_report(connection, report, ReportAsk(["branch", "product"], branches=branches), now_us, lag_minutes)
    place = [column.name for column in result.columns].index("on_hand")
    known = _catalogue(connection)
    words = fold(wanted.words[:WORDS_CHARACTERS_MAX]).split()
    rows = []
    for row in result.rows:
        sku, on_hand = row[1], row[place]
        name, category = known.get(sku, (sku, ""))
        if wanted.negative and on_hand >= 0:
            continue
        if words and wanted.words.strip() != sku and not all(word in fold(name) for word in words):
            continue
        rows.append(StockRow(row[0], sku, name, category, on_hand))
    if wanted.negative:
        rows.sort(key=lambda each: (each.on_hand_thousandths, each.branch_code, each.sku))
    else:
        rows.sort(key=lambda each: (fold(each.name), each.sku, each.branch_code))
    return page_of(rows, number), [each for each in result.completeness.branches if not each.complete]


def _require(actor: Actor) -> None:
    """Stock of the whole chain is more than that of one's own shop."""
    require(actor, Permission.STOCK_VIEW)
    require(actor, Permission.REPORT_CHAIN)


def _catalogue(connection: Connection) -> dict[str, tuple[str, str]]:
    """Name and category by SKU; of two cards with one SKU, that which is not archived."""
    statement = select(product.c.sku, product.c.name, product.c.category)
    ordered = statement.where(product.c.sku.is_not(None)).order_by(product.c.archived.desc(), product.c.id)
    return {row.sku: (row.name or row.sku, row.category or "") for row in connection.execute(ordered)}
