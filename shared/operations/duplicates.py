"""Finding clients who may be one: by what they share, never by comparing all with all. Alike at a branch and at HQ.

Contains no merging: what is found is proposed to somebody who decides.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import combinations
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, select

from shared.domain.duplicates import (
    WARNED_FROM,
    Likeness,
    Score,
    compare,
    is_certain,
    is_proposed,
    keys_of,
    proposes,
)
from shared.storage.client_keys import holders_of, shared_keys_after
from shared.storage.cursor_reading import Reader
from shared.storage.tables import client

KEY_CLIENTS_MAX: Final = 20
"""A phone that more clients share is a switchboard: only the oldest of them are compared."""
KEYS_PER_PAGE_MAX: Final = 200
PAIRS_PER_PAGE_MAX: Final = 50
SIMILAR_SHOWN_MAX: Final = 5

_COMPARED = (
    client.c.id,
    client.c.name,
    client.c.kind,
    client.c.phones,
    client.c.emails,
    client.c.tax_number,
    client.c.loyalty_number,
    client.c.birthday,
    client.c.company_id,
    client.c.not_same_as,
)
_OF_THESE = select(*_COMPARED).where(
    client.c.id.in_(bindparam("clients", expanding=True)),
    client.c.archived.is_(False),
    client.c.merged_into.is_(None),
)


class Proposal(NamedTuple):
    """Two clients who may be one; the older card first."""

    one: Likeness
    other: Likeness
    score: Score


class ProposalPage(NamedTuple):
    """Proposals, the most alike first. `after` goes on from here; "" at the end."""

    proposals: tuple[Proposal, ...]
    after: str


def proposals_after(reader: Reader, after: str = "") -> ProposalPage:
    """The next pairs in the order of what they share; a pair that shares several things comes once."""
    found: list[Proposal] = []
    keys = shared_keys_after(reader, after, KEYS_PER_PAGE_MAX)
    last = ""
    for key in keys:
        found += pairs_of_key(reader, key)
        last = key
        if len(found) >= PAIRS_PER_PAGE_MAX:
            break
    is_over = len(keys) < KEYS_PER_PAGE_MAX and last == (keys[-1] if keys else "")
    found.sort(key=lambda pair: (-pair.score.points, pair.one.client_id, pair.other.client_id))
    return ProposalPage(tuple(found), "" if is_over else last)


def all_proposals(reader: Reader) -> Iterator[Proposal]:
    """Every pair, in the order of what they share."""
    after = ""
    while keys := shared_keys_after(reader, after, KEYS_PER_PAGE_MAX):
        for key in keys:
            yield from pairs_of_key(reader, key)
        after = keys[-1]


def certain_pairs(reader: Reader) -> Iterator[Proposal]:
    """Those of them that may be merged without asking: see shared.domain.duplicates.is_certain."""
    return (pair for pair in all_proposals(reader) if is_certain(pair.one, pair.other))


def pairs_of_key(reader: Reader, key: str) -> list[Proposal]:
    """The pairs that share this and nothing that comes before it."""
    clients = _likenesses(reader, holders_of(reader, key, KEY_CLIENTS_MAX))
    keys = {each.client_id: {known for known in keys_of(each) if proposes(known)} for each in clients}
    found = []
    for one, other in combinations(clients, 2):
        score = compare(one, other)
        if is_proposed(score) and min(keys[one.client_id] & keys[other.client_id], default="") == key:
            found.append(Proposal(one, other, score))
    return found


def proposals_of(reader: Reader, client_id: bytes) -> list[Proposal]:
    """Who may be the same as this client, the most alike first."""
    own = next(iter(_likenesses(reader, [client_id])), None)
    if own is None:
        return []
    pairs = [Proposal(own, other, compare(own, other)) for other in _sharing(reader, own)]
    return sorted((pair for pair in pairs if is_proposed(pair.score)), key=lambda pair: -pair.score.points)


def similar_to(reader: Reader, typed: Likeness) -> list[Proposal]:
    """Whom somebody is about to enter once more: clients with the same phone, e-mail, number or name as what is typed.

    At most SIMILAR_SHOWN_MAX, the most alike first.
    """
    pairs = [Proposal(typed, other, compare(typed, other)) for other in _sharing(reader, typed, with_names=True)]
    alike = [pair for pair in pairs if pair.score.points >= WARNED_FROM]
    return sorted(alike, key=lambda pair: (-pair.score.points, pair.other.client_id))[:SIMILAR_SHOWN_MAX]


def _sharing(reader: Reader, own: Likeness, with_names: bool = False) -> list[Likeness]:
    keys = [key for key in keys_of(own) if with_names or proposes(key)]
    holders = {each for key in keys for each in holders_of(reader, key, KEY_CLIENTS_MAX)}
    return _likenesses(reader, holders - {own.client_id})


def _likenesses(reader: Reader, client_ids: Collection[bytes]) -> list[Likeness]:
    if not client_ids:
        return []
    rows: Iterable[Any] = reader.execute(_OF_THESE, {"clients": sorted(client_ids)})
    return sorted((_likeness(row) for row in rows), key=lambda each: each.client_id)


def _likeness(row: Any) -> Likeness:
    return Likeness(
        row.id,
        row.name or "",
        row.kind or "person",
        tuple((row.phones or "").split("\n")) if row.phones else (),
        tuple((row.emails or "").split("\n")) if row.emails else (),
        row.tax_number or "",
        row.loyalty_number or "",
        row.birthday or "",
        row.company_id,
        tuple((row.not_same_as or "").split("\n")) if row.not_same_as else (),
    )
