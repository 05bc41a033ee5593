"""The promise of the ledgers, as checks over a healed world: goods and points. Each raises Broken with one sentence."""

from __future__ import annotations

import collections
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection, Table, func, select

from branch_node.storage.stock import compare_stock
from hq_server.operations.budgeting import list_budgets
from hq_server.operations.loyalty import client_points
from hq_server.operations.reporting import run_report
from hq_server.storage.lives import lives_of
from hq_server.storage.tables import budget, budget_lease, central_commit
from shared.domain.loyalty import CLAWED_BACK, EARNED, EXPIRED, GIVEN_BACK, POINTS, SPENT, owner_of_client
from shared.reports.parameters import ReportAsk
from shared.reports.registry import find_report
from shared.reports.stock import NAME as STOCK
from shared.storage.tables import (
    budget_spend,
    cash_movement,
    loyalty_entry,
    payment,
    refund,
    refund_line,
    refund_payment,
    sale,
    sale_line,
    stock_movement,
    stock_movement_line,
)
from tests.simulation.world import Broken, World

LEDGERS: tuple[Table, ...] = (stock_movement, stock_movement_line, loyalty_entry, budget_spend, cash_movement)


def is_shared(world: World, branch_id: bytes) -> bool:
    """Several stores speak for the branch, by an administrator's decision: each knows only its own part."""
    return sum(place.row.id == branch_id for place in world.places) > 1 or branch_id in world.heirs_named


def spoken_for_by_one(world: World, connection: Connection) -> set[bytes]:
    """Branches whose store was never copied, restored or replaced: one life, here and at HQ."""
    found = set()
    for place in world.places:
        with place.store.read_cursor() as cursor:
            (lives,) = cursor.execute("SELECT COUNT(*) FROM incarnation").fetchone()
        if lives == 1 == len(lives_of(connection, place.row.id)) and not is_shared(world, place.row.id):
            found.add(place.row.id)
    return found - world.replaced


def check_ledger_rows(world: World) -> None:
    """What a branch has entered is at HQ as it is here, and what HQ holds of the branch is here too."""
    with world.hq.store.read() as connection:
        for table in LEDGERS:
            theirs = _rows(connection, table)
            for place in world.places:
                with place.store.read() as local:
                    mine = _rows(local, table)
                of_branch = {row for row in theirs if row[0] == place.row.id}
                if not mine <= of_branch:
                    raise Broken(f"{len(mine - of_branch)} rows of {table.name} of {place.name} are not at HQ so")
                if mine != of_branch and not is_shared(world, place.row.id):
                    raise Broken(f"{len(of_branch - mine)} rows of {table.name} are at HQ and not at {place.name}")


def check_stock(world: World) -> None:
    """On hand is what movements, sales and refunds come to: in the branch's own table, and in HQ's report."""
    with world.hq.store.read() as connection:
        report = run_report(connection, find_report(STOCK), ReportAsk(("branch", "product")), world.clock.now_us(), 15)
    reported = {(code, sku): on_hand for code, sku, on_hand, *_ in report.rows if on_hand}
    for place in world.places:
        with place.store.read_cursor() as cursor:
            if compare_stock(cursor):
                raise Broken(f"stock of {place.name} is not what its rows come to")
            kept = cursor.execute("SELECT sku, quantity_thousandths FROM stock_on_hand").fetchall()
            moved: collections.Counter[str] = collections.Counter()
            for table, sign in (("stock_movement_line", 1), ("refund_line", 1), ("sale_line", -1)):
                for sku, quantity in cursor.execute(f"SELECT sku, quantity_thousandths FROM {table}").fetchall():
                    moved[sku] += sign * quantity
        if any(moved[sku] != quantity for sku, quantity in kept) or moved.keys() - {sku for sku, _ in kept}:
            raise Broken(f"stock of {place.name} is not the sum of what moved")
        if is_shared(world, place.row.id):
            continue
        at_hq = {sku: on_hand for (code, sku), on_hand in reported.items() if code == place.row.code}
        if at_hq != {sku: quantity for sku, quantity in moved.items() if quantity}:
            raise Broken(f"HQ reports another stock of {place.row.code} than {place.name} has")


def check_points(world: World) -> None:
    """A client's points at HQ are the sum of the entries, and the books of his budget say the same."""
    with world.hq.store.read() as connection:
        entries: dict[bytes, list[tuple[str, int]]] = collections.defaultdict(list)
        for client_id, kind, points in connection.execute(
            select(loyalty_entry.c.client_id, loyalty_entry.c.kind, loyalty_entry.c.points)
        ):
            entries[client_id].append((kind, points))
        budgets = {found["owner"]: found for found in list_budgets(connection)}
        spends = _spent_by_owner(connection)
        for client_id, of_client in entries.items():
            told = client_points(connection, client_id, world.clock.now_us())["points"]
            if told != sum(points for _, points in of_client):
                raise Broken(f"HQ tells {told} points where the entries come to {sum(p for _, p in of_client)}")
            book = budgets[owner_of_client(client_id)]
            amount = sum(points for kind, points in of_client if kind not in (SPENT, EXPIRED))
            if book["amount"] != amount:
                raise Broken(f"the book of a client holds {book['amount']} points, the entries {amount}")
            spent = -sum(points for kind, points in of_client if kind == SPENT)
            if not book["spent"] == spent == spends.get(owner_of_client(client_id), 0):
                raise Broken(f"{spent} points are spent by the entries, {book['spent']} by the book")


def check_leases(world: World) -> None:
    """No more is spent of a lease than HQ lent, and what is spent without one HQ has allowed.

    A copied store may spend of a lease twice, and a restored HQ has forgotten what it lent and allowed.
    """
    with world.hq.store.read() as connection:
        alone = spoken_for_by_one(world, connection)
        for row in connection.execute(select(budget_lease).where(budget_lease.c.spent > budget_lease.c.amount)):
            if row.branch_id in alone:
                raise Broken(f"{row.spent} were spent of a lease of {row.amount}")
        if world.hq_restores:
            return
        lent = {(row.branch_id, row.lease_id): row.spent for row in connection.execute(select(budget_lease))}
        allowed = set(
            connection.execute(select(central_commit.c.command_id).where(central_commit.c.committed)).scalars()
        )
        by_lease: collections.Counter[tuple[bytes, bytes]] = collections.Counter()
        for row in connection.execute(select(budget_spend)):
            if row.lease_id is not None:
                by_lease[row.branch_id, row.lease_id] += row.amount
            elif row.command_id not in allowed and row.branch_id in alone:
                raise Broken(f"{row.amount} were spent without a lease, and HQ never allowed it")
        if any(lent.get(key) != amount for key, amount in by_lease.items() if key[0] in alone):
            raise Broken("what is spent of a lease is not what HQ knows of it")


def check_claw_backs(world: World) -> None:
    """Refunds take back what their sale earned, and give back what it spent, in the share of what came back.

    What was earned goes back line by line, each rounded by itself. Where one store alone spoke for a branch: another
    does not know what came back before.
    """
    with world.hq.store.read() as connection:
        alone = spoken_for_by_one(world, connection)
        judged = set(connection.execute(select(sale.c.id).where(sale.c.branch_id.in_(alone))).scalars())
        points = _sums(connection, loyalty_entry, loyalty_entry.c.sale_id, loyalty_entry.c.kind, loyalty_entry.c.points)
        lines: dict[bytes, list[int]] = collections.defaultdict(list)
        ordered = select(sale_line.c.sale_id, sale_line.c.amount_minor).order_by(
            sale_line.c.sale_id, sale_line.c.line_number
        )
        for sale_id, amount in connection.execute(ordered):
            lines[sale_id].append(amount)
        line_of = refund.join(refund_line, refund.c.id == refund_line.c.refund_id)
        by_line = select(refund.c.sale_id, refund_line.c.sale_line, refund_line.c.amount_minor).select_from(line_of)
        lines_back: collections.Counter[tuple[bytes, int]] = collections.Counter()
        for sale_id, number, amount in connection.execute(by_line):
            lines_back[sale_id, number] += amount
        paid = _sums(connection, payment, payment.c.sale_id, payment.c.method, payment.c.amount_minor)
        sale_of = {row[0]: row[1] for row in connection.execute(select(refund.c.id, refund.c.sale_id))}
        by = _sums(
            connection,
            refund_payment,
            refund_payment.c.refund_id,
            refund_payment.c.method,
            refund_payment.c.amount_minor,
        )
    back_by_points: collections.Counter[bytes] = collections.Counter()
    for (refund_id, kind), amount in by.items():
        back_by_points[sale_of[refund_id]] += amount if kind == POINTS else 0
    for sale_id in judged & {sale_id for sale_id, _ in points} & set(sale_of.values()):
        by_points, amounts = paid[sale_id, POINTS], lines[sale_id]
        back = [lines_back[sale_id, number] for number in range(1, len(amounts) + 1)]
        for undo, undone, right in (
            (EARNED, -points[sale_id, CLAWED_BACK], _clawed_back(points[sale_id, EARNED], amounts, by_points, back)),
            (SPENT, points[sale_id, GIVEN_BACK], _share(-points[sale_id, SPENT], back_by_points[sale_id], by_points)),
        ):
            if undone != right:
                raise Broken(f"of {points[sale_id, undo]} points {undone} were undone where {right} should be")


def _share(amount: int, part: int, whole: int) -> int:
    return amount if part >= whole else round(Fraction(amount * part, whole))


def _clawed_back(earned: int, amounts: list[int], by_points: int, back: list[int]) -> int:
    """Every line earns a tenth of what was paid for it in money; as much of that comes back as of its price."""
    tenths = [(amount - paid) // 10 for amount, paid in zip(amounts, _parts(by_points, amounts), strict=True)]
    parts = _parts(earned, tenths if sum(tenths) else amounts)
    return sum(_share(*each) for each in zip(parts, back, amounts, strict=True))


def _parts(total: int, weights: list[int]) -> list[int]:
    """By largest remainder, the earlier one first."""
    if not sum(weights):
        return [total, *[0] * (len(weights) - 1)]
    exact = [Fraction(total * weight, sum(weights)) for weight in weights]
    parts = [int(each) for each in exact]
    for place in sorted(range(len(parts)), key=lambda place: parts[place] - exact[place])[: total - sum(parts)]:
        parts[place] += 1
    return parts


def _rows(connection: Connection, table: Table) -> set[tuple[Any, ...]]:
    columns = [column for column in table.columns if column.name != "received_at"]
    assert columns[0].name == "branch_id"
    return {tuple(row) for row in connection.execute(select(*columns))}


def _sums(connection: Connection, table: Table, key: Any, kind: Any, amount: Any) -> collections.Counter[Any]:
    """Sums by key and kind; the kind is None where there is none."""
    if kind is None:
        rows = connection.execute(select(key, func.sum(amount)).group_by(key))
        return collections.Counter({(row[0], None): int(row[1]) for row in rows})
    rows = connection.execute(select(key, kind, func.sum(amount)).group_by(key, kind))
    return collections.Counter({(row[0], row[1]): int(row[2]) for row in rows})


def _spent_by_owner(connection: Connection) -> dict[str, int]:
    joined = select(budget.c.owner, func.sum(budget_spend.c.amount)).join(
        budget, budget.c.id == budget_spend.c.budget_id
    )
    return {owner: int(amount) for owner, amount in connection.execute(joined.group_by(budget.c.owner))}


LEDGER_CHECKS = (check_ledger_rows, check_stock, check_points, check_leases, check_claw_backs)
