"""Stock to look at: what there is, how a product moved, documents that were entered. Contains no changes of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from branch_node.operations import stock_drafts, stock_looking
from branch_node.operations.stock_drafts import DraftKind
from branch_node.web.context import context_of
from branch_node.web.people import guarded, signed_in
from shared.domain.identifiers import format_id, is_id, parse_id
from shared.domain.permissions import Permission
from shared.errors import NotFound
from shared.web.pages import render
from shared.web.stock_words import KINDS
from shared.web.translations import LazyText
from shared.web.translations import lazy_text as _

PAGE_DIGITS_MAX = 6

TITLES: dict[str, LazyText] = {
    DraftKind.RECEIVED: _("Goods received"),
    DraftKind.WRITTEN_OFF: _("Write-off"),
    DraftKind.COUNTED: _("Stock count"),
}
"""What a document is called while it is being written."""


def page(request: Request) -> Response:
    """`/stock`: what is on hand; `q` searches, `negative=1` shows what is below zero, `page` goes on."""
    context, actor = context_of(request), signed_in(request)
    text, negative = request.query_params.get("q", "").strip(), bool(request.query_params.get("negative"))
    number = page_asked(request)
    found = stock_looking.list_goods(context.store, actor, text, negative, number)
    return render(
        request,
        "stock.html",
        text=text,
        negative=negative,
        found=found,
        drafts=[(format_id(each.draft.id), each) for each in stock_drafts.list_drafts(context.store, actor)],
        may_edit=actor.may(Permission.STOCK_EDIT),
        zone=context.store.node()[0].timezone,
        titles=TITLES,
        **_pager(request, number, found.has_more),
    )


def product(request: Request) -> Response:
    """`/stock/product?sku=`: how one product came to what is on hand."""
    context, sku = context_of(request), request.query_params.get("sku", "")
    if not sku:
        return RedirectResponse("/stock", status_code=303)
    goods, moved = stock_looking.product_movements(context.store, signed_in(request), sku)
    return render(
        request,
        "stock_product.html",
        goods=goods,
        moved=[(each, _address(each.moved.kind, each.moved.record_id)) for each in moved],
        shown_max=stock_looking.MOVED_SHOWN_MAX,
        zone=context.store.node()[0].timezone,
        kinds=KINDS,
    )


def documents(request: Request) -> Response:
    """`/stock/documents`: what was entered, the newest first."""
    context, number = context_of(request), page_asked(request)
    found, has_more = stock_looking.list_documents(context.store, signed_in(request), number)
    return render(
        request,
        "stock_documents.html",
        documents=[(format_id(each.document.id), each) for each in found],
        zone=context.store.node()[0].timezone,
        may_edit=signed_in(request).may(Permission.STOCK_EDIT),
        kinds=KINDS,
        **_pager(request, number, has_more),
    )


def document(request: Request) -> Response:
    """`/stock/documents/ID`: a document that was entered."""
    context = context_of(request)
    found, lines = stock_looking.read_document(context.store, signed_in(request), id_asked(request))
    node = context.store.node()[0]
    return render(
        request,
        "stock_document.html",
        found=found,
        lines=lines,
        cost_minor=sum(line.cost_minor or 0 for line in lines),
        zone=node.timezone,
        currency=node.currency,
        kinds=KINDS,
    )


def id_asked(request: Request) -> bytes:
    """The document's id in the page's address. Raises NotFound."""
    text = request.path_params["id"]
    if not is_id(text):
        raise NotFound("There is no such document.", "Look at the list of documents.")
    return parse_id(text)


def page_asked(request: Request) -> int:
    """Which page of a list, 0 first."""
    text = request.query_params.get("page", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= PAGE_DIGITS_MAX else 0


def _pager(request: Request, number: int, has_more: bool) -> dict[str, str]:
    def address(wanted: int) -> str:
        asked = {name: value for name, value in request.query_params.items() if name != "page" and value}
        return f"{request.url.path}?{urlencode({**asked, 'page': wanted})}"

    return {"before": address(number - 1) if number else "", "after": address(number + 1) if has_more else ""}


def _address(kind: str, record_id: bytes) -> str:
    room = "receipts" if kind in ("sold", "refunded") else "stock/documents"
    return f"/{room}/{format_id(record_id)}"


ROUTES: tuple[Any, ...] = (
    guarded("/stock", page, Permission.STOCK_VIEW),
    guarded("/stock/product", product, Permission.STOCK_VIEW),
    guarded("/stock/documents", documents, Permission.STOCK_VIEW),
    guarded("/stock/documents/{id}", document, Permission.STOCK_VIEW),
)
