"""Documents of stock as they are written: goods received, written off, counted – line by line, entered once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from branch_node.operations import basket, stock_drafts, stock_looking
from branch_node.operations.sale_actions import split_times
from branch_node.operations.stock_drafts import CATEGORY, DraftKind, DraftView, RowProblem
from branch_node.operations.stock_files import take_file
from branch_node.web.context import context_of
from branch_node.web.leave import STATUS_REFUSED, failure_of
from branch_node.web.people import guarded, signed_in
from branch_node.web.sale import is_part, money_typed
from branch_node.web.stock import TITLES, id_asked
from shared.domain.identifiers import format_id
from shared.domain.money import format_minor, parse_quantity, quantity_number
from shared.domain.permissions import Permission
from shared.errors import FilialError, InvalidInput
from shared.web.formats import format_number
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import form_of, text_of
from shared.web.site import see_other
from shared.web.translations import LazyText
from shared.web.translations import lazy_text as _

LINES_SHOWN_MAX = 100
"""Lines of a long document that its page shows, the last touched first; the others are asked for."""
UNCOUNTED_SHOWN_MAX = 50
FOUND_SHOWN_MAX = 12
PROBLEMS_SHOWN_MAX = 50

ENTERED: dict[str, LazyText] = {
    DraftKind.RECEIVED: _("The goods are in stock."),
    DraftKind.WRITTEN_OFF: _("The goods are written off."),
    DraftKind.COUNTED: _("The count is entered: stock is as it was counted."),
}
_Shown = Callable[..., Response]


def again_when_refused(show: _Shown) -> Callable[[Callable[[Request], Response]], Callable[[Request], Response]]:
    """A POST that is refused shows its page again, with why and with what was typed."""

    def decorate(view: Callable[[Request], Response]) -> Callable[[Request], Response]:
        @functools.wraps(view)
        def answer(request: Request) -> Response:
            try:
                return view(request)
            except FilialError as error:
                return show(request, error)

        return answer

    return decorate


def new(request: Request, error: FilialError | None = None) -> Response:
    """`/stock/new`: what is to be written, and documents that somebody has begun."""
    context, actor = context_of(request), signed_in(request)
    return render(
        request,
        "stock_new.html",
        status_code=STATUS_REFUSED if error else 200,
        failure=failure_of(error),
        categories=[(f"{CATEGORY}{name}", name) for name in stock_looking.list_categories(context.store, actor)],
        drafts=[(format_id(each.draft.id), each) for each in stock_drafts.list_drafts(context.store, actor)],
        zone=context.store.node()[0].timezone,
        titles=TITLES,
    )


@again_when_refused(new)
def begin(request: Request) -> Response:
    """POST `kind`, and `scope` of a count."""
    kind = text_of(request, "kind")
    if kind not in set(DraftKind):
        raise InvalidInput("Say what is counted.", "Choose everything, a category, or only what is scanned.")
    context = context_of(request)
    draft_id = stock_drafts.begin(context.store, signed_in(request), DraftKind(kind), text_of(request, "scope"))
    return RedirectResponse(_address(draft_id), status_code=303)


def page(
    request: Request,
    error: FilialError | None = None,
    query: str | None = None,
    problems: Sequence[RowProblem] = (),
) -> Response:
    """`/stock/drafts/ID`: `q` looks for goods by name, `all=1` shows every line."""
    if query is None:
        query = request.query_params.get("q", "").strip()
    context, actor = context_of(request), signed_in(request)
    seen = stock_drafts.view(context.store, actor, id_asked(request))
    if seen.draft.movement_id is not None:
        return see_other(request, f"/stock/documents/{format_id(seen.draft.movement_id)}")
    times, words = split_times(query) if query else (0, "")
    found = basket.find_products(context.store, words, FOUND_SHOWN_MAX) if words else []
    shown = [(each.row, failure_of(each.error)) for each in problems[:PROBLEMS_SHOWN_MAX]]
    values: dict[str, Any] = {"query": query, "times": quantity_number(times), "found": found}
    values |= {"problems": shown, "problems_left": len(problems) - len(shown)}
    return _render(request, "stock_draft.html", seen, error, **values)


def differences(request: Request, error: FilialError | None = None) -> Response:
    """`/stock/drafts/ID/differences`: what a count will change, before it does."""
    context, actor = context_of(request), signed_in(request)
    seen = stock_drafts.view(context.store, actor, id_asked(request))
    if seen.draft.movement_id is not None:
        return see_other(request, f"/stock/documents/{format_id(seen.draft.movement_id)}")
    if seen.draft.kind != DraftKind.COUNTED:
        return RedirectResponse(_address(seen.draft.id), status_code=303)
    different = [line for line in seen.lines if line.difference_thousandths]
    return _render(request, "stock_differences.html", seen, error, different=different)


def scan(request: Request) -> Response:
    """POST `text`, `request`: adds what was scanned or typed; what no product has is looked for by name."""
    text = text_of(request, "text")
    draft_id = id_asked(request)
    try:
        if not text:
            raise InvalidInput("Nothing was scanned.", "Scan a code, or type a part of the name.")
        line = stock_drafts.enter_code(
            context_of(request).store, signed_in(request), draft_id, text_of(request, "request"), text
        )
    except FilialError as error:
        return page(request, error)
    unknown = text if line is None else ""
    if is_part(request):
        return page(request, query=unknown)
    return RedirectResponse(_address(draft_id) + ("?" + urlencode({"q": unknown}) if unknown else ""), status_code=303)


def file(request: Request) -> Response:
    """POST `file`, `request`: every row of it becomes a line, or, when a row is wrong, none."""
    given, draft_id = form_of(request).get("file"), id_asked(request)
    name, content = (given.filename or "", given.file.read()) if isinstance(given, UploadFile) else ("", b"")
    try:
        problems = take_file(
            context_of(request).store, signed_in(request), draft_id, text_of(request, "request"), name, content
        )
    except FilialError as error:
        return page(request, error)
    if problems:
        return page(request, problems=problems)
    notice = Notice(_("The file is in the document. Look at it, then enter it."))
    return see_other(request, _address(draft_id), notice)


@again_when_refused(page)
def put(request: Request) -> Response:
    """POST `sku`, `quantity`, `cost`, `request`; with `adds` so much more of it."""
    draft_id, cost = id_asked(request), text_of(request, "cost")
    stock_drafts.put_line(
        context_of(request).store,
        signed_in(request),
        draft_id,
        text_of(request, "request"),
        text_of(request, "sku"),
        quantity_typed(text_of(request, "quantity")),
        money_typed(request, cost) if cost else None,
        adds=bool(text_of(request, "adds")),
    )
    return RedirectResponse(_address(draft_id), status_code=303)


@again_when_refused(page)
def remove(request: Request) -> Response:
    """POST `sku`, `request`."""
    draft_id = id_asked(request)
    context, sku = context_of(request), text_of(request, "sku")
    line = stock_drafts.remove_line(context.store, signed_in(request), draft_id, text_of(request, "request"), sku)
    if line is None:
        return RedirectResponse(_address(draft_id), status_code=303)
    currency = context.store.node()[0].currency
    back = {
        "sku": sku,
        "quantity": str(quantity_number(line.quantity_thousandths)),
        "cost": "" if line.cost_minor is None else format_minor(line.cost_minor, currency),
        "request": format_id(context.store.ids.new_id()),
    }
    notice = Notice(_("%(sku)s is off the document.", sku=sku), f"{_address(draft_id)}/line", back)
    return see_other(request, _address(draft_id), notice)


@again_when_refused(page)
def count_rest(request: Request) -> Response:
    """POST `request`: what nobody has counted is not there."""
    draft_id = id_asked(request)
    counted = stock_drafts.count_rest_as_nothing(
        context_of(request).store, signed_in(request), draft_id, text_of(request, "request")
    )
    notice = Notice(_("Counted as nothing: %(count)s products.", count=format_number(counted)))
    return see_other(request, _address(draft_id), notice)


def enter(request: Request) -> Response:
    """POST `revision`, `document`, `note`; `do` is `save` to go on later, else it is entered."""
    context, actor, draft_id = context_of(request), signed_in(request), id_asked(request)
    document, note = text_of(request, "document"), text_of(request, "note")
    try:
        if text_of(request, "do") == "save":
            stock_drafts.describe(context.store, actor, draft_id, text_of(request, "request"), document, note)
            return see_other(request, "/stock", Notice(_("The document is kept. Nothing is entered yet.")))
        revision = text_of(request, "revision")
        asked = int(revision) if revision.isascii() and revision.isdigit() and len(revision) < 10 else 0
        movement_id = stock_drafts.commit(context.store, actor, draft_id, asked, document, note)
        seen = stock_drafts.view(context.store, actor, draft_id)
    except FilialError as error:
        return differences(request, error) if text_of(request, "from") == "differences" else page(request, error)
    return see_other(request, f"/stock/documents/{format_id(movement_id)}", Notice(ENTERED[seen.draft.kind]))


@again_when_refused(page)
def discard(request: Request) -> Response:
    """POST: throws the document away."""
    stock_drafts.discard(context_of(request).store, signed_in(request), id_asked(request))
    return see_other(request, "/stock", Notice(_("The document is thrown away. Nothing has moved.")))


def quantity_typed(text: str) -> int:
    """`0,5` in thousandths; 0 too. Raises InvalidInput."""
    cleaned = "".join(text.split()).replace(",", ".")
    try:
        value = Decimal(cleaned)
    except InvalidOperation:
        raise InvalidInput("The quantity is no number.", "Write how much, as 12 or 0.5.") from None
    return parse_quantity(value, "The quantity")


def _render(request: Request, template: str, seen: DraftView, error: FilialError | None, **values: Any) -> Response:
    context, draft = context_of(request), seen.draft
    node, form = context.store.node()[0], form_of(request)
    shown = seen.lines if request.query_params.get("all") else seen.lines[:LINES_SHOWN_MAX]
    return render(
        request,
        template,
        block="document" if is_part(request) else "",
        status_code=STATUS_REFUSED if (error or values.get("problems")) and not is_part(request) else 200,
        failure=failure_of(error),
        draft=draft,
        draft_id=format_id(draft.id),
        title=TITLES[draft.kind],
        is_count=draft.kind == DraftKind.COUNTED,
        has_cost=draft.kind == DraftKind.RECEIVED,
        category=draft.scope.removeprefix(CATEGORY) if draft.scope.startswith(CATEGORY) else "",
        lines=shown,
        hidden=len(seen.lines) - len(shown),
        count=len(seen.lines),
        cost_minor=sum(line.cost_minor or 0 for line in seen.lines),
        uncounted=seen.uncounted[:UNCOUNTED_SHOWN_MAX],
        uncounted_count=len(seen.uncounted),
        document=form.get("document", draft.document),
        note=form.get("note", draft.note),
        zone=node.timezone,
        currency=node.currency,
        # In a field numbers stand as they are read back: without the language's separators.
        plain_quantity=quantity_number,
        plain_money=functools.partial(format_minor, currency=node.currency),
        request_id=format_id(context.store.ids.new_id()),
        **values,
    )


def _address(draft_id: bytes) -> str:
    return f"/stock/drafts/{format_id(draft_id)}"


def _route(path: str, view: Callable[[Request], Response]) -> Any:
    return guarded(path, view, Permission.STOCK_EDIT, methods=["POST"])


ROUTES: tuple[Any, ...] = (
    guarded("/stock/new", new, Permission.STOCK_EDIT),
    _route("/stock/new", begin),
    guarded("/stock/drafts/{id}", page, Permission.STOCK_EDIT),
    guarded("/stock/drafts/{id}/differences", differences, Permission.STOCK_EDIT),
    _route("/stock/drafts/{id}/scan", scan),
    _route("/stock/drafts/{id}/file", file),
    _route("/stock/drafts/{id}/line", put),
    _route("/stock/drafts/{id}/remove", remove),
    _route("/stock/drafts/{id}/rest", count_rest),
    _route("/stock/drafts/{id}/enter", enter),
    _route("/stock/drafts/{id}/discard", discard),
)
