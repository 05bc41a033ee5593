"""Stock of the whole chain: branches with what is below zero, and goods by branch."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations.stock_overview import StockWanted, branches_stock, list_stock
from hq_server.storage.branches import all_branches
from hq_server.web.context import context_of
from hq_server.web.forms import page_number, paging_of
from hq_server.web.signed_in import actor_of, guarded
from shared.web.pages import render
from shared.web.translations import gettext


def page(request: Request) -> Response:
    """`/stock`: `branch`, `words`, `negative`; without any of them the branches."""
    context, actor, values = context_of(request), actor_of(request), request.query_params
    wanted = StockWanted(values.get("branch", ""), values.get("words", "").strip(), bool(values.get("negative")))
    now_us, lag_minutes = context.clock.now_us(), context.settings.completeness_lag_minutes
    with context.store.read() as connection:
        branches = [("", gettext("all branches")), *((row.code, row.name) for row in all_branches(connection))]
        if wanted.is_all:
            summaries = branches_stock(connection, actor, now_us, lag_minutes)
            found, missing = None, [each.standing for each in summaries if not each.standing.complete]
        else:
            summaries = []
            found, missing = list_stock(connection, actor, wanted, page_number(request), now_us, lag_minutes)
    return render(
        request,
        "stock.html",
        wanted=wanted,
        branches=branches,
        names=dict(branches),
        summaries=summaries,
        found=found,
        paging=None if found is None else paging_of(request, found),
        missing=missing,
        zone=context.chain.timezone,
    )


ROUTES = (guarded("/stock", page),)
