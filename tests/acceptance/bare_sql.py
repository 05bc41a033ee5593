"""The same answers by one statement each, on SQLite and PostgreSQL: what the reports' times are measured against.

No names of branches, no merged cards, no completeness: what a database does at least. The real data set alone.
"""

from __future__ import annotations

_CLIENT = "coalesce(client, '')"
_DAY = {"sqlite": "CAST(julianday(business_date) AS INTEGER)", "postgresql": "business_date - DATE '1970-01-01'"}
_MONTH = {"sqlite": "substr(business_date, 1, 7)", "postgresql": "to_char(business_date, 'YYYY-MM')"}
_NUMERIC = {"sqlite": "REAL", "postgresql": "NUMERIC"}


def statements(dialect: str) -> dict[str, str]:
    """By the report's name."""
    day, month, number = _DAY[dialect], _MONTH[dialect], _NUMERIC[dialect]
    return {
        "sales": f"""
            SELECT key, count(*), sum(units), sum(gross), sum(discounts), sum(net) FROM (
                SELECT {_CLIENT} AS key, units_thousandths AS units, gross_minor AS gross,
                       discounts_minor AS discounts, net_minor AS net FROM sale) sold GROUP BY key ORDER BY key""",
        "rfm": f"""
            WITH bought AS (SELECT {_CLIENT} AS client, max({day}) AS day, count(*) AS receipts,
                                   sum(net_minor) AS net FROM sale GROUP BY 1)
            SELECT client, receipts, net, day, 5 * (rank() OVER (ORDER BY day) - 1) / count(*) OVER (),
                   5 * (rank() OVER (ORDER BY receipts) - 1) / count(*) OVER (),
                   5 * (rank() OVER (ORDER BY net) - 1) / count(*) OVER () FROM bought ORDER BY client""",
        "cohorts": f"""
            WITH bought AS (SELECT {_CLIENT} AS client, {month} AS month, sum(net_minor) AS net
                            FROM sale GROUP BY 1, 2),
                 known AS (SELECT client, month, net, min(month) OVER (PARTITION BY client) AS cohort FROM bought)
            SELECT cohort, month, count(*), sum(net) FROM known GROUP BY 1, 2 ORDER BY 1, 2""",
        "at-risk": f"""
            WITH visits AS (SELECT {_CLIENT} AS client, {day} AS day, sum(net_minor) AS net FROM sale GROUP BY 1, 2),
            steps AS (SELECT client, day, net, day - lag(day) OVER (PARTITION BY client ORDER BY day) AS step
                      FROM visits),
            placed AS (SELECT client, step, row_number() OVER (PARTITION BY client ORDER BY step) AS place,
                              count(*) OVER (PARTITION BY client) AS of FROM steps WHERE step IS NOT NULL),
            usual AS (SELECT client, avg(step) AS step FROM placed
                      WHERE place IN ((of + 1) / 2, (of + 2) / 2) GROUP BY client HAVING max(of) > 1),
            last AS (SELECT client, max(day) AS day, sum(net) AS net, count(*) AS visits FROM visits GROUP BY client)
            SELECT last.client, visits, step, day, net FROM last JOIN usual ON usual.client = last.client
            WHERE (SELECT max({day}) FROM sale) - day > 2 * step ORDER BY 1""",
        "abc-xyz": f"""
            WITH weeks AS (SELECT sku, ({day}) / 7 AS week, sum(quantity_thousandths) AS quantity,
                                  sum(amount_minor) AS net FROM sale JOIN sale_line
                           ON sale_line.branch_id = sale.branch_id AND sale_line.sale_id = sale.id GROUP BY 1, 2),
            products AS (SELECT sku, sum(net) AS net, sum(quantity) AS quantity,
                                sum(CAST(quantity AS {number}) * quantity) AS squares FROM weeks GROUP BY sku)
            SELECT sku, net, quantity, squares, sum(net) OVER (ORDER BY net DESC, sku) FROM products""",
    }
