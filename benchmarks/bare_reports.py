"""The answers of the reports by one or two statements each, on SQLite and PostgreSQL: what a database does at least.

No names, no merged cards, no completeness, no parts put together in Python. Those of clients are the ones that the
acceptance tests hold against the real receipts; a returned amount is taken from whom the refund names.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from tests.acceptance.bare_sql import statements as statements_of_clients

SOLD_LINES = "sale s JOIN sale_line l ON l.branch_id = s.branch_id AND l.sale_id = s.id"
RETURNED_LINES = "refund r JOIN refund_line l ON l.branch_id = r.branch_id AND l.refund_id = r.id"
MOVED_LINES = "stock_movement m JOIN stock_movement_line l ON l.branch_id = m.branch_id AND l.movement_id = m.id"
_IS_NEWEST = """i.withdrawn IS NULL AND i.id NOT IN (
    SELECT later.corrects_id FROM interaction later WHERE later.corrects_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM interaction taken WHERE taken.corrects_id = later.id AND taken.withdrawn IS NOT NULL))"""


class Words(NamedTuple):
    """What the two databases spell differently."""

    day_number: str
    fortnight_later: str
    is_true: str
    days_from: str
    days_since: str
    weeks: str


_WORDS = {
    "sqlite": Words(
        "CAST(julianday({}) - 2440587.5 AS INTEGER)", "{} + 14 * 86400000000", "{} = 1",
        "CAST(julianday('{}') - julianday({}) AS INTEGER)", "CAST(julianday({}) - julianday({}) AS INTEGER)",
        "WITH RECURSIVE weeks(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM weeks WHERE n < {} - 1), ",
    ),
    "postgresql": Words(
        "({} - DATE '1970-01-01')", "{} + interval '14 days'", "{}", "(DATE '{}' - {})", "({} - {})",
        "WITH weeks(n) AS (SELECT generate_series(0, {} - 1)), ",
    ),
}  # fmt: skip


class Bare:
    """Statements for a period of business dates, both included, up to today, at a moment."""

    def __init__(self, dialect: str, first: date, today: date, now_us: int) -> None:
        self._words, self._clients = _WORDS[dialect], statements_of_clients(dialect)
        self._today, self._now_us = today, now_us
        self._within = f"business_date BETWEEN '{first}' AND '{today}'"

    def of_clients(self, name: str) -> str:
        """rfm, cohorts, at-risk, and sales by client; over everything that there is."""
        return self._clients[name]

    def sales_by_month(self) -> str:
        return """
            SELECT branch_id, month, sum(receipts), sum(units_thousandths), sum(gross_minor), sum(discounts_minor),
                   sum(returns_minor), sum(net_minor) FROM sales_by_month GROUP BY 1, 2 ORDER BY 1, 2"""

    def sales_by_product(self) -> str:
        return f"""
            SELECT sku, sum(n), sum(units), sum(gross), sum(discounts), sum(back), sum(net) FROM (
                SELECT sku, count(DISTINCT s.id) AS n, sum(quantity_thousandths) AS units,
                       sum(amount_minor + discount_minor) AS gross, sum(discount_minor) AS discounts, 0 AS back,
                       sum(amount_minor) AS net FROM {SOLD_LINES} WHERE {self._within} GROUP BY sku
                UNION ALL SELECT sku, 0, 0, 0, 0, sum(amount_minor), -sum(amount_minor)
                FROM {RETURNED_LINES} WHERE {self._within} GROUP BY sku) both_ways GROUP BY sku ORDER BY sku"""

    def stock(self, since: date | None) -> str:
        """By branch; from that day on, of what was before only what is on hand."""
        of_day, is_in, start, opening = "business_date", "1 = 1", "day", "0"
        if since is not None:
            before = since - timedelta(days=1)
            of_day = f"CASE WHEN business_date < '{since}' THEN '{before}' ELSE business_date END"
            is_in = f"business_date >= '{since}'"
            start = f"CASE WHEN day < '{since}' THEN {_date(self._words, since)} ELSE day END"
            opening = f"sum(CASE WHEN day < '{since}' THEN moved ELSE 0 END)"
        days = self._words.days_since
        end = f"coalesce(next_day, {_date(self._words, self._today + timedelta(days=1))})"
        costed = "reason = 'received' AND cost_minor IS NOT NULL AND quantity_thousandths > 0"
        quantity = "quantity_thousandths"
        there = f"CASE WHEN balance > 0 THEN {days.format(end, start)} WHEN sold > 0 THEN 1 ELSE 0 END"
        return f"""
            WITH lines AS (
                SELECT m.branch_id, sku, {of_day} AS day, {quantity} AS moved, 0 AS sold,
                       CASE WHEN reason = 'received' AND {is_in} THEN {quantity} ELSE 0 END AS received,
                       CASE WHEN {costed} THEN cost_minor ELSE 0 END AS cost,
                       CASE WHEN {costed} THEN {quantity} ELSE 0 END AS costed FROM {MOVED_LINES}
                UNION ALL SELECT s.branch_id, sku, {of_day}, -{quantity}, CASE WHEN {is_in} THEN {quantity} ELSE 0 END,
                       0, 0, 0 FROM {SOLD_LINES}
                UNION ALL SELECT r.branch_id, sku, {of_day}, {quantity}, CASE WHEN {is_in} THEN -{quantity} ELSE 0 END,
                       0, 0, 0 FROM {RETURNED_LINES}),
            daily AS (SELECT branch_id, sku, day, sum(moved) AS moved, sum(sold) AS sold, sum(received) AS received,
                             sum(cost) AS cost, sum(costed) AS costed FROM lines GROUP BY 1, 2, 3),
            run AS (SELECT daily.*, sum(moved) OVER w AS balance, lead(day) OVER w AS next_day FROM daily
                    WINDOW w AS (PARTITION BY branch_id, sku ORDER BY day)),
            each AS (SELECT branch_id, sku, {_whole("moved")}, {_whole("sold")}, {_whole("received")},
                            {_whole("cost")}, {_whole("costed")}, {opening} AS opening, sum({there}) AS days
                     FROM run GROUP BY 1, 2)
            SELECT branch_id, sum(moved), sum(sold), sum(received), sum(CASE WHEN moved < 0 THEN 1 ELSE 0 END),
                   sum(opening), sum(days),
                   sum(CASE WHEN sold > 0 AND days > 0 THEN (sold * 60 + days) / (2 * days) ELSE 0 END),
                   sum(CASE WHEN moved > 0 AND costed > 0 THEN (moved * cost * 2 + costed) / (2 * costed) ELSE 0 END),
                   sum(CASE WHEN moved > 0 AND costed = 0 THEN moved ELSE 0 END) FROM each GROUP BY branch_id"""

    def stock_outs(self) -> str:
        first, quantity = self._today - timedelta(days=27), "quantity_thousandths"
        sold = f"CASE WHEN business_date >= '{first}' THEN {quantity} ELSE 0 END"
        return f"""
            SELECT branch_id, sku, sum(moved), sum(sold) FROM (
                SELECT m.branch_id, sku, {quantity} AS moved, 0 AS sold, 1 AS kept FROM {MOVED_LINES}
                UNION ALL SELECT s.branch_id, sku, -{quantity}, {sold}, 0 FROM {SOLD_LINES}
                UNION ALL SELECT r.branch_id, sku, {quantity}, -{sold}, 0 FROM {RETURNED_LINES}) lines
            GROUP BY 1, 2 HAVING sum(moved) <= 0 AND sum(sold) > 0 AND max(kept) = 1 ORDER BY 1, 2"""

    def work_today(self) -> str:
        day_us = (self._today - date(1970, 1, 1)).days * 86_400_000_000 - 10_800_000_000
        today = f"business_date = '{self._today}'"
        targets = "SELECT code FROM dictionary_term WHERE dictionary = 'outcome' AND is_target"
        return f"""
            SELECT who, sum(calls), sum(made), sum(reached), sum(target), sum(talk), sum(contacts), sum(tasks),
                   sum(receipts), sum(net) FROM (
                SELECT employee AS who, sum(CASE WHEN channel = 'call' THEN 1 ELSE 0 END) AS calls,
                       sum(CASE WHEN direction = 'out' THEN 1 ELSE 0 END) AS made,
                       sum(CASE WHEN direction = 'out' AND {self._words.is_true.format("reached")}
                           THEN 1 ELSE 0 END) AS reached,
                       sum(CASE WHEN outcome IN ({targets}) THEN 1 ELSE 0 END) AS target,
                       sum(duration_seconds) AS talk, sum(CASE WHEN channel <> 'call' THEN 1 ELSE 0 END) AS contacts,
                       0 AS tasks, 0 AS receipts, 0 AS net
                FROM interaction i WHERE {today} AND {_IS_NEWEST} GROUP BY employee
                UNION ALL SELECT cashier, 0, 0, 0, 0, 0, 0, 0, count(*), sum(net_minor) FROM sale WHERE {today}
                GROUP BY cashier
                UNION ALL SELECT cashier, 0, 0, 0, 0, 0, 0, 0, 0, -sum(returns_minor) FROM refund WHERE {today}
                GROUP BY cashier
                UNION ALL SELECT e.code, 0, 0, 0, 0, 0, 0, count(*), 0, 0
                FROM task JOIN employee e ON e.id = task.done_by WHERE task.state = 'done' AND task.done_at >= {day_us}
                GROUP BY e.code) work GROUP BY who ORDER BY who"""

    def calls(self) -> str:
        reached = f"direction = 'out' AND {self._words.is_true.format('reached')}"
        target = "outcome IN (SELECT code FROM dictionary_term WHERE dictionary = 'outcome' AND is_target)"
        return f"""
            SELECT employee, count(*), sum(CASE WHEN direction = 'out' THEN 1 ELSE 0 END),
                   sum(CASE WHEN {reached} THEN 1 ELSE 0 END), sum(CASE WHEN {target} THEN 1 ELSE 0 END),
                   sum(duration_seconds), sum(CASE WHEN {reached} AND {target} THEN 1 ELSE 0 END)
            FROM interaction i WHERE channel = 'call' AND {self._within} AND {_IS_NEWEST}
            GROUP BY employee ORDER BY employee"""

    def cash_variance(self) -> str:
        variance = "counted_cash_minor - expected_cash_minor"
        return f"""
            SELECT cashier, sum(stands), sum(CASE WHEN counted_cash_minor IS NULL THEN stands ELSE 0 END),
                   sum(CASE WHEN counted_cash_minor IS NULL THEN 0 ELSE stands * expected_cash_minor END),
                   sum(stands * counted_cash_minor), sum(stands * ({variance})),
                   sum(CASE WHEN {variance} < 0 THEN stands * ({variance}) ELSE 0 END),
                   sum(CASE WHEN {variance} > 0 THEN stands * ({variance}) ELSE 0 END), count(*) - sum(stands)
            FROM (SELECT cashier, counted_cash_minor, expected_cash_minor, CASE WHEN lead(id) OVER (
                      PARTITION BY branch_id, shift_id ORDER BY closed_at, id) IS NULL THEN 1 ELSE 0 END AS stands
                  FROM shift_close WHERE {self._within}) closes GROUP BY cashier ORDER BY cashier"""

    def loss(self) -> str:
        def acts(*names: str) -> str:
            listed = ", ".join(f"'{name}'" for name in names)
            return f"sum(CASE WHEN action IN ({listed}) THEN 1 ELSE 0 END)"

        override = """sum(CASE WHEN action = 'override' AND detail <> 'refund.by_receipt'
            OR action IN ('drawer_opened', 'receipt_reprinted') AND authorised_by IS NOT NULL THEN 1 ELSE 0 END)"""
        return f"""
            SELECT cashier, sum(receipts), sum(voids), sum(overrides), sum(opens), sum(back), sum(loose),
                   sum(loose_sum), sum(prices), sum(discounts) FROM (
                SELECT cashier, sum(receipts) AS receipts, 0 AS voids, 0 AS overrides, 0 AS opens, 0 AS back,
                       0 AS loose, 0 AS loose_sum, 0 AS prices, 0 AS discounts
                FROM sales_by_hour WHERE {self._within} GROUP BY cashier
                UNION ALL SELECT cashier, 0, {acts("line_removed", "basket_abandoned")}, {override},
                    {acts("drawer_opened")}, 0, 0, 0, {acts("price_changed")}, {acts("discount_by_hand")}
                FROM audit_entry WHERE {self._within} GROUP BY cashier
                UNION ALL SELECT cashier, 0, 0, count(authorised_by), 0, count(*), count(*) - count(sale_id),
                    sum(CASE WHEN sale_id IS NULL THEN returns_minor ELSE 0 END), 0, 0
                FROM refund WHERE {self._within} GROUP BY cashier
                UNION ALL SELECT NULL, 0, count(*), 0, 0, 0, 0, 0, 0, 0 FROM receipt_void WHERE {self._within}
                HAVING count(*) > 0) acts
            GROUP BY cashier ORDER BY cashier"""

    def discipline(self) -> str:
        """Over all time, by employee: no day needs to be known."""
        is_done = "state = 'done' AND done_at IS NOT NULL"
        return f"""
            SELECT code, sum(done), sum(on_time), sum(late), sum(overdue), sum(no_step) FROM (
                SELECT e.code, sum(CASE WHEN {is_done} THEN 1 ELSE 0 END) AS done,
                       sum(CASE WHEN {is_done} AND done_at <= due_at THEN 1 ELSE 0 END) AS on_time,
                       sum(CASE WHEN {is_done} AND done_at > due_at THEN 1 ELSE 0 END) AS late,
                       sum(CASE WHEN {is_done} THEN 0 ELSE 1 END) AS overdue, 0 AS no_step
                FROM task LEFT JOIN employee e ON e.id = CASE WHEN {is_done} THEN done_by ELSE assignee_id END
                WHERE NOT task.archived AND ({is_done} OR next_at < {self._now_us}) GROUP BY e.code
                UNION ALL SELECT e.code, 0, 0, 0, 0, count(*) FROM client c LEFT JOIN employee e ON e.id = c.owner_id
                WHERE c.owner_id IS NOT NULL AND NOT c.archived AND c.merged_into IS NULL AND c.no_next_step IS NULL
                AND NOT EXISTS (SELECT 1 FROM task WHERE task.client_id = c.id AND task.next_at > 0)
                GROUP BY e.code) counted GROUP BY code ORDER BY code"""

    def conversion(self) -> str:
        soon = f"s.sold_at > i.at AND s.sold_at <= {self._words.fortnight_later.format('i.at')}"
        return f"""
            SELECT employee, count(*), sum(bought) FROM (
                SELECT employee, client_id, max(CASE WHEN EXISTS (
                           SELECT 1 FROM sale s WHERE s.client_id = i.client_id AND {soon})
                       OR EXISTS (SELECT 1 FROM client c JOIN sale s ON s.client = c.external_id
                                  WHERE c.id = i.client_id AND s.client_id IS NULL AND {soon})
                       THEN 1 ELSE 0 END) AS bought
                FROM interaction i WHERE channel = 'call' AND direction = 'out'
                AND {self._words.is_true.format("reached")} AND {self._within} AND {_IS_NEWEST}
                GROUP BY employee, client_id) reached GROUP BY employee ORDER BY employee"""

    def margin(self) -> str:
        net, cost = "amount_minor - vat_minor", "(quantity_thousandths * cost * 2 + costed) / (2 * costed)"

        def part(lines: str, sign: str) -> str:
            return f"""
                SELECT category, {sign}sum({net}) AS net, {sign}sum(CASE WHEN costed IS NULL THEN {net} ELSE 0 END)
                       AS uncosted, {sign}sum(coalesce({cost}, 0)) AS cost
                FROM {lines} LEFT JOIN costs ON costs.of_sku = l.sku WHERE {self._within} GROUP BY category"""

        return f"""
            WITH costs AS (
                SELECT sku AS of_sku, {_whole("cost_minor", "cost")}, {_whole("quantity_thousandths", "costed")}
                FROM {MOVED_LINES} WHERE reason = 'received' AND cost_minor IS NOT NULL AND quantity_thousandths > 0
                AND {self._within} GROUP BY sku)
            SELECT category, sum(net), sum(uncosted), sum(cost) FROM (
                {part(SOLD_LINES, "")} UNION ALL {part(RETURNED_LINES, "-")}) parts GROUP BY category ORDER BY 1"""

    def completeness(self) -> tuple[str, str]:
        """The numbers of every register, and which Z-reports differ from their receipts."""
        tables = ("sale", "refund", "receipt_void")
        each = " UNION ALL ".join(f"SELECT branch_id, register, receipt_number FROM {table}" for table in tables)
        numbers = f"""
            SELECT branch_id, register, sum(n), count(*), max(receipt_number) FROM (
                SELECT branch_id, register, receipt_number, count(*) AS n FROM ({each}) numbered
                GROUP BY 1, 2, 3) by_number GROUP BY 1, 2"""

        def paid(head: str, line: str, link: str, name: str) -> str:
            return f"""(SELECT h.branch_id, shift_id, method, sum(p.amount_minor) AS {name} FROM {head} h
                JOIN {line} p ON p.branch_id = h.branch_id AND p.{link} = h.id GROUP BY 1, 2, 3)"""

        def same(table: str, key: str = "shift_id") -> str:
            return f"{table}.branch_id = c.branch_id AND {table}.{key} = c.shift_id"

        reports = f"""
            SELECT c.branch_id, c.register, count(*), sum(CASE WHEN o.float_minor IS NOT NULL
                AND c.receipts = coalesce(s.n, 0) AND c.gross_minor = coalesce(s.gross, 0)
                AND c.discounts_minor = coalesce(s.discounts, 0) AND c.net_minor = coalesce(s.net, 0)
                AND c.refunds = coalesce(r.n, 0) AND c.returns_minor = coalesce(r.returns, 0)
                AND c.rounding_minor = coalesce(s.rounding, 0) - coalesce(r.rounding, 0)
                AND c.cash_in_minor = coalesce(v.cash_in, 0) AND c.cash_out_minor = coalesce(v.cash_out, 0)
                AND c.float_minor = o.float_minor AND w.amount_minor = coalesce(p.paid, 0) - coalesce(q.back, 0)
                    - coalesce(s.given, 0)
                AND c.expected_cash_minor = o.float_minor + w.amount_minor + coalesce(v.cash_in, 0)
                    - coalesce(v.cash_out, 0) THEN 0 ELSE 1 END)
            FROM shift_close c
            LEFT JOIN shift_open o ON {same("o", "id")}
            LEFT JOIN shift_close_method w ON w.branch_id = c.branch_id AND w.close_id = c.id AND w.method = 'cash'
            LEFT JOIN (SELECT branch_id, shift_id, count(*) AS n, sum(gross_minor) AS gross, sum(net_minor) AS net,
                       sum(discounts_minor) AS discounts, sum(rounding_minor) AS rounding, sum(change_minor) AS given
                       FROM sale GROUP BY 1, 2) s ON {same("s")}
            LEFT JOIN (SELECT branch_id, shift_id, count(*) AS n, sum(returns_minor) AS returns,
                       sum(rounding_minor) AS rounding FROM refund GROUP BY 1, 2) r ON {same("r")}
            LEFT JOIN (SELECT branch_id, shift_id, sum(CASE WHEN direction = 'in' THEN amount_minor ELSE 0 END)
                       AS cash_in, sum(CASE WHEN direction = 'in' THEN 0 ELSE amount_minor END) AS cash_out
                       FROM cash_movement GROUP BY 1, 2) v ON {same("v")}
            LEFT JOIN {paid("sale", "payment", "sale_id", "paid")} p ON {same("p")} AND p.method = 'cash'
            LEFT JOIN {paid("refund", "refund_payment", "refund_id", "back")} q ON {same("q")} AND q.method = 'cash'
            GROUP BY 1, 2"""
        return numbers, reports

    def abc_xyz(self) -> tuple[str, str]:
        """What was sold of each product by weeks; and in how many of them it was in stock, where stock is kept."""
        count, number = 52, f"({self._words.days_from.format(self._today, 'business_date')}) / 7"
        quantity, same = "quantity_thousandths", "l.sku IN (SELECT sku FROM stock_movement_line)"
        changes = f"""
            SELECT m.branch_id, sku, {number} AS week, {quantity} AS delta,
                   CASE WHEN {quantity} > 0 THEN {quantity} ELSE 0 END AS added, 1 AS kept FROM {MOVED_LINES}
            UNION ALL SELECT s.branch_id, sku, {number}, -{quantity}, 0, 0 FROM {SOLD_LINES} WHERE {same}
            UNION ALL SELECT r.branch_id, sku, {number}, {quantity}, {quantity}, 0 FROM {RETURNED_LINES}
            WHERE {same}"""
        present = f"""
            {self._words.weeks.format(count)} changes AS (
                SELECT branch_id, sku, week, sum(delta) AS delta, sum(added) AS added, max(kept) AS kept
                FROM ({changes}) lines GROUP BY 1, 2, 3),
            run AS (SELECT changes.*, sum(delta) OVER w AS balance, coalesce(lead(week) OVER w, -1) AS next_week,
                           max(kept) OVER (PARTITION BY branch_id, sku) AS is_kept
                    FROM changes WINDOW w AS (PARTITION BY branch_id, sku ORDER BY week DESC))
            SELECT sku, count(DISTINCT n) FROM run JOIN weeks ON
                n = week AND added > 0 OR balance > 0 AND n < week AND n >= next_week
            WHERE is_kept = 1 AND sku NOT IN (SELECT sku FROM run WHERE is_kept = 0) GROUP BY sku"""
        return self._clients["abc-xyz"], present

    def affinity(self) -> str:
        return """
            SELECT one.sku, other.sku, count(DISTINCT one.sale_id) FROM sale_line one JOIN sale_line other
            ON other.branch_id = one.branch_id AND other.sale_id = one.sale_id AND other.sku > one.sku
            GROUP BY 1, 2 HAVING count(DISTINCT one.sale_id) >= 20"""


def _date(words: Words, day: date) -> str:
    return f"DATE '{day}'" if "DATE" in words.days_from else f"'{day}'"


def _whole(column: str, name: str = "") -> str:
    """A sum that is divided as whole numbers are."""
    return f"CAST(sum({column}) AS BIGINT) AS {name or column}"
