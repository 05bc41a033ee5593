"""The chain's dictionaries at the head office: words added, renamed, moved, put away; told to every branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from hq_server.operations.editing import HqEdit
from hq_server.operations.founding import read_chain
from hq_server.storage.feed import EVERYONE
from shared.clock import Ids
from shared.domain.cards import Value
from shared.domain.dictionaries import (
    DEFAULT_TERMS,
    TERMS_PER_DICTIONARY_MAX,
    Dictionaries,
    Dictionary,
    Term,
    code_from_name,
    require_term,
    term_id,
)
from shared.domain.identifiers import shorten
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor, Permission, require
from shared.domain.records import RecordKind
from shared.errors import InvalidInput, NotFound
from shared.operations.dictionaries import read_dictionaries


def list_terms(connection: Connection, actor: Actor = LOCAL_ADMINISTRATOR) -> Dictionaries:
    """Every word by dictionary, those put away last. Raises NotPermitted."""
    require(actor, Permission.DICTIONARY_EDIT)
    known = read_dictionaries(connection, with_archived=True)
    return {dictionary: sorted(terms, key=lambda term: term.archived) for dictionary, terms in known.items()}


def add_term(connection: Connection, ids: Ids, now_us: int, term: Term, actor: Actor = LOCAL_ADMINISTRATOR) -> Term:
    """Adds a word at the end of its dictionary; without a code it is given one from its name.

    A word of that code that was put away comes back under the new name. Raises NotPermitted, InvalidInput.
    """
    require(actor, Permission.DICTIONARY_EDIT)
    known = _terms_of(connection, term.dictionary)
    code = term.code or code_from_name(term.name_en or term.name, [each.code for each in known])
    wanted = require_term(term._replace(code=code, archived=False, place=_last_place(known) + 1))
    shown = [each for each in known if not each.archived]
    if any(each.code == code for each in shown):
        raise InvalidInput(f"There is a word with the code {code} already.", "Rename that one, or take another code.")
    if len(shown) >= TERMS_PER_DICTIONARY_MAX:
        raise InvalidInput(
            f"A dictionary has at most {TERMS_PER_DICTIONARY_MAX} words.", "Put away those that nobody needs."
        )
    _save(connection, ids, now_us, actor, [wanted])
    return wanted


def change_term(
    connection: Connection,
    ids: Ids,
    now_us: int,
    dictionary: str,
    code: str,
    changes: Mapping[str, Any],
    actor: Actor = LOCAL_ADMINISTRATOR,
) -> bool:
    """Renames a word, says whether it is a target, puts it away or brings it back; false when it is so already.

    `changes` may hold name, name_en, is_target, archived. Raises NotPermitted, NotFound, InvalidInput.
    """
    require(actor, Permission.DICTIONARY_EDIT)
    found = _find(_terms_of(connection, dictionary), dictionary, code)
    wanted = require_term(found._replace(**changes))
    return _save(connection, ids, now_us, actor, [wanted]) > 0


def move_term(
    connection: Connection,
    ids: Ids,
    now_us: int,
    dictionary: str,
    code: str,
    places: int,
    actor: Actor = LOCAL_ADMINISTRATOR,
) -> bool:
    """Moves a word so many places down among those that are offered, or up where that is negative; not past the ends.

    Raises NotPermitted, NotFound.
    """
    require(actor, Permission.DICTIONARY_EDIT)
    shown = [each for each in _terms_of(connection, dictionary) if not each.archived]
    found = _find(shown, dictionary, code)
    here = shown.index(found)
    there = min(max(here + places, 0), len(shown) - 1)
    shown.insert(there, shown.pop(here))
    placed = [each._replace(place=place) for place, each in enumerate(shown, 1)]
    return _save(connection, ids, now_us, actor, placed) > 0


def add_default_terms(connection: Connection, ids: Ids, now_us: int, actor: Actor = LOCAL_ADMINISTRATOR) -> int:
    """Adds the words that a chain may begin with, each that was never there; returns how many. Raises NotPermitted."""
    require(actor, Permission.DICTIONARY_EDIT)
    known = read_dictionaries(connection, with_archived=True)
    taken = {(term.dictionary, term.code) for terms in known.values() for term in terms}
    missing = [term for term in DEFAULT_TERMS if (str(term.dictionary), term.code) not in taken]
    last = {dictionary: _last_place(terms) for dictionary, terms in known.items()}
    placed = [term._replace(place=last[str(term.dictionary)] + term.place) for term in missing]
    return _save(connection, ids, now_us, actor, placed)


def _terms_of(connection: Connection, dictionary: str) -> list[Term]:
    known = read_dictionaries(connection, with_archived=True).get(dictionary)
    if known is None:
        raise InvalidInput(f"There is no dictionary “{shorten(dictionary)}”.", f"There are: {', '.join(Dictionary)}.")
    return known


def _find(terms: Sequence[Term], dictionary: str, code: str) -> Term:
    for term in terms:
        if term.code == code:
            return term
    raise NotFound(
        f"There is no word “{shorten(code)}” in that dictionary.", f"See: filial-hq dictionary list {dictionary}"
    )


def _last_place(terms: Sequence[Term]) -> int:
    return max((term.place for term in terms), default=0)


def _save(connection: Connection, ids: Ids, now_us: int, actor: Actor, terms: Sequence[Term]) -> int:
    """One edit of all of them; returns how many cards changed."""
    chain_id = read_chain(connection).chain_id
    edit = HqEdit(connection, ids, now_us, actor.employee_id)
    prepared = []
    for term in terms:
        values: dict[str, Value] = {**term._asdict(), "dictionary": str(term.dictionary)}
        values["name_en"] = term.name_en or None
        values["name"] = term.name or None
        card = edit.prepare(RecordKind.DICTIONARY_TERM, term_id(chain_id, str(term.dictionary), term.code), values)
        if card is not None:
            prepared.append(card)
    return edit.apply(prepared, {card.card_id: EVERYONE for card in prepared})
