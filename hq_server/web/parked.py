"""Parked entries: why they wait and what is in them; tried again, set aside, and parked again."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations.parked import Retried, discard_parked, restore_parked, retry_parked
from hq_server.operations.parked_lists import EntryShown, list_entries, read_entry
from hq_server.storage.branches import all_branches
from hq_server.storage.parking import parked_by_branch
from hq_server.web.context import context_of
from hq_server.web.forms import Failure, or_again, page_number, paging_of, status, typed
from hq_server.web.review_words import ADVICE, field_name, kind_name, reason_name
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.permissions import Permission, require
from shared.errors import NotFound
from shared.web.error_texts import translate_error
from shared.web.formats import format_date, format_money, format_number
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import text_of
from shared.web.site import see_other
from shared.web.translations import LazyText, gettext
from shared.web.translations import lazy_plural as plural
from shared.web.translations import lazy_text as _

PAGE = "/parked"


class EntryKey(NamedTuple):
    """Which entry of whose chain."""

    branch_id: bytes
    incarnation: bytes
    seq: int

    def __str__(self) -> str:
        return f"{self.branch_id.hex()}.{self.incarnation.hex()}.{self.seq}"


def page(request: Request, failure: Failure | None = None) -> Response:
    """`/parked?state=aside&branch=&page=`."""
    context, actor = context_of(request), actor_of(request)
    require(actor, Permission.RECORDS_REVIEW)
    branch, set_aside = request.query_params.get("branch", "").strip(), request.query_params.get("state") == "aside"
    with context.store.read() as connection:
        found = list_entries(connection, actor, branch, set_aside, page_number(request))
        branches = [("", gettext("all branches")), *((row.code, row.name) for row in all_branches(connection))]
    return render(
        request,
        "parked.html",
        status_code=status(failure),
        failure=failure,
        rows=[_row(each) for each in found.page.rows],
        incomplete=found.incomplete,
        branch=branch,
        branches=branches,
        set_aside=set_aside,
        paging=paging_of(request, found.page),
        zone=context.chain.timezone,
    )


def entry(request: Request, failure: Failure | None = None) -> Response:
    """`/parked/entry?of=…`: one entry, and the form that sets it aside."""
    context, actor = context_of(request), actor_of(request)
    require(actor, Permission.RECORDS_REVIEW)
    key = _key(text_of(request, "of") or request.query_params.get("of", ""))
    with context.store.read() as connection:
        found = read_entry(connection, actor, *key)
    return render(
        request,
        "parked_entry.html",
        status_code=status(failure),
        failure=failure,
        row=_row(found),
        typed=typed(request, {"note": ""}),
        zone=context.chain.timezone,
    )


@or_again(page)
def retry(request: Request) -> Response:
    """POST `of` one entry; without it, all of `branch` or of every branch."""
    context, actor = context_of(request), actor_of(request)
    require(actor, Permission.RECORDS_REVIEW)
    of, code = text_of(request, "of"), text_of(request, "branch")
    key = _key(of) if of else None
    with context.store.read() as connection:
        waiting = parked_by_branch(connection)
        wanted = [row.id for row in all_branches(connection) if row.id in waiting and code in ("", row.code)]
    tried: list[Retried] = []
    for branch_id in [key.branch_id] if key else wanted:
        # Each branch in a transaction of its own, as its merges are.
        tried += context.change(
            lambda connection, now_us, branch_id=branch_id: retry_parked(  # type: ignore[misc]
                context.store,
                connection,
                branch_id,
                now_us,
                lambda row: key is None or (row.incarnation, row.seq) == key[1:],
                actor,
            )
        )
    return see_other(request, _list(code), Notice(_said(tried)))


@or_again(entry)
def discard(request: Request) -> Response:
    """POST `of`, `note`: it is never applied."""
    context, actor = context_of(request), actor_of(request)
    require(actor, Permission.RECORDS_REVIEW)
    key, note = _key(text_of(request, "of")), text_of(request, "note")
    context.change(
        lambda connection, now_us: discard_parked(
            connection, context.ids, now_us, key.branch_id, key.seq, key.incarnation, note, actor
        )
    )
    return see_other(
        request, PAGE, Notice(_("The entry is set aside. Its bytes stay."), f"{PAGE}/restore", {"of": str(key)})
    )


@or_again(page)
def restore(request: Request) -> Response:
    """POST `of`: it is parked as it was."""
    context, actor = context_of(request), actor_of(request)
    require(actor, Permission.RECORDS_REVIEW)
    key = _key(text_of(request, "of"))
    context.change(
        lambda connection, now_us: restore_parked(connection, now_us, key.branch_id, key.seq, key.incarnation, actor)
    )
    return see_other(request, PAGE, Notice(_("The entry is parked again.")))


def _said(tried: list[Retried]) -> LazyText:
    failed = sum(each.problem is not None for each in tried)
    if not tried:
        return _("Nothing is parked there any more.")
    if not failed:
        return plural("%(count)s entry is applied now.", "%(count)s entries are applied now.", len(tried))
    return _(
        "Applied: %(applied)s. Still parked: %(failed)s; each says why.", applied=len(tried) - failed, failed=failed
    )


def _row(each: EntryShown) -> dict[str, Any]:
    return {
        "entry": each,
        "key": str(EntryKey(each.branch.id, each.incarnation, each.seq)),
        "reason": reason_name(each.reason),
        "advice": ADVICE.get(each.reason, ""),
        "evidence": translate_error(each.evidence),
        "lines": [_line(line) for line in each.lines],
        "others": _others(each),
    }


def _others(each: EntryShown) -> list[str]:
    """What is in the entry besides what its lines tell: of kinds that cannot be read, or too much to tell."""
    told = Counter(line.kind for line in each.lines)
    left = [(kind_name(kind), count - told[kind]) for kind, count in each.kinds if count > told[kind]]
    return [name if count == 1 else f"{name} × {format_number(count)}" for name, count in left]


def _line(line: Any) -> str:
    """`Sale 1-000007, 123,00 ₽, 20 November`, or `Client А. Бело…: Phones, Tags`."""
    said = kind_name(line.kind)
    if line.receipt:
        said = f"{said} {line.receipt}, {format_money(line.amount_minor, line.currency)}"
    if line.title:
        said = f"{said} {line.title}"
    if line.fields:
        said = f"{said}: {', '.join(field_name(line.kind, field) for field in line.fields)}"
    return f"{said}, {format_date(line.day)}" if line.day is not None else said


def _list(code: str) -> str:
    return f"{PAGE}?{urlencode({'branch': code})}" if code else PAGE


def _key(text: str) -> EntryKey:
    parts = text.split(".")
    try:
        branch_id, incarnation, seq = bytes.fromhex(parts[0]), bytes.fromhex(parts[1]), parts[2]
    except (ValueError, IndexError):
        raise _no_entry() from None
    if len(parts) != 3 or not (seq.isascii() and seq.isdigit() and len(seq) < 16):
        raise _no_entry()
    return EntryKey(branch_id, incarnation, int(seq))


def _no_entry() -> NotFound:
    return NotFound("There is no such entry.", "Open it from the list of parked entries.")


ROUTES = (
    guarded(PAGE, page),
    guarded(f"{PAGE}/entry", entry),
    guarded(f"{PAGE}/retry", retry, "POST"),
    guarded(f"{PAGE}/discard", discard, "POST"),
    guarded(f"{PAGE}/restore", restore, "POST"),
)
