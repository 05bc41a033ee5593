"""How the branch stands: the chip in every page's header, and the page that says what waits and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from branch_node.storage.fiscal_jobs import retry_failed_fiscal_jobs
from branch_node.web.client_files import size_text
from branch_node.web.context import WebContext, context_of
from branch_node.web.people import guarded, signed_in
from shared.domain.permissions import Permission
from shared.errors import FilialError
from shared.sync.messages import ProcessingMode, WhenUnreachable
from shared.web.error_texts import translate_error
from shared.web.formats import format_number, format_span
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.site import see_other
from shared.web.translations import LazyText, gettext
from shared.web.translations import lazy_plural as plural
from shared.web.translations import lazy_text as _

Status = Mapping[str, Any]
SKEW_NOTED_MS = 60_000
"""A clock that is a minute off is worth a line."""


class Chip(NamedTuple):
    """`state` is `online`, `local` or `unknown`; none of them is an error's colour."""

    state: str
    text: str


class Matter(NamedTuple):
    """Something that waits or is unusual: what, why, and what to do now."""

    what: LazyText | str
    why: LazyText | str
    what_now: LazyText | str


class Ability(NamedTuple):
    """Something people do here, whether it works at the moment, and what to do now when it does not."""

    name: LazyText
    works: bool
    what_now: LazyText


def chip_of(status: Status) -> Chip:
    """`online`, or `working locally, 12 waiting, oldest 4 min`."""
    waiting, oldest = status["waiting"], status["oldest_waiting_seconds"]
    if status["online"]:
        text = gettext("online")
        return Chip("online", f"{text}, {_waiting(waiting)}" if waiting else text)
    parts = [gettext("working locally")]
    if waiting:
        parts.append(_waiting(waiting))
    if waiting and oldest is not None:
        parts.append(gettext("oldest %(span)s") % {"span": format_span(oldest)})
    return Chip("local", ", ".join(parts))


def _waiting(count: int) -> str:
    return gettext("%(count)s waiting") % {"count": format_number(count)}


def read_chip(context: WebContext) -> Chip:
    """The chip now. A store that does not answer is no reason for a page not to open."""
    try:
        return chip_of(context.read_status())
    except FilialError:
        return Chip("unknown", gettext("state unknown"))


def matters_of(status: Status) -> list[Matter]:
    """What waits and why, the most pressing last."""
    found = []
    if status["waiting"]:
        found.append(_waiting_matter(status))
    found += _file_matters(status)
    if status["undecided"]:
        found.append(
            Matter(
                plural("%(count)s operation in doubt", "%(count)s operations in doubt", status["undecided"]),
                _("The head office was asked and its answer has not come."),
                _("Repeat the same operation, or leave it: it is asked about again by itself."),
            )
        )
    if status["parked"]:
        found.append(
            Matter(
                plural("%(count)s edit set aside", "%(count)s edits set aside", status["parked"]),
                _("The head office sent something that this branch cannot read."),
                _("Upgrade this branch; everything else goes on."),
            )
        )
    found += _fiscal_matters(status.get("fiscal") or {})
    if abs(status["skew_ms"] or 0) >= SKEW_NOTED_MS:
        off = format_span(abs(status["skew_ms"]) / 1_000)
        found.append(
            Matter(
                _("The clock is %(span)s off", span=off),
                _("Edits made with a wrong clock are taken once it is right."),
                _("Set this machine's clock."),
            )
        )
    if status["trouble"]:
        found.append(
            Matter(
                _("The head office does not accept this branch"),
                translate_error(status["trouble"]),
                _("Go on selling, and tell the head office what is written here."),
            )
        )
    return found


def _file_matters(status: Status) -> list[Matter]:
    """Files of clients that are not on both sides yet."""
    found, waiting = [], status.get("files_waiting") or 0
    if waiting:
        what = plural("%(count)s file on its way", "%(count)s files on their way", waiting)
        size = size_text(status["file_bytes_waiting"])
        why = _("%(size)s have yet to move: files go when there is nothing better to do.", size=size)
        found.append(Matter(what, why, _("Nothing: it goes on by itself while the head office can be reached.")))
    if status.get("file_problems"):
        what = plural("%(count)s file has a problem", "%(count)s files have a problem", status["file_problems"])
        why = _("A part of it is damaged, or the head office does not take it.")
        found.append(Matter(what, why, _("Look at the client's files: each says what is wrong. Attach it anew.")))
    return found


def _fiscal_matters(fiscal: Mapping[str, Any]) -> list[Matter]:
    found, problem = [], fiscal.get("problem")
    why = translate_error(problem) if problem else _("It is told in order, beside the selling.")
    waiting, failed = fiscal.get("waiting", 0), fiscal.get("failed", 0)
    if waiting:
        what = plural(
            "%(count)s document waits for the fiscal device",
            "%(count)s documents wait for the fiscal device",
            waiting,
        )
        what_now = _("See that the device is on; it is asked again by itself. Go on selling.")
        found.append(Matter(what, why, what_now))
    if failed:
        what = plural(
            "%(count)s document refused by the fiscal device",
            "%(count)s documents refused by the fiscal device",
            failed,
        )
        what_now = _("Mend what the device complains of; then a manager presses “Tell the device again”.")
        found.append(Matter(what, why, what_now))
    return found


def retry_fiscal(request: Request) -> Response:
    """POST: what the fiscal device refused, it is told again."""
    store = context_of(request).store
    with store.write() as connection:
        retry_failed_fiscal_jobs(connection.connection.cursor(), store.clock.now_us())
    return see_other(request, "/status", Notice(_("The device is told again.")))


def _waiting_matter(status: Status) -> Matter:
    what = plural("%(count)s entry waits", "%(count)s entries wait", status["waiting"])
    if status["online"]:
        return Matter(what, _("They are on their way to the head office."), _("Nothing: they go by themselves."))
    return Matter(
        what,
        _("There is no connection to the head office; everything is safe on this machine."),
        _("Nothing: they go by themselves once the network is back. Without any network, carry them by file."),
    )


def abilities_of(status: Status) -> tuple[list[Ability], list[Ability]]:
    """What works with no network at all, and what needs the head office."""
    online = bool(status["online"])
    centralized = status["mode"] == ProcessingMode.CENTRALIZED.value
    refuses = centralized and status["when_unreachable"] == WhenUnreachable.REFUSE.value
    selling = Ability(
        _("Selling, receipts and returns"),
        online or not refuses,
        _("This branch sells through the head office only: wait for the network, or let the head office change that."),
    )
    here = [
        Ability(_("Opening and closing a till"), True, _("Just do it.")),
        Ability(_("Clients known here: finding, adding, editing"), True, _("Just do it.")),
        Ability(_("Reports of this branch"), True, _("Just do it.")),
    ]
    there = [
        Ability(
            _("Clients and receipts of other branches"),
            online,
            _("Add the client here: the two cards are brought together later."),
        ),
        Ability(
            _("New prices and products"),
            online,
            _("Sell at the prices held here."),
        ),
        Ability(
            _("Spending more than was lent to this branch"),
            online,
            _("Spend what is lent to this branch, or wait for the network."),
        ),
    ]
    return ([*here], [selling, *there]) if refuses else ([selling, *here], there)


def page(request: Request) -> HTMLResponse:
    """`/status`."""
    return _shown(request)


def standing_now(request: Request) -> HTMLResponse:
    """`/status/standing`: its changing block alone, which an open page asks for every few seconds."""
    return _shown(request, "standing")


def _shown(request: Request, block: str = "") -> HTMLResponse:
    status = context_of(request).read_status()
    works_here, needs_head_office = abilities_of(status)
    last = status["last_sync_at"]
    return render(
        request,
        "status.html",
        block=block,
        status=status,
        standing=chip_of(status),
        matters=matters_of(status),
        works_here=works_here,
        needs_head_office=needs_head_office,
        last_sync_at_us=int(datetime.fromisoformat(last).timestamp() * 1_000_000) if last else None,
        node=context_of(request).store.node()[0],
        may_retry=signed_in(request).may(Permission.SETTINGS_BRANCH) and (status.get("fiscal") or {}).get("failed"),
    )


def chip(request: Request) -> HTMLResponse:
    """`/chip`: the fragment that every page asks for anew every few seconds."""
    return render(request, "chip.html")


ROUTES = (
    guarded("/status", page),
    guarded("/status/standing", standing_now, asks_by_itself=True),
    guarded("/status/fiscal", retry_fiscal, Permission.SETTINGS_BRANCH, methods=["POST"]),
    Route("/chip", chip),
)
