"""Erasing persons: whom, what goes and what stays, and the orders with the branches that have carried them out."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations.erasing import Preview, list_orders, order_erasure, preview, settle_order
from hq_server.web.context import context_of
from hq_server.web.forms import Failure, id_of_path, or_again, status, typed
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.identifiers import format_id
from shared.domain.permissions import Permission, require
from shared.operations.client_finding import FOUND_BY_CHARACTERS_MAX
from shared.operations.clients import find_clients
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import text_of
from shared.web.site import see_other
from shared.web.translations import lazy_text as _

WORDS_CHARACTERS_MIN = 2


def page(request: Request) -> Response:
    """`/erasures?words=…`: whom one looks for, and the orders that were given."""
    context, actor = context_of(request), actor_of(request)
    require(actor, Permission.CLIENT_ERASE)
    words = request.query_params.get("words", "").strip()[:FOUND_BY_CHARACTERS_MAX]
    with context.store.read() as connection:
        found = find_clients(connection, words) if len(words) >= WORDS_CHARACTERS_MIN else None
        orders = list_orders(connection, actor)
    return render(
        request,
        "erasures.html",
        words=words,
        found=found,
        orders=orders,
        zone=context.chain.timezone,
        format_id=format_id,
    )


def one(request: Request, failure: Failure | None = None) -> Response:
    """`/erasures/{id}`: what goes and what stays, and the order's form."""
    context, client_id = context_of(request), id_of_path(request)
    with context.store.read() as connection:
        seen: Preview = preview(connection, actor_of(request), client_id)
    return render(
        request,
        "erasure.html",
        status_code=status(failure),
        failure=failure,
        client_id=format_id(client_id),
        seen=seen,
        typed=typed(request, {"reason": "", "word": ""}),
        currency=context.chain.currency,
    )


@or_again(one)
def order(request: Request) -> Response:
    """POST `reason`, `word` (the person's name, typed)."""
    context, actor, client_id = context_of(request), actor_of(request), id_of_path(request)
    reason, word = text_of(request, "reason"), text_of(request, "word")
    context.change(
        lambda connection, now_us: order_erasure(connection, context.ids, now_us, actor, client_id, reason, word)
    )
    settle_order(context.store, context.settings.erasures_path, context.clock.now_us())
    return see_other(
        request, "/erasures", Notice(_("The person is erased here. The branches follow with their next contact."))
    )


ROUTES = (
    guarded("/erasures", page),
    guarded("/erasures/{id}", one),
    guarded("/erasures/{id}", order, "POST"),
)
