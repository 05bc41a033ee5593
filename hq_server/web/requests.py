"""Unknown codes from the branches: listed, and answered with a new product, a known one, a price, or a no."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations.card_changes import Noun, Subject, newest_answers
from hq_server.operations.product_requests import (
    NO_PRICE,
    CodeRequest,
    answer_with_known,
    answer_with_new,
    answer_with_price,
    decline,
    list_requests,
    product_of_code,
    show_request,
)
from hq_server.web import changes, products
from hq_server.web.context import context_of
from hq_server.web.forms import (
    Failure,
    amount_text,
    id_of_path,
    is_ticked,
    or_again,
    page_number,
    paging_of,
    status,
    typed,
)
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.identifiers import format_id
from shared.domain.permissions import Actor
from shared.errors import InvalidInput
from shared.web.pages import render
from shared.web.security import text_of
from shared.web.site import see_other
from shared.web.translations import LazyText
from shared.web.translations import lazy_text as _

FOUND_SHOWN_MAX = 10


def page(request: Request) -> Response:
    """`/requests?answered=yes`."""
    context = context_of(request)
    answered = bool(request.query_params.get("answered"))
    with context.store.read() as connection:
        shown = list_requests(connection, actor_of(request), not answered, page_number(request))
        asked = [each.asked[0].request_id for each in shown.rows]
        answers = newest_answers(connection, actor_of(request), asked) if answered else {}
    return render(
        request,
        "requests.html",
        requests=shown.rows,
        paging=paging_of(request, shown),
        answered=answered,
        answers={request_id: format_id(command_id) for request_id, command_id in answers.items()},
        zone=context.chain.timezone,
        currency=context.chain.currency,
        format_id=format_id,
    )


def one(request: Request, failure: Failure | None = None) -> Response:
    """`/requests/{id}?words=…`: what is known of a code, and the answers that can be given."""
    context, actor, request_id = context_of(request), actor_of(request), id_of_path(request)
    words = request.query_params.get("words", "")
    with context.store.read() as connection:
        found = show_request(connection, actor, request_id)
        known = product_of_code(connection, found.code)
        offered = words or found.name or ""
        changed = changes.changes_of(request, connection, Subject(Noun.REQUEST, request_id))
        matches = context.products.search(connection, actor, offered, context.today()).rows if offered else ()
    return render(
        request,
        "request.html",
        status_code=status(failure),
        failure=failure,
        request_id=format_id(request_id),
        found=found,
        known=known,
        lacks_price=found.problem == NO_PRICE and known is not None,
        matches=matches[:FOUND_SHOWN_MAX],
        words=words,
        changes=changed,
        typed=typed(request, _defaults(request, found)),
        zone=context.chain.timezone,
        format_id=format_id,
        **products.choices(request),
    )


@or_again(one)
def answer_new(request: Request) -> Response:
    """POST: the product that the code is on."""
    wanted, priced = products.product_of_form(request), products.price_of_form(request)
    ids = context_of(request).ids
    return _answer(
        request,
        lambda connection, now_us, actor, asked: answer_with_new(connection, ids, now_us, actor, asked, wanted, priced),
        _("The product is made. The branches sell it with their next contact."),
    )


@or_again(one)
def answer_known(request: Request) -> Response:
    """POST `sku`, `replace`: the code is this product's barcode."""
    ids, sku, replace = context_of(request).ids, text_of(request, "sku"), is_ticked(request, "replace")
    return _answer(
        request,
        lambda connection, now_us, actor, asked: answer_with_known(connection, ids, now_us, actor, asked, sku, replace),
        _("The code is that product’s barcode now. The branches learn it with their next contact."),
    )


@or_again(one)
def answer_price(request: Request) -> Response:
    """POST `sku`, `price`: what the product costs that had no price."""
    ids, sku, wanted = context_of(request).ids, text_of(request, "sku"), products.price_of_form(request)

    def work(connection: Connection, now_us: int, actor: Actor, asked: bytes) -> bytes:
        if wanted is None:
            show_request(connection, actor, asked)
            raise InvalidInput("No price was typed.", "Write it as 1481.69.")
        return answer_with_price(connection, ids, now_us, actor, asked, sku, wanted)

    return _answer(request, work, _("The price is set. The branches learn it with their next contact."))


@or_again(one)
def answer_no(request: Request) -> Response:
    """POST `note`: nothing is to be sold by that code."""
    ids, note = context_of(request).ids, text_of(request, "note")
    return _answer(
        request,
        lambda connection, now_us, actor, asked: decline(connection, ids, now_us, actor, asked, note),
        _("The request is declined."),
    )


def _answer(request: Request, act: Callable[[Connection, int, Actor, bytes], object], said: LazyText) -> Response:
    actor, request_id = actor_of(request), id_of_path(request)

    def work(connection: Connection, now_us: int) -> object:
        return act(connection, now_us, actor, request_id)

    done = changes.change(request, work, Subject(Noun.REQUEST, request_id))
    return see_other(request, "/requests", done.notice(said))


def _defaults(request: Request, found: CodeRequest) -> dict[str, Any]:
    """A new product as the cashier described it."""
    return {
        **products.NOTHING,
        **products.NO_PRICE,
        "sku": found.code,
        "barcode": found.code,
        "name": found.name or "",
        "price": amount_text(request, found.amount_minor),
        "replace": False,
        "note": "",
    }


ROUTES = (
    guarded("/requests", page),
    guarded("/requests/{id}", one),
    guarded("/requests/{id}/new", answer_new, "POST"),
    guarded("/requests/{id}/known", answer_known, "POST"),
    guarded("/requests/{id}/price", answer_price, "POST"),
    guarded("/requests/{id}/decline", answer_no, "POST"),
)
