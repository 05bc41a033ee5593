"""The same answers by one statement each, on SQLite and PostgreSQL: what the reports' times are measured against.

No names of branches, no merged cards, no completeness: what a database does at least. What came back is taken from whom
the refund names; clients are told by their numbers alone.
"""

from __future__ import annotations

_DAY = {"sqlite": "CAST(julianday(business_date) AS INTEGER)", "postgresql": "business_date - DATE '1970-01-01'"}
_MONTH = {"sqlite": "substr(business_date, 1, 7)", "postgresql": "to_char(business_date, 'YYYY-MM')"}
_NUMERIC = {"sqlite": "REAL", "postgresql": "NUMERIC"}


def statements(dialect: str) -> dict[str, str]:
    """By the report's name."""
    day, month, number = _DAY[dialect], _MONTH[dialect], _NUMERIC[dialect]
    returned = "SELECT client, sum(returns_minor) AS returned FROM refund WHERE client IS NOT NULL GROUP BY 1"
    return {
        "sales": """
            SELECT client, sum(receipts), sum(units), sum(gross), sum(discounts), sum(returned), sum(net) FROM (
                SELECT client, count(*) AS receipts, sum(units_thousandths) AS units, sum(gross_minor) AS gross,
                       sum(discounts_minor) AS discounts, 0 AS returned, sum(net_minor) AS net FROM sale GROUP BY client
                UNION ALL SELECT client, 0, 0, 0, 0, sum(returns_minor), -sum(returns_minor) FROM refund
                GROUP BY client) both_ways GROUP BY client ORDER BY client""",
        "rfm": f"""
            WITH bought AS (SELECT client, max({day}) AS day, count(*) AS receipts, sum(net_minor) AS net
                            FROM sale WHERE client IS NOT NULL GROUP BY 1),
                 known AS (SELECT bought.client, day, receipts, net - coalesce(returned, 0) AS net
                           FROM bought LEFT JOIN ({returned}) back ON back.client = bought.client)
            SELECT client, receipts, net, day, 5 * (rank() OVER (ORDER BY day) - 1) / count(*) OVER (),
                   5 * (rank() OVER (ORDER BY receipts) - 1) / count(*) OVER (),
                   5 * (rank() OVER (ORDER BY net) - 1) / count(*) OVER () FROM known ORDER BY client""",
        "cohorts": f"""
            WITH bought AS (SELECT client, {month} AS month, sum(net_minor) AS net, 1 AS is_buyer
                            FROM sale WHERE client IS NOT NULL GROUP BY 1, 2),
                 first AS (SELECT client, min(month) AS cohort FROM bought GROUP BY 1),
                 all_of AS (SELECT * FROM bought UNION ALL SELECT client, {month}, -sum(returns_minor), 0
                            FROM refund WHERE client IS NOT NULL GROUP BY 1, 2)
            SELECT cohort, month, sum(is_buyer), sum(net) FROM all_of JOIN first ON first.client = all_of.client
            WHERE month >= cohort GROUP BY 1, 2 ORDER BY 1, 2""",
        "at-risk": f"""
            WITH visits AS (SELECT client, {day} AS day, sum(net_minor) AS net
                            FROM sale WHERE client IS NOT NULL GROUP BY 1, 2),
            steps AS (SELECT client, day, net, day - lag(day) OVER (PARTITION BY client ORDER BY day) AS step
                      FROM visits),
            placed AS (SELECT client, step, row_number() OVER (PARTITION BY client ORDER BY step) AS place,
                              count(*) OVER (PARTITION BY client) AS of FROM steps WHERE step IS NOT NULL),
            usual AS (SELECT client, avg(step) AS step FROM placed
                      WHERE place IN ((of + 1) / 2, (of + 2) / 2) GROUP BY client HAVING max(of) > 1),
            last AS (SELECT client, max(day) AS day, sum(net) AS net, count(*) AS visits FROM visits GROUP BY client)
            SELECT last.client, visits, step, day, net - coalesce(returned, 0) FROM last
            JOIN usual ON usual.client = last.client LEFT JOIN ({returned}) back ON back.client = last.client
            WHERE (SELECT max({day}) FROM sale) - day > 2 * step ORDER BY 1""",
        "abc-xyz": f"""
            WITH weeks AS (SELECT sku, ({day}) / 7 AS week, sum(quantity_thousandths) AS quantity,
                                  sum(amount_minor) AS net FROM sale JOIN sale_line
                           ON sale_line.branch_id = sale.branch_id AND sale_line.sale_id = sale.id GROUP BY 1, 2),
            sold AS (SELECT sku, sum(net) AS net, sum(quantity) AS quantity,
                            sum(CAST(quantity AS {number}) * quantity) AS squares FROM weeks GROUP BY sku),
            back AS (SELECT sku AS of_sku, sum(amount_minor) AS returned FROM refund_line GROUP BY sku),
            products AS (SELECT sku, net - coalesce(returned, 0) AS net, quantity, squares
                         FROM sold LEFT JOIN back ON of_sku = sku)
            SELECT sku, net, quantity, squares, sum(net) OVER (ORDER BY net DESC, sku) FROM products""",
    }
