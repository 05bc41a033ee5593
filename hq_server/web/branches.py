"""The branches of the chain: adding one, its name, time zone and price zone, and how it works with the head office.

How branches are doing is another page's: this one is about what they are told to be.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations.card_changes import Noun, Subject
from hq_server.operations.fleet import BranchSettings, add_branch, list_branches, require_branch, save_settings
from hq_server.operations.paging import page_of
from hq_server.operations.products import zones_of_chain
from hq_server.storage.branches import BranchRow
from hq_server.web import changes
from hq_server.web.card_words import MODES, POLICIES
from hq_server.web.context import context_of
from hq_server.web.forms import Failure, or_again, page_number, paging_of, status, typed
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.identifiers import NIL_ID
from shared.errors import InvalidInput
from shared.sync.messages import ProcessingMode, WhenUnreachable
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import text_of
from shared.web.site import see_other
from shared.web.translations import lazy_text as _

PATH: Final = "/branches"
TIME_ZONES: Final = (
    "Europe/Kaliningrad",
    "Europe/Moscow",
    "Europe/Samara",
    "Asia/Yekaterinburg",
    "Asia/Omsk",
    "Asia/Novosibirsk",
    "Asia/Krasnoyarsk",
    "Asia/Irkutsk",
    "Asia/Yakutsk",
    "Asia/Vladivostok",
    "Asia/Magadan",
    "Asia/Kamchatka",
    "Europe/Minsk",
    "Asia/Almaty",
    "Asia/Tashkent",
    "Asia/Tbilisi",
    "Asia/Yerevan",
    "Asia/Baku",
    "Europe/Berlin",
    "Europe/London",
)
"""What the forms offer; any other may be typed."""


def page(request: Request, failure: Failure | None = None) -> Response:
    """`/branches`: all of them, and the form for one more."""
    context, actor = context_of(request), actor_of(request)
    with context.store.read() as connection:
        rows = list_branches(connection, actor)
        zones = zones_of_chain(connection)
    shown = page_of(rows, page_number(request))
    defaults = {"code": "", "name": "", "timezone": context.chain.timezone, "price_zone": ""}
    return render(
        request,
        "branches.html",
        status_code=status(failure),
        failure=failure,
        branches=[(row, cursor, _url(row.code)) for row, cursor in shown.rows],
        paging=paging_of(request, shown),
        typed=typed(request, defaults),
        zone=context.chain.timezone,
        **_offered(zones),
    )


@or_again(page)
def add(request: Request) -> Response:
    """POST `code`, `name`, `timezone`, `price_zone`."""
    context, actor = context_of(request), actor_of(request)
    code, name = text_of(request, "code"), text_of(request, "name")
    timezone, price_zone = text_of(request, "timezone"), text_of(request, "price_zone")
    row: BranchRow = context.change(
        lambda connection, now_us: add_branch(
            connection, context.ids, now_us, code, name or None, timezone or None, price_zone, actor
        )
    )
    return see_other(request, _url(row.code), Notice(_("Branch %(code)s is added.", code=row.code)))


def one(request: Request, failure: Failure | None = None) -> Response:
    """`/branches/CODE`: its settings, and what changed."""
    context, actor = context_of(request), actor_of(request)
    with context.store.read() as connection:
        row, cursor = require_branch(connection, actor, request.path_params["code"])
        zones = zones_of_chain(connection)
        changed = changes.changes_of(request, connection, Subject(Noun.BRANCH, row.id))
    return render(
        request,
        "branch.html",
        status_code=status(failure),
        failure=failure,
        row=row,
        here=_url(row.code),
        was_never_here=cursor.incarnation == NIL_ID,
        typed=typed(request, _settings(row)),
        modes=MODES,
        policies=POLICIES,
        changes=changed,
        **_offered(zones),
    )


@or_again(one)
def save(request: Request) -> Response:
    """POST `name`, `timezone`, `price_zone`, `mode`, `when_unreachable`."""
    context, actor, code = context_of(request), actor_of(request), request.path_params["code"]
    wanted = BranchSettings(
        text_of(request, "name"),
        text_of(request, "timezone"),
        text_of(request, "price_zone"),
        _mode(text_of(request, "mode")),
        _policy(text_of(request, "when_unreachable")),
    )

    def act(connection: Any, now_us: int) -> BranchRow:
        save_settings(connection, context.ids, now_us, code, wanted, actor)
        return require_branch(connection, actor, code)[0]

    done = changes.change(request, act, lambda row: Subject(Noun.BRANCH, row.id))
    said = _("Saved. The branch learns it with its next contact.") if done.undo else _("Nothing was changed.")
    return see_other(request, _url(code), done.notice(said))


def _settings(row: BranchRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "timezone": row.timezone,
        "price_zone": row.price_zone,
        "mode": row.mode.value,
        "when_unreachable": row.when_unreachable.value,
    }


def _offered(zones: list[str]) -> dict[str, Any]:
    return {"time_zones": TIME_ZONES, "price_zones": zones}


def _mode(text: str) -> ProcessingMode:
    if text not in MODES:
        raise InvalidInput("No way of working was chosen.", "Choose how the branch works.")
    return ProcessingMode(text)


def _policy(text: str) -> WhenUnreachable:
    if text not in POLICIES:
        raise InvalidInput(
            "Nothing was chosen for when the head office does not answer.", "Choose whether it waits or goes on."
        )
    return WhenUnreachable(text)


def _url(code: str) -> str:
    return f"{PATH}/{quote(code)}"


ROUTES = (
    guarded(PATH, page),
    guarded(PATH, add, "POST"),
    # A code may hold a stroke.
    guarded(f"{PATH}/{{code:path}}", one),
    guarded(f"{PATH}/{{code:path}}", save, "POST"),
)
