"""Conflicts: edits of one field that did not see each other, side by side, to be decided; and what was decided."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations.conflict_lists import ConflictFilter, ShownConflict, kinds_in_conflict, list_conflicts
from hq_server.operations.conflicts import Choice, Disputed, decide_conflicts, undo_decision
from hq_server.storage.branches import all_branches
from hq_server.web.context import context_of
from hq_server.web.forms import Failure, or_again, page_number, paging_of, status, texts_of
from hq_server.web.review_words import RULES, Telling, field_name, kind_name, tell
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.cards import MergeRule
from shared.domain.identifiers import format_id
from shared.domain.permissions import Permission, require
from shared.errors import InvalidInput
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import text_of
from shared.web.site import see_other
from shared.web.translations import gettext
from shared.web.translations import lazy_plural as plural
from shared.web.translations import lazy_text as _

PAGE = "/conflicts"
AGES = (("", _("any age")), ("1", _("a day and more")), ("7", _("a week and more")), ("30", _("a month and more")))
BACK_CHARACTERS_MAX = 500


class SideRow(NamedTuple):
    """One value as the page shows it; `choice` is what its button sends."""

    value: str
    is_hidden: bool
    is_shown: bool
    author: str
    branch: str
    at_us: int
    received_at_us: int | None
    choice: str


class ConflictRow(NamedTuple):
    """One conflict as the page shows it; `keep` is what stays when what is shown is kept."""

    kind: str
    title: str
    client_url: str
    field: str
    rule: str
    is_union: bool
    sides: tuple[SideRow, ...]
    now: str
    keep: str
    conflict: ShownConflict


def page(request: Request, failure: Failure | None = None) -> Response:
    """`/conflicts?state=open|decided&branch=&kind=&days=&page=`."""
    context, actor = context_of(request), actor_of(request)
    require(actor, Permission.RECORDS_REVIEW)
    wanted = _asked(request)
    with context.store.read() as connection:
        found = list_conflicts(connection, actor, wanted, context.clock.now_us(), page_number(request))
        kinds = kinds_in_conflict(connection)
        branches = [("", gettext("all branches")), *((row.code, row.name) for row in all_branches(connection))]
    telling = Telling(found.names, context.chain.timezone, context.chain.currency)
    return render(
        request,
        "conflicts.html",
        status_code=status(failure),
        failure=failure,
        rows=[_row(each, telling) for each in found.page.rows],
        total=found.page.total,
        wanted=wanted,
        branches=branches,
        kinds=[("", gettext("everything")), *((str(kind), kind_name(kind)) for kind in kinds)],
        ages=AGES,
        back=request.url.query,
        paging=paging_of(request, found.page),
        zone=context.chain.timezone,
    )


@or_again(page)
def decide(request: Request) -> Response:
    """POST `choose` of one conflict, or `keep` of several that were ticked."""
    context, actor = context_of(request), actor_of(request)
    chosen = [text] if (text := text_of(request, "choose")) else texts_of(request, "keep")
    choices = [_parse(each) for each in chosen]
    command_id = context.change(
        lambda connection, now_us: decide_conflicts(connection, context.ids, now_us, actor, choices)
    )
    said = plural("%(count)s conflict is decided.", "%(count)s conflicts are decided.", len(choices))
    back = _back(request)
    return see_other(
        request, f"{PAGE}{back}", Notice(said, f"{PAGE}/undo", {"command": command_id.hex(), "back": back[1:]})
    )


@or_again(page)
def undo(request: Request) -> Response:
    """POST `command`: the decision is taken back, the conflicts are open again."""
    context, actor = context_of(request), actor_of(request)
    command_id = _hex(text_of(request, "command"))
    count = context.change(lambda connection, now_us: undo_decision(connection, context.ids, now_us, actor, command_id))
    said = plural("%(count)s conflict is open again.", "%(count)s conflicts are open again.", count)
    return see_other(request, f"{PAGE}{_back(request)}", Notice(said))


def _asked(request: Request) -> ConflictFilter:
    values = request.query_params
    kind, days = values.get("kind", ""), values.get("days", "")
    return ConflictFilter(
        values.get("branch", "").strip(),
        int(kind) if _is_small(kind) else None,
        int(days) if _is_small(days) else 0,
        values.get("state") == "decided",
    )


def _is_small(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 5


def _row(each: ShownConflict, telling: Telling) -> ConflictRow:
    kind, field = each.disputed.kind, each.disputed.field
    sides = tuple(
        SideRow(
            tell(kind, field, side.seen, telling),
            side.seen.is_hidden,
            side.is_shown,
            side.author,
            gettext("head office") if side.is_of_office else side.branch,
            side.at_us,
            side.received_at_us,
            choice_text(Choice(each.disputed, side.version, each.seen)),
        )
        for side in each.sides
    )
    return ConflictRow(
        kind_name(kind),
        each.title,
        "" if each.client_id is None else f"/clients/{format_id(each.client_id)}",
        field_name(kind, field),
        str(RULES[each.rule]),
        each.rule is MergeRule.UNION,
        sides,
        tell(kind, field, each.now, telling),
        choice_text(Choice(each.disputed, None, each.seen)),
        each,
    )


def choice_text(choice: Choice) -> str:
    """What a form sends of a choice."""
    version = b"" if choice.version is None else choice.version
    disputed = choice.disputed
    return f"{disputed.kind}.{disputed.card_id.hex()}.{disputed.field}.{version.hex()}.{choice.seen}"


def _parse(text: str) -> Choice:
    parts = text.split(".")
    if len(parts) != 5 or not _is_small(parts[0]):
        raise _no_conflict()
    version = _hex(parts[3]) if parts[3] else None
    return Choice(Disputed(int(parts[0]), _hex(parts[1]), parts[2]), version, parts[4])


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise _no_conflict() from None


def _no_conflict() -> InvalidInput:
    return InvalidInput("This names no conflict.", "Open the list again and choose from it.")


def _back(request: Request) -> str:
    """The same list as before, as the end of an address."""
    known: dict[str, Any] = dict(parse_qsl(text_of(request, "back")[:BACK_CHARACTERS_MAX]))
    kept = {name: known[name] for name in ("state", "branch", "kind", "days", "page") if known.get(name)}
    return f"?{urlencode(kept)}" if kept else ""


ROUTES = (
    guarded(PAGE, page),
    guarded(f"{PAGE}/decide", decide, "POST"),
    guarded(f"{PAGE}/undo", undo, "POST"),
)
