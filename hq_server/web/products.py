"""Products and their prices: found, added, edited."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations.card_changes import Noun, Subject
from hq_server.operations.price_periods import calendar_of
from hq_server.operations.products import (
    Assortment,
    ProductFields,
    WantedPrice,
    categories_of_chain,
    prices_of,
    require_product,
    zones_of_chain,
)
from hq_server.operations.vat_rates import list_vat_rates
from hq_server.web import changes
from hq_server.web.context import context_of
from hq_server.web.forms import (
    Failure,
    amount_of,
    amount_text,
    day_of,
    id_of_path,
    is_ticked,
    or_again,
    page_number,
    paging_of,
    status,
    typed,
)
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.business_time import date_from_days
from shared.domain.identifiers import format_id, parse_id
from shared.domain.permissions import Permission, require
from shared.errors import InvalidInput
from shared.web.pages import render
from shared.web.security import text_of
from shared.web.site import see_other
from shared.web.translations import gettext
from shared.web.translations import lazy_text as _

TEXTS = ("sku", "name", "category", "barcode", "unit", "vat_code")
FLAGS = ("weighed", "limited", "archived")
NOTHING: dict[str, Any] = {**dict.fromkeys(TEXTS, ""), **dict.fromkeys(FLAGS, False)}
NO_PRICE: dict[str, Any] = {"price": "", "zone": "", "valid_from": "", "valid_to": ""}


def page(request: Request) -> Response:
    """`/products?words=…`; htmx asks for its list alone."""
    context, actor = context_of(request), actor_of(request)
    words, archived = request.query_params.get("words", ""), bool(request.query_params.get("archived"))
    with context.store.read() as connection:
        found = context.products.search(connection, actor, words, context.today(), page_number(request), archived)
    return render(
        request,
        "products.html",
        block="found" if request.headers.get("hx-request") == "true" else "",
        products=found.rows,
        paging=paging_of(request, found),
        words=words,
        archived=archived,
        currency=context.chain.currency,
        format_id=format_id,
    )


def adding(request: Request, failure: Failure | None = None) -> Response:
    """`/products/new`."""
    fields = typed(request, {**NOTHING, **NO_PRICE})
    return render(
        request, "product_new.html", status_code=status(failure), failure=failure, typed=fields, **choices(request)
    )


@or_again(adding)
def add(request: Request) -> Response:
    """POST: a new product, with its first price when one is typed."""
    context, actor = context_of(request), actor_of(request)
    wanted, priced = product_of_form(request), price_of_form(request)
    done = changes.change(
        request,
        lambda connection, now_us: Assortment(connection, context.ids, now_us, actor).add(wanted, priced),
        _subject,
    )
    return see_other(request, _url(done.result), done.notice(_("%(name)s is added.", name=wanted.name)))


def product(request: Request, failure: Failure | None = None) -> Response:
    """`/products/{id}`."""
    context, actor = context_of(request), actor_of(request)
    with context.store.read() as connection:
        row = require_product(connection, actor, id_of_path(request))
        prices = prices_of(connection, row.id)
        changed = changes.changes_of(request, connection, _subject(row.id))
    texts = {name: getattr(row, name) or "" for name in TEXTS}
    flags = {name: bool(getattr(row, name)) for name in FLAGS}
    return render(
        request,
        "product.html",
        status_code=status(failure),
        failure=failure,
        row=row,
        typed=typed(request, {**texts, **flags, **NO_PRICE}),
        calendar=calendar_of(prices, context.today()),
        changes=changed,
        tomorrow_day=date_from_days(context.today() + 1),
        amount_text=lambda amount_minor: amount_text(request, amount_minor),
        date_of=date_from_days,
        format_id=format_id,
        **choices(request),
    )


@or_again(product)
def change(request: Request) -> Response:
    """POST: the product's fields."""
    context, actor, product_id = context_of(request), actor_of(request), id_of_path(request)
    wanted = product_of_form(request)

    def work(connection: Any, now_us: int) -> bool:
        require_product(connection, actor, product_id)
        return Assortment(connection, context.ids, now_us, actor).change(product_id, wanted)

    done = changes.change(request, work, _subject(product_id))
    return see_other(request, _url(product_id), done.notice(_("Saved.") if done.result else _("Nothing was changed.")))


@or_again(product)
def set_price(request: Request) -> Response:
    """POST `price`, `zone`, `valid_from`, `valid_to`."""
    context, actor, product_id = context_of(request), actor_of(request), id_of_path(request)
    wanted = price_of_form(request)
    if wanted is None:
        # Whoever may not do it is told that first.
        require(actor, Permission.CATALOG_EDIT)
        raise InvalidInput("No price was typed.", "Write it as 1481.69.")

    def work(connection: Any, now_us: int) -> bool:
        require_product(connection, actor, product_id)
        return Assortment(connection, context.ids, now_us, actor).set_price(product_id, wanted)

    done = changes.change(request, work, _subject(product_id))
    return see_other(
        request, _url(product_id), done.notice(_("The price is set. The tills learn it with the next contact."))
    )


def remove_price(request: Request) -> Response:
    """POST `price_id`."""
    context, actor, product_id = context_of(request), actor_of(request), id_of_path(request)
    price_id = parse_id(text_of(request, "price_id"))
    done = changes.change(
        request,
        lambda connection, now_us: Assortment(connection, context.ids, now_us, actor).remove_price(
            product_id, price_id
        ),
        _subject(product_id),
    )
    return see_other(request, _url(product_id), done.notice(_("The price is taken away.")))


def product_of_form(request: Request) -> ProductFields:
    """What a product's form says."""
    sku, name, category, barcode, unit, vat_code = (text_of(request, field) for field in TEXTS)
    weighed, limited, archived = (is_ticked(request, field) for field in FLAGS)
    return ProductFields(sku, name, category, barcode, unit, vat_code, weighed, limited, archived)


def price_of_form(request: Request) -> WantedPrice | None:
    """What a price's fields say; None when no price was typed. Raises InvalidInput."""
    amount_minor = amount_of(request, "price", "The price")
    first, last = day_of(request, "valid_from", "The first day"), day_of(request, "valid_to", "The last day")
    return None if amount_minor is None else WantedPrice(amount_minor, text_of(request, "zone"), first, last)


def choices(request: Request) -> dict[str, Any]:
    """What the forms offer: VAT codes, price zones, categories; and the currency."""
    context, actor = context_of(request), actor_of(request)
    with context.store.read() as connection:
        codes = sorted({rate["code"] for rate in list_vat_rates(connection, actor)})
        zones = zones_of_chain(connection)
        categories = categories_of_chain(connection)
    return {
        "vat_codes": [("", gettext("without VAT")), *((code, code) for code in codes)],
        "zones": [("", gettext("everywhere")), *((zone, zone) for zone in zones)],
        "categories": categories,
        "currency": context.chain.currency,
    }


def _subject(product_id: bytes) -> Subject:
    return Subject(Noun.PRODUCT, product_id)


def _url(product_id: bytes) -> str:
    return f"/products/{format_id(product_id)}"


ROUTES = (
    guarded("/products", page),
    guarded("/products", add, "POST"),
    guarded("/products/new", adding),
    guarded("/products/{id}", product),
    guarded("/products/{id}", change, "POST"),
    guarded("/products/{id}/prices", set_price, "POST"),
    guarded("/products/{id}/prices/remove", remove_price, "POST"),
)
