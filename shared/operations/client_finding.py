"""Finding clients by whatever people remember of them: the best matches first, by index lookups alone.

What fits best is asked first, and nothing that fits worse once there is enough: whole words, beginnings, parts, typos;
each as it was typed, then as the same keys give it with the other keyboard layout on.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from shared.domain.client_matching import (
    PART_CHARACTERS_MIN,
    CodeForm,
    CodeKey,
    Match,
    Term,
    code_ranges,
    digits_of,
    is_number,
    is_typo,
    match_of,
    spellings_of,
    terms_of,
    typo_keys,
)
from shared.domain.text_folding import fold
from shared.errors import InvalidInput

FOUND_MAX: Final = 50
FOUND_BY_CHARACTERS_MAX: Final = 200
CANDIDATES_MAX: Final = 1_000
"""Clients that are put in order for one way to match: of a name that thousands have, not all are looked at."""

WORDS_A_TERM_MAX: Final = 300
NAME_DIGITS_MAX: Final = 4
"""Digits that may be of a name, as a company's; more are a number."""

TYPO_WORDS_MAX: Final = 100
TYPOS_BELOW_HITS: Final = 10
"""Typos are looked for where fewer clients than this fit as it was typed."""

MERGES_FOLLOWED_MAX: Final = 8
_STAGES: Final = (Match.EXACT, Match.SOUND, Match.PREFIX, Match.PART, Match.TYPO)
_LAST: Final = "\U0010ffff"

Condition = tuple[str, list[Any]]
"""SQL that yields client ids, and its parameters."""


class Restriction(NamedTuple):
    """Whose clients are found: those of these employees."""

    owners: tuple[bytes, ...]


class Hit(NamedTuple):
    """A client that was found, and how well it fits."""

    client_id: bytes
    match: Match


@dataclass(slots=True)
class _Search:
    """One search in progress."""

    connection: Connection
    limit: int
    restriction: Restriction | None
    with_recent: bool
    hits: dict[bytes, Match] = field(default_factory=dict)
    put_away: dict[bytes, Match] = field(default_factory=dict)

    def rows(self, sql: str, parameters: Sequence[Any]) -> list[Any]:
        """The driver's own rows: a search asks a dozen little questions."""
        if self.connection.dialect.name == "sqlite":
            cursor: Any = self.connection.connection.cursor()
            return list(cursor.execute(sql, parameters))
        adapted = tuple(uuid.UUID(bytes=each) if isinstance(each, bytes) else each for each in parameters)
        return list(self.connection.exec_driver_sql(sql.replace("?", "%s"), adapted))


@dataclass(slots=True)
class _Words:
    """The words of the index that a word of the search may mean, by how well they fit; looked up as they are needed."""

    search: _Search
    term: Term
    found: dict[str, Match] = field(default_factory=dict)
    looked_up: set[Match] = field(default_factory=set)

    def up_to(self, match: Match) -> list[str]:
        for stage, look_up in ((Match.PREFIX, self._begin), (Match.PART, self._hold), (Match.TYPO, self._resemble)):
            if stage not in self.looked_up and (match >= stage or stage is Match.PREFIX):
                self.looked_up.add(stage)
                look_up()
        return [word for word, how in self.found.items() if how <= match]

    def _begin(self) -> None:
        for form in dict.fromkeys((self.term.word, self.term.skeleton)):
            for word in self._with_part(False, form):
                self.found.setdefault(word, match_of(self.term, word))

    def _hold(self) -> None:
        for form in dict.fromkeys((self.term.word, self.term.skeleton)):
            if len(form) >= PART_CHARACTERS_MIN:
                for word in self._with_part(True, form):
                    self.found.setdefault(word, Match.PART)

    def _resemble(self) -> None:
        keys = sorted(typo_keys(self.term.word))
        if keys:
            # Those first that have the most in common with what was typed.
            sql = (
                f"SELECT word FROM client_word_typo WHERE key IN ({_marks(keys)}) "
                f"GROUP BY word ORDER BY COUNT(*) DESC, word LIMIT {TYPO_WORDS_MAX}"
            )
            for (word,) in self.search.rows(sql, keys):
                if word not in self.found and is_typo(self.term, word):
                    self.found[word] = Match.TYPO

    def _with_part(self, inner: bool, part: str) -> list[str]:
        if not part:
            return []
        sql = (
            'SELECT word FROM client_word_part WHERE "inner" = ? AND part >= ? AND part < ? '
            f"ORDER BY part LIMIT {WORDS_A_TERM_MAX}"
        )
        return [word for (word,) in self.search.rows(sql, (inner, part, part + _LAST))]


class _Spelling(NamedTuple):
    """What was typed, read once for all stages: the codes that it may be, and its words if it may be a name."""

    codes: Mapping[Match, Collection[CodeKey]]
    words: list[_Words]
    is_name: bool

    @classmethod
    def of(cls, search: _Search, text: str) -> _Spelling:
        digits = digits_of(text)
        # An e-mail, or a phone that is written in groups, is no name; several words without digits are no code.
        is_name = "@" not in text and not (is_number(text) and len(digits) > NAME_DIGITS_MAX)
        codes = code_ranges(text) if digits or " " not in fold(text) else {}
        return cls(codes, [_Words(search, term) for term in terms_of(text)], is_name)


def find_hits(
    connection: Connection,
    text: str,
    limit: int = FOUND_MAX,
    restriction: Restriction | None = None,
    with_recent: bool = False,
) -> list[Hit]:
    """The clients that fit best, best first; archived ones last, a merged card as the client it was merged into.

    `with_recent` puts those first, of equals, who bought or were spoken to last: at a branch, whose sales are its own.
    Raises InvalidInput for a text that is empty or too long.
    """
    if len(text) > FOUND_BY_CHARACTERS_MAX:
        raise InvalidInput(f"Clients are found by at most {FOUND_BY_CHARACTERS_MAX} characters.")
    if not fold(text):
        raise InvalidInput("Say whom to find: a part of a name, a phone, an e-mail or an external id.")
    search = _Search(connection, limit, restriction, with_recent)
    spellings = [_Spelling.of(search, spelling) for spelling in spellings_of(text)]
    for stage in _STAGES:
        for spelling in spellings:
            for conditions in _ways(stage, spelling):
                _add(search, stage, _matching(search, conditions))
                if len(search.hits) >= limit:
                    return _in_order(search)
        if stage is Match.PART:
            _add_contacts(search)
            if len(search.hits) >= TYPOS_BELOW_HITS:
                break
    return _in_order(search)


def clients_with_number(connection: Connection, text: str) -> list[bytes]:
    """The clients that have exactly this phone, card or number: a full one, as a person at the counter says it."""
    keys = _whole_numbers(text)
    search = _Search(connection, FOUND_MAX, None, False)
    return [_bytes(row[0]) for row in _ordered(search, _codes(keys, whole=True))] if keys else []


def _whole_numbers(text: str) -> set[CodeKey]:
    exact = code_ranges(text)[Match.EXACT]
    return {key for key in exact if key.form is not CodeForm.EMAIL}


def _ways(stage: Match, spelling: _Spelling) -> Iterable[list[Condition]]:
    """The ways in which a client may fit at this stage: each as conditions that hold together."""
    keys = spelling.codes.get(stage)
    if keys:
        yield [_codes(keys, whole=stage is Match.EXACT)]
    if not spelling.is_name:
        return
    conditions, words = [], spelling.words
    for each in words:
        alternatives = []
        found = each.up_to(stage)
        if found:
            sql = f"SELECT client_id FROM client_word WHERE word IN ({_marks(found)})"
            alternatives.append((sql, list(found)))
        if len(words) > 1 and is_number(each.term.word):
            by_stage = code_ranges(each.term.word)
            numbers = {key for how, keys in by_stage.items() if Match.EXACT < how <= stage for key in keys}
            alternatives += [_codes(numbers, whole=False)] if numbers else []
        if not alternatives:
            return
        conditions.append(_either(alternatives))
    if conditions:
        yield conditions


def _codes(keys: Iterable[CodeKey], whole: bool) -> Condition:
    parts: list[Condition] = []
    for form, code in sorted(keys):
        if whole:
            parts.append(("SELECT client_id FROM client_code WHERE form = ? AND code = ?", [int(form), code]))
        else:
            sql = "SELECT client_id FROM client_code WHERE form = ? AND code >= ? AND code < ?"
            parts.append((sql, [int(form), code, code + _LAST]))
    return _either(parts)


def _either(alternatives: list[Condition]) -> Condition:
    sql = " UNION ALL ".join(sql for sql, _ in alternatives)
    return sql, [parameter for _, parameters in alternatives for parameter in parameters]


def _matching(search: _Search, conditions: list[Condition]) -> list[Any]:
    """Rows of the clients for whom all conditions hold. The rarest yields them, the others are probed."""
    if len(conditions) > 1:
        conditions = sorted(conditions, key=lambda condition: _count(search, condition))
    (sql, parameters), *others = conditions
    if others:
        sql = f"SELECT client_id FROM ({sql}) AS rarest WHERE TRUE"
        parameters = list(parameters)
        for other_sql, other_parameters in others:
            probe = " UNION ALL ".join(f"{part} AND client_id = rarest.client_id" for part in _parts(other_sql))
            sql += f" AND EXISTS ({probe})"
            parameters += other_parameters
    return _ordered(search, (sql, parameters))


def _parts(sql: str) -> list[str]:
    return sql.split(" UNION ALL ")


def _count(search: _Search, condition: Condition) -> int:
    sql, parameters = condition
    return int(search.rows(f"SELECT COUNT(*) FROM ({sql} LIMIT {CANDIDATES_MAX}) AS counted", parameters)[0][0])


def _ordered(search: _Search, condition: Condition) -> list[Any]:
    """Id, whether archived, what it was merged into; those first who are not archived, were here last, by name."""
    sql, parameters = condition
    if search.restriction is not None:
        owners = search.restriction.owners
        sql = (
            f"SELECT client_id FROM ({sql}) AS anybody "
            f"WHERE client_id IN (SELECT id FROM client WHERE owner_id IN ({_marks(owners)}))"
        )
        parameters = [*parameters, *owners]
    recent = _RECENT if search.with_recent else "0"
    sql = (
        f"SELECT c.id, c.archived, c.merged_into, {recent} AS recent "
        f"FROM (SELECT DISTINCT client_id FROM ({sql}) AS found LIMIT {CANDIDATES_MAX}) AS candidate "
        "JOIN client c ON c.id = candidate.client_id "
        f"ORDER BY c.archived, recent DESC, c.sort_key, c.id LIMIT {search.limit + len(search.hits)}"
    )
    return search.rows(sql, parameters)


# When a client was at this branch last: only its own sales and interactions are in its store. Branches are on SQLite.
_RECENT: Final = (
    "MAX(COALESCE((SELECT MAX(sold_at) FROM sale WHERE client_id = c.id AND client_id IS NOT NULL), 0), "
    "COALESCE((SELECT MAX(at) FROM interaction WHERE client_id = c.id), 0))"
)


def _add(search: _Search, match: Match, rows: Iterable[Any]) -> None:
    for client_id, archived, merged_into, *_ in rows:
        if len(search.hits) >= search.limit:
            return
        survivor = None if merged_into is None else _survivor(search, merged_into)
        if survivor is not None:
            search.hits.setdefault(survivor, match)
        elif archived or merged_into is not None:
            search.put_away.setdefault(_bytes(client_id), match)
        else:
            search.hits.setdefault(_bytes(client_id), match)


def _survivor(search: _Search, client_id: Any) -> bytes | None:
    """The client that a card was merged into in the end; None when it is not here, or this search must not find it."""
    for _ in range(MERGES_FOLLOWED_MAX):
        rows = search.rows("SELECT id, merged_into, owner_id FROM client WHERE id = ?", [_bytes(client_id)])
        if not rows:
            return None
        found, client_id, owner_id = rows[0]
        if client_id is None:
            owners = None if search.restriction is None else search.restriction.owners
            is_meant = owners is None or (owner_id is not None and _bytes(owner_id) in owners)
            return _bytes(found) if is_meant else None
    return None


def _add_contacts(search: _Search) -> None:
    """People who are contacts of a company that was found."""
    if search.hits:
        companies = list(search.hits)
        sql = f"SELECT id AS client_id FROM client WHERE company_id IN ({_marks(companies)})"
        _add(search, Match.COMPANY, _ordered(search, (sql, companies)))


def _in_order(search: _Search) -> list[Hit]:
    hits = {**search.hits, **{each: how for each, how in search.put_away.items() if each not in search.hits}}
    return [Hit(client_id, match) for client_id, match in hits.items()][: search.limit]


def _bytes(value: Any) -> bytes:
    found: bytes = value.bytes if isinstance(value, uuid.UUID) else value
    return found


def _marks(values: Collection[Any]) -> str:
    return ", ".join("?" * len(values))
