"""The chain's dictionaries: outcomes, themes and competitors – added, renamed, ordered, put away and brought back."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations.dictionaries import add_default_terms, add_term, change_term, list_terms, move_term
from hq_server.web import changes
from hq_server.web.context import context_of
from hq_server.web.forms import Failure, is_ticked, or_again, status, typed
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.dictionaries import TERM_NAME_CHARACTERS_MAX, Dictionary, Term
from shared.domain.permissions import Actor
from shared.web.formats import format_number
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import text_of
from shared.web.site import see_other
from shared.web.translations import LazyText
from shared.web.translations import lazy_text as _

TITLES: dict[str, LazyText] = {
    Dictionary.OUTCOME: _("Outcomes"),
    Dictionary.THEME: _("Themes"),
    Dictionary.COMPETITOR: _("Competitors"),
}
PURPOSES: dict[str, LazyText] = {
    Dictionary.OUTCOME: _("How a conversation ended. Those that it was for are its targets."),
    Dictionary.THEME: _("What clients speak about."),
    Dictionary.COMPETITOR: _("Whom clients compare us with."),
}
NOTHING = {"dictionary": "", "name": "", "name_en": "", "is_target": False}
_Work = Callable[[Connection, int, Actor], object]


def page(request: Request, failure: Failure | None = None) -> Response:
    """`/dictionaries`."""
    with context_of(request).store.read() as connection:
        known = list_terms(connection, actor_of(request))
        changed = changes.changes_of(request, connection, changes.ALL_WORDS)
    return render(
        request,
        "dictionaries.html",
        status_code=status(failure),
        failure=failure,
        shown={name: [term for term in terms if not term.archived] for name, terms in known.items()},
        put_away={name: [term for term in terms if term.archived] for name, terms in known.items()},
        titles=TITLES,
        changes=changed,
        purposes=PURPOSES,
        typed=typed(request, NOTHING),
        characters_max=TERM_NAME_CHARACTERS_MAX,
    )


@or_again(page)
def add(request: Request) -> Response:
    """POST `dictionary`, `name`, `name_en`, `is_target`."""
    dictionary = text_of(request, "dictionary")
    wanted = Term(dictionary, "", *_said(request))
    ids = context_of(request).ids
    done = _change(request, lambda connection, now_us, actor: add_term(connection, ids, now_us, wanted, actor))
    return _back(request, done.notice(_("The word is added. The branches learn it with their next contact.")))


@or_again(page)
def change(request: Request) -> Response:
    """POST `dictionary`, `code`, `name`, `name_en`, `is_target`: what was logged with the word shows the new name."""
    dictionary, code, ids = text_of(request, "dictionary"), text_of(request, "code"), context_of(request).ids
    name, name_en, is_target = _said(request)
    wanted = {"name": name, "name_en": name_en, "is_target": is_target}
    done = _change(
        request,
        lambda connection, now_us, actor: change_term(connection, ids, now_us, dictionary, code, wanted, actor),
    )
    return _back(request, done.notice(_("The word is changed.")))


@or_again(page)
def move(request: Request) -> Response:
    """POST `dictionary`, `code`, `do`: `up` or `down`."""
    dictionary, code, ids = text_of(request, "dictionary"), text_of(request, "code"), context_of(request).ids
    places = -1 if text_of(request, "do") == "up" else 1
    _change(
        request, lambda connection, now_us, actor: move_term(connection, ids, now_us, dictionary, code, places, actor)
    )
    return _back(request)


@or_again(page)
def put_away(request: Request) -> Response:
    """POST `dictionary`, `code`; with `back` the word is offered again."""
    dictionary, code, ids = text_of(request, "dictionary"), text_of(request, "code"), context_of(request).ids
    archived = not text_of(request, "back")
    done = _change(
        request,
        lambda connection, now_us, actor: change_term(
            connection, ids, now_us, dictionary, code, {"archived": archived}, actor
        ),
    )
    if not archived:
        return _back(request, done.notice(_("The word is offered again.")))
    return _back(request, done.notice(_("The word is put away. What was logged with it keeps it.")))


@or_again(page)
def default(request: Request) -> Response:
    """POST: the words that a chain may begin with."""
    ids, added = context_of(request).ids, []
    _change(request, lambda connection, now_us, actor: added.append(add_default_terms(connection, ids, now_us, actor)))
    return _back(request, Notice(_("Words added: %(count)s.", count=format_number(added[0]))))


def _said(request: Request) -> tuple[str, str, bool]:
    return text_of(request, "name"), text_of(request, "name_en"), is_ticked(request, "is_target")


def _change(request: Request, work: _Work) -> changes.Done:
    actor = actor_of(request)
    return changes.change(request, lambda connection, now_us: work(connection, now_us, actor), changes.ALL_WORDS)


def _back(request: Request, notice: Notice | None = None) -> Response:
    dictionary = text_of(request, "dictionary")
    return see_other(request, f"{PATH}#{dictionary}" if dictionary in TITLES else PATH, notice)


PATH = "/dictionaries"
ROUTES = (
    guarded(PATH, page),
    guarded(PATH, add, "POST"),
    guarded(f"{PATH}/change", change, "POST"),
    guarded(f"{PATH}/move", move, "POST"),
    guarded(f"{PATH}/away", put_away, "POST"),
    guarded(f"{PATH}/default", default, "POST"),
)
