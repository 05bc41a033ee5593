"""“What changed” on the pages of the head office's cards: who, when, from what to what; taking an edit back; arrival.

Contains no rules.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, select
from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations.arrival import Arrival, arrival_of
from hq_server.operations.card_changes import (
    CardPart,
    ChangedSince,
    Noun,
    OfficeEdit,
    Standing,
    Subject,
    edit_made_now,
    parse_noun,
    read_changes,
    take_back,
)
from hq_server.storage.branches import branch_by_id, branch_names
from hq_server.web.card_words import FIELD_NAMES, Words, card_title, field_name, says_nothing, value_text
from hq_server.web.context import context_of
from hq_server.web.forms import Failure
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.cards import Value
from shared.domain.identifiers import NIL_ID, format_id, parse_id
from shared.errors import FilialError, NotFound, NotPermitted, Refused, StoreError
from shared.operations.client_history import people_names
from shared.operations.people import all_roles
from shared.storage.tables import promotion, role
from shared.sync.card_merge import HQ_ORIGIN
from shared.web.error_texts import translate_error
from shared.web.failures import status_of
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import text_of
from shared.web.site import see_other
from shared.web.translations import LazyText, current_language, gettext
from shared.web.translations import lazy_text as _

PATH = "/changes/take-back"
ResultT = TypeVar("ResultT")


class ShownLine(NamedTuple):
    """A field before and after, as people say it; "" is nothing. Of a set, what came in and what went."""

    what: str
    before: str
    after: str
    added: str = ""
    removed: str = ""


class ShownCard(NamedTuple):
    """What an edit did to one card."""

    title: str
    is_new: bool
    lines: tuple[ShownLine, ...]


class ShownEdit(NamedTuple):
    """An edit; `why_not` says why it cannot be taken back, "" when it can."""

    at_us: int
    who: str
    cards: tuple[ShownCard, ...]
    why_not: str
    command: str
    seen_at_us: int


class ShownChanges(NamedTuple):
    """The section of a page."""

    noun: str
    card: str
    zone: str
    edits: tuple[ShownEdit, ...]
    arrival: Arrival | None


def changes_of(request: Request, connection: Connection, subject: Subject) -> ShownChanges:
    """What a page shows of its subject. Raises NotPermitted."""
    context, actor = context_of(request), actor_of(request)
    edits = read_changes(connection, actor, subject)
    words = _words(connection, context.chain.currency, edits)
    places = branch_names(connection)
    return ShownChanges(
        str(subject.noun),
        format_id(subject.card_id),
        context.chain.timezone,
        tuple(_shown(edit, words, places) for edit in edits),
        arrival_of(connection, actor, subject),
    )


class Done(NamedTuple):
    """What a change returned, and where “Undo” goes; nowhere when nothing was changed."""

    result: Any
    undo: tuple[str, dict[str, str]] | None

    def notice(self, text: LazyText | str) -> Notice:
        """What was done, with the way back for ten seconds."""
        return Notice(text) if self.undo is None else Notice(text, *self.undo)


def change(
    request: Request, act: Callable[[Connection, int], ResultT], subject_of: Callable[[ResultT], Subject] | Subject
) -> Done:
    """One operation in a transaction of its own, which can be taken back right after."""

    def work(connection: Connection, now_us: int) -> Done:
        result = act(connection, now_us)
        subject = subject_of if isinstance(subject_of, Subject) else subject_of(result)
        command = edit_made_now(connection, subject, now_us)
        return Done(result, None if command is None else (PATH, _fields(subject, command)))

    return context_of(request).change(work)


def take_back_edit(request: Request) -> Response:
    """POST `noun`, `card`, `command`: the fields that it changed get their earlier values."""
    context, actor = context_of(request), actor_of(request)
    subject = Subject(parse_noun(text_of(request, "noun")), parse_id(text_of(request, "card")))
    command_id = parse_id(text_of(request, "command"))
    try:
        command = context.change(
            lambda connection, now_us: take_back(connection, context.ids, now_us, actor, subject, command_id)
        )
    except (NotPermitted, StoreError, NotFound):
        raise
    except FilialError as error:
        return _refused(request, subject, error)
    return see_other(
        request, _page_of(request, subject), Notice(_("It is taken back."), PATH, _fields(subject, command))
    )


def _refused(request: Request, subject: Subject, error: FilialError) -> Response:
    """Why not, and the changes to look at."""
    if isinstance(error, ChangedSince):
        error = _in_the_way(field_name(error.kind, error.field))
    failure = Failure(translate_error(error.message), translate_error(error.hint), status_of(error))
    with context_of(request).store.read() as connection:
        changes = changes_of(request, connection, subject)
    return render(
        request,
        "changes_refused.html",
        status_code=failure.status_code,
        failure=failure,
        changes=changes,
        back=_page_of(request, subject),
    )


def _in_the_way(field: str) -> Refused:
    """The same, naming the field as people do."""
    return Refused(
        f"“{field}” was changed again since, so this cannot be taken back.",
        "Look at what changed, and type the value that is wanted.",
    )


def _fields(subject: Subject, command_id: bytes) -> dict[str, str]:
    return {
        "noun": str(subject.noun),
        "card": format_id(subject.card_id),
        "command": format_id(command_id),
    }


def _page_of(request: Request, subject: Subject) -> str:
    """Where a subject is looked at."""
    match subject.noun:
        case Noun.PRODUCT:
            return f"/products/{format_id(subject.card_id)}"
        case Noun.EMPLOYEE:
            return f"/people/{format_id(subject.card_id)}"
        case Noun.REQUEST:
            return f"/requests/{format_id(subject.card_id)}"
        case Noun.TEMPLATE:
            return f"/templates/{format_id(subject.card_id)}"
        case Noun.DICTIONARIES | Noun.VAT | Noun.LOYALTY | Noun.PROMOTIONS:
            return f"/{subject.noun}"
    with context_of(request).store.read() as connection:
        return _page_by_code(connection, subject)


def _page_by_code(connection: Connection, subject: Subject) -> str:
    if subject.noun is Noun.BRANCH:
        return f"/branches/{branch_by_id(connection, subject.card_id).code}"
    table, place = (role, "/roles") if subject.noun is Noun.ROLE else (promotion, "/promotions")
    row = connection.execute(select(table.c.code, table.c.archived).where(table.c.id == subject.card_id)).one_or_none()
    return place if row is None or row.archived else f"{place}/edit?code={row.code}"


def _words(connection: Connection, currency: str, edits: list[OfficeEdit]) -> Words:
    asked = {edit.author for edit in edits}
    for edit in edits:
        for part in edit.parts:
            for each in part.changes:
                asked |= {value for value in (each.before, each.after) if isinstance(value, bytes)}
    roles = {each.code: each.name(current_language()) for each in all_roles(connection)}
    return Words(currency, people_names(connection, sorted(asked)), roles)


def _shown(edit: OfficeEdit, words: Words, places: dict[bytes, str]) -> ShownEdit:
    who = words.people.get(edit.author) or gettext("the command line")
    if edit.branch_id != HQ_ORIGIN:
        who = gettext("%(who)s, branch %(branch)s") % {"who": who, "branch": places.get(edit.branch_id, "?")}
    why_not = {
        Standing.STANDS: "",
        Standing.CHANGED_SINCE: gettext("changed again since"),
        Standing.SOLD_SINCE: gettext("sold since"),
        Standing.PERMANENT: gettext("cannot be taken back"),
    }[edit.standing]
    cards = tuple(_card(part, words) for part in edit.parts)
    return ShownEdit(
        edit.at_us,
        who,
        tuple(card for card in cards if card.is_new or card.lines),
        why_not,
        format_id(edit.command_id),
        edit.seen_at_us,
    )


def _card(part: CardPart, words: Words) -> ShownCard:
    kind, shown = part.kind, part.shown
    order = {each.field: each for each in part.changes}
    lines = []
    for field in [name for name in FIELD_NAMES.get(kind, {}) if name in order]:
        each = order[field]
        if each.before == each.after or (part.is_new and says_nothing(kind, field, each.after)):
            continue
        if isinstance(each.before, tuple) and isinstance(each.after, tuple):
            lines.append(_of_set(words, kind, field, each.before, each.after))
            continue
        before, after = (value_text(words, kind, field, value, shown) for value in (each.before, each.after))
        lines.append(ShownLine(field_name(kind, field), before, after))
    return ShownCard(card_title(words, kind, shown), part.is_new, tuple(lines))


def _of_set(words: Words, kind: int, field: str, before: tuple[str, ...], after: tuple[str, ...]) -> ShownLine:
    """A set is told by what came in and what went: of thirty permissions one."""

    def said(values: set[str]) -> str:
        value: Value = tuple(sorted(values))
        return value_text(words, kind, field, value, {})

    came, went = said(set(after) - set(before)), said(set(before) - set(after))
    return ShownLine(field_name(kind, field), "", "", came, went)


ALL_PROMOTIONS = Subject(Noun.PROMOTIONS, NIL_ID)
ALL_WORDS = Subject(Noun.DICTIONARIES, NIL_ID)
ALL_VAT_RATES = Subject(Noun.VAT, NIL_ID)
ALL_PROGRAMS = Subject(Noun.LOYALTY, NIL_ID)

ROUTES = (guarded(PATH, take_back_edit, "POST"),)
