"""The list of clients: searched or in the order of names, of oneself, of one's team or of all, by tag, group, archived.

Every list is read along an index and paged by the key of its last row, so that a page costs the same among ten clients
and a hundred thousand.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from branch_node.operations.client_search import find_listed, reach_here
from branch_node.storage.store import BranchStore
from shared.domain.client_matching import LABEL_END, CodeForm, label_key
from shared.domain.identifiers import format_id, parse_id
from shared.domain.permissions import Actor, Permission, require
from shared.domain.text_folding import fold
from shared.domain.visibility import Reach, sees, shown_document
from shared.operations.clients import client_rows, client_summary
from shared.operations.people import day_in_zone
from shared.storage.cursor_reading import CursorReader

LISTED_MAX: Final = 50
"""Rows of a page."""

FILTERED_HITS_MAX: Final = 500
"""Of a search with a tag or a group, so many of the best are looked through."""

LABELS_MAX: Final = 100
"""Tags or groups that a list offers."""

_LAST: Final = "\U0010ffff"


class Whose(StrEnum):
    """Of whom a list is."""

    ALL = "all"
    TEAM = "team"
    MINE = "mine"


class ClientQuery(NamedTuple):
    """What a list is asked for. `after` is the key of the last row before."""

    text: str = ""
    whose: Whose = Whose.ALL
    tag: str = ""
    group: str = ""
    archived: bool = False
    after: tuple[str, bytes] | None = None


class ListedClient(NamedTuple):
    """A row as the actor may see it. `is_open` is false for a client who is found by a full number alone."""

    client_id: str
    name: str
    phones: tuple[str, ...]
    details: str
    owner: str
    tags: tuple[str, ...]
    is_company: bool
    archived: bool
    do_not_contact: bool
    last_seen_us: int | None
    is_open: bool


class ClientPage(NamedTuple):
    """A page of a list; `next_key` is None on the last one."""

    clients: tuple[ListedClient, ...]
    next_key: tuple[str, bytes] | None
    whose: tuple[Whose, ...]
    """Of whom the actor may ask a list."""


def list_clients(store: BranchStore, actor: Actor, query: ClientQuery, limit: int = LISTED_MAX) -> ClientPage:
    """A page of the clients that the actor's lists show. Raises NotPermitted, InvalidInput for a text too long."""
    require(actor, Permission.CLIENT_VIEW)
    day = day_in_zone(store.clock.now_us(), store.node()[0].timezone)
    with store.read() as connection:
        reach = reach_here(CursorReader(connection.connection.cursor()), actor, day)
        documents, next_key = read_list(connection, narrowed(reach, query.whose), query, limit)
        owners = _names_of(connection, {row["owner"] for row in documents} - {None})
        seen = _last_seen(connection, [parse_id(row["id"]) for row in documents])
    clients = tuple(
        _listed(actor, row, owners, seen, reach.shows(parse_id(row["owner"]) if row["owner"] else None))
        for row in documents
    )
    return ClientPage(clients, next_key, _choices(reach))


def read_list(
    connection: Connection, reach: Reach, query: ClientQuery, limit: int
) -> tuple[list[dict[str, Any]], tuple[str, bytes] | None]:
    """The documents of a page, not masked, and the key of the next one."""
    if fold(query.text):
        return _search(connection, reach, query, limit), None
    keys = _keys(connection, reach, query, limit + 1)
    shown = keys[:limit]
    rows = client_rows(connection, [client_id for _, client_id in shown])
    documents = [client_summary(rows[client_id]) for _, client_id in shown]
    return documents, shown[-1] if len(keys) > limit else None


def labels_in_use(store: BranchStore, form: CodeForm) -> list[str]:
    """The tags (or groups) that clients have, by alphabet, folded: each found by a look-up of its own."""
    found: list[str] = []
    after = ""
    statement = "SELECT code FROM client_code WHERE form = ? AND code > ? ORDER BY code LIMIT 1"
    with store.read_cursor() as cursor:
        while len(found) < LABELS_MAX:
            row = cursor.execute(statement, (int(form), after)).fetchone()
            if row is None:
                break
            label = row[0].partition(LABEL_END)[0]
            found.append(label)
            after = label_key(label) + _LAST
    return found


def narrowed(reach: Reach, whose: Whose) -> Reach:
    """The part of a reach that a list is of."""
    if whose is Whose.MINE:
        return Reach(reach.mine, reach.mine, False)
    return reach if whose is Whose.ALL else reach._replace(everybody=False)


def _choices(reach: Reach) -> tuple[Whose, ...]:
    choices = [Whose.ALL] if reach.everybody else []
    return (*choices, *([Whose.TEAM] if reach.team > reach.mine else []), Whose.MINE)


def _search(connection: Connection, reach: Reach, query: ClientQuery, limit: int) -> list[dict[str, Any]]:
    is_filtered = bool(query.tag or query.group or query.archived)
    found = find_listed(connection, reach, query.text, FILTERED_HITS_MAX if is_filtered else limit)
    return [row for row in found if _fits(row, query)][:limit]


def _fits(row: dict[str, Any], query: ClientQuery) -> bool:
    return (
        (not query.archived or row["archived"])
        and (not query.tag or fold(query.tag) in map(fold, row["tags"]))
        and (not query.group or fold(query.group) == fold(row["group"] or ""))
    )


def _keys(connection: Connection, reach: Reach, query: ClientQuery, limit: int) -> list[tuple[str, bytes]]:
    """Sort keys and ids of a page, in their order."""
    after = query.after or ("", b"")
    if query.tag or query.group:
        return _labelled(connection, reach, query, after, limit)
    shown = "archived" if query.archived else "NOT archived AND merged_into IS NULL"
    if reach.owners is None:
        index = "client_put_away" if query.archived else "client_by_sort_key"
        sql = (
            f"SELECT sort_key, id FROM client INDEXED BY {index} "
            f"WHERE {shown} AND {_BEHIND} ORDER BY sort_key, id LIMIT {limit}"
        )
        return _run(connection, sql, after)
    # Each owner's clients stand in order in an index of their own: a few of each are enough.
    sql = (
        "SELECT sort_key, id FROM client INDEXED BY client_by_owner "
        f"WHERE owner_id = ? AND {shown} AND {_BEHIND} ORDER BY sort_key, id LIMIT {limit}"
    )
    found = [row for owner in sorted(reach.owners) for row in _run(connection, sql, (owner, *after))]
    return sorted(found)[:limit]


_BEHIND: Final = "(sort_key, id) > (?, ?)"


def _labelled(
    connection: Connection, reach: Reach, query: ClientQuery, after: tuple[str, bytes], limit: int
) -> list[tuple[str, bytes]]:
    form, label = (CodeForm.TAG, query.tag) if query.tag else (CodeForm.GROUP, query.group)
    conditions = ["c.archived" if query.archived else "NOT c.archived AND c.merged_into IS NULL"]
    parameters: list[Any] = [int(form), label_key(label, after[0]), after[1], label_key(label) + _LAST]
    if query.tag and query.group:
        conditions.append("EXISTS (SELECT 1 FROM client_code g WHERE g.form = ? AND g.code = ? || c.sort_key)")
        parameters += [int(CodeForm.GROUP), label_key(query.group)]
        conditions[-1] = conditions[-1].replace("c.sort_key)", "c.sort_key AND g.client_id = c.id)")
    if reach.owners is not None:
        conditions.append(f"c.owner_id IN ({', '.join('?' * len(reach.owners))})")
        parameters += sorted(reach.owners)
    sql = (
        "SELECT c.sort_key, c.id FROM client_code k CROSS JOIN client c ON c.id = k.client_id "
        "WHERE k.form = ? AND (k.code, k.client_id) > (?, ?) AND k.code < ? "
        f"AND {' AND '.join(conditions)} ORDER BY k.code, k.client_id LIMIT {limit}"
    )
    return _run(connection, sql, parameters)


def _run(connection: Connection, sql: str, parameters: Iterable[Any]) -> list[Any]:
    cursor: Any = connection.connection.cursor()
    return list(cursor.execute(sql, tuple(parameters)))


def _names_of(connection: Connection, employee_ids: set[str]) -> dict[str, str]:
    ids = [parse_id(each) for each in sorted(employee_ids)]
    sql = f"SELECT id, COALESCE(name, code, '') FROM employee WHERE id IN ({', '.join('?' * len(ids))})"
    return {format_id(employee_id): name for employee_id, name in _run(connection, sql, ids)}


def _last_seen(connection: Connection, client_ids: list[bytes]) -> dict[str, int]:
    """When they bought here or were spoken to last."""
    sql = (
        "SELECT id, MAX(COALESCE((SELECT MAX(sold_at) FROM sale WHERE client_id = c.id AND client_id IS NOT NULL), 0), "
        "COALESCE((SELECT MAX(at) FROM interaction i WHERE client_id = c.id AND withdrawn IS NULL AND NOT EXISTS "
        "(SELECT 1 FROM interaction w WHERE w.corrects_id = i.id AND w.withdrawn IS NOT NULL)), 0)) "
        f"FROM client c WHERE id IN ({', '.join('?' * len(client_ids))})"
    )
    return {format_id(client_id): at for client_id, at in _run(connection, sql, client_ids) if at}


def _listed(
    actor: Actor, row: dict[str, Any], owners: dict[str, str], seen: dict[str, int], is_open: bool
) -> ListedClient:
    shown = shown_document(actor, {**row, "name": row["name"] or row["external_id"] or ""})
    details = [row["group"] or "", *(shown["emails"] if sees(actor, "emails") else ())]
    return ListedClient(
        row["id"],
        shown["name"],
        tuple(shown["phones"]),
        " · ".join(filter(None, details)),
        owners.get(row["owner"] or "", ""),
        tuple(row["tags"]),
        row["kind"] == "company",
        row["archived"],
        row["do_not_contact"],
        seen.get(row["id"]),
        is_open,
    )


def place_of(store: BranchStore, client_id: bytes) -> tuple[str, bytes] | None:
    """Where a client stands in the order of names; None for one who is gone."""
    with store.read_cursor() as cursor:
        row = cursor.execute("SELECT sort_key, id FROM client WHERE id = ?", (client_id,)).fetchone()
    return None if row is None else (row[0], row[1])
