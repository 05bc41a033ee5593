"""A promotion tried on a day's receipts before it is saved, and what one must know to read that. Contains no rules."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations.promotion_preview import RECEIPTS_PREVIEWED_MAX, preview_promotion
from hq_server.storage.branches import all_branches
from hq_server.web import promotions
from hq_server.web.context import context_of
from hq_server.web.forms import day_of, day_text, or_again, texts_of
from hq_server.web.promotion_sentences import sentence
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.business_time import date_from_days
from shared.web.pages import render
from shared.web.security import form_of

ITS_OWN: Final = frozenset({"csrf_token", "preview_day", "preview_branches"})


@or_again(promotions.form)
def preview(request: Request) -> Response:
    """POST the fields of a promotion, `preview_day` (yesterday) and `preview_branches` (all): what it would do."""
    context, actor = context_of(request), actor_of(request)
    code = request.query_params.get("code", "")
    wanted = promotions.promotion_of_form(request, code)
    day = day_of(request, "preview_day")
    day = context.today() - 1 if day is None else day
    chosen = tuple(texts_of(request, "preview_branches"))
    with context.store.read() as connection:
        found = preview_promotion(connection, actor, wanted, day, chosen)
        branches = [(row.code, row.name) for row in all_branches(connection)]
    return render(
        request,
        "promotion_preview.html",
        found=found,
        said=sentence(wanted, context.chain.currency),
        name=wanted.name,
        code=code,
        fields=_fields(request),
        branches=branches,
        chosen=chosen,
        day=date_from_days(day),
        day_text=day_text(day),
        receipts_max=RECEIPTS_PREVIEWED_MAX,
        currency=context.chain.currency,
    )


def edit_again(request: Request) -> Response:
    """POST the same fields: back to the form, as it was typed."""
    return promotions.form(request)


def _fields(request: Request) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in form_of(request).multi_items() if name not in ITS_OWN]


ROUTES = (
    guarded("/promotions/preview", preview, "POST"),
    guarded("/promotions/again", edit_again, "POST"),
)
