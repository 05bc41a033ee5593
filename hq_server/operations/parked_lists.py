"""Parked entries as lists: why each waits, what is in it, and which others wait for it. Contains no decisions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select

from hq_server.operations.paging import PAGE_ROWS_MAX, Page
from hq_server.operations.parked import subject_of
from hq_server.operations.record_sight import Sight, names_of_ids, title_of
from hq_server.operations.verdicts import Given, standing_verdicts
from hq_server.storage.branches import BranchRow, all_branches, branch_by_code
from hq_server.storage.parking import DEPENDS_ON_PARKED, IS_SET_ASIDE, WITH_BYTES, parked_by_branch
from hq_server.storage.tables import journal_entry, parked_entry
from shared.domain.permissions import Actor, Permission, require
from shared.domain.sales import Refund, Sale, format_receipt
from shared.errors import DecodeError, NotFound
from shared.operations.cards import shown_fields
from shared.storage.card_rows import CardKey, load_states
from shared.sync.hlc import wall_ms
from shared.wire.cards import decode_state
from shared.wire.decoding import DecodedEntry, decode_entry
from shared.wire.entries import open_entry

DEPENDING_LOOKED_THROUGH_MAX: Final = 1_000
"""So many entries that wait for others are opened to say for which."""
LINES_SHOWN_MAX: Final = 20
"""So many records of an entry are told one by one."""


class RecordLine(NamedTuple):
    """One record of an entry: a receipt with its sum and day, or a card with the fields that were edited."""

    kind: int
    receipt: str = ""
    amount_minor: int | None = None
    currency: str = ""
    day: date | None = None
    card: CardKey | None = None
    title: str = ""
    fields: tuple[str, ...] = ()


class EntryShown(NamedTuple):
    """A parked entry. `at_us` is by the branch's clock; `kinds` counts all of its records, `lines` tells the first."""

    branch: BranchRow
    incarnation: bytes
    seq: int
    reason: str
    evidence: str
    author: str
    at_us: int | None
    parked_at_us: int
    resolved_at_us: int | None
    kinds: tuple[tuple[int, int], ...]
    lines: tuple[RecordLine, ...]
    waiting: tuple[int, ...]
    decided: Given | None


class ParkedPage(NamedTuple):
    """One page, and how many entries wait in which branch: each of these is incomplete."""

    page: Page[EntryShown]
    incomplete: tuple[tuple[BranchRow, int], ...]


class _Opened(NamedTuple):
    row: Any
    entry: DecodedEntry | None

    @property
    def cards(self) -> set[CardKey]:
        return set() if self.entry is None else {(kind, card_id) for kind, card_id, _ in self.entry.patches}


def list_entries(
    connection: Connection, actor: Actor, branch_code: str = "", set_aside: bool = False, page: int = 1
) -> ParkedPage:
    """What is parked, the oldest first; or what was set aside, the newest decision first.

    Raises NotPermitted, NotFound for a branch that there is not.
    """
    require(actor, Permission.RECORDS_REVIEW)
    condition = IS_SET_ASIDE if set_aside else parked_entry.c.resolved_at.is_(None)
    if branch_code:
        condition = condition & (parked_entry.c.branch_id == branch_by_code(connection, branch_code).id)
    statement = WITH_BYTES.where(condition)
    total = connection.execute(select(func.count()).select_from(statement.subquery())).scalar_one()
    pages = max(1, -(-total // PAGE_ROWS_MAX))
    number = min(max(page, 1), pages)
    first = parked_entry.c.resolved_at.desc() if set_aside else parked_entry.c.parked_at
    ordered = statement.order_by(first, parked_entry.c.branch_id, parked_entry.c.incarnation, parked_entry.c.seq)
    rows = connection.execute(ordered.limit(PAGE_ROWS_MAX).offset((number - 1) * PAGE_ROWS_MAX)).all()
    branches = {row.id: row for row in all_branches(connection)}
    waiting = parked_by_branch(connection)
    incomplete = tuple((row, waiting[row.id]) for row in branches.values() if row.id in waiting)
    shown = _shown(connection, Sight(actor), [_open(row) for row in rows], branches)
    return ParkedPage(Page(shown, number, pages, total), incomplete)


def read_entry(connection: Connection, actor: Actor, branch_id: bytes, incarnation: bytes, seq: int) -> EntryShown:
    """One of them, parked or set aside. Raises NotPermitted, NotFound."""
    require(actor, Permission.RECORDS_REVIEW)
    condition: ColumnElement[bool] = (
        (parked_entry.c.branch_id == branch_id)
        & (parked_entry.c.incarnation == incarnation)
        & (parked_entry.c.seq == seq)
    )
    is_open = parked_entry.c.resolved_at.is_(None) | IS_SET_ASIDE
    row = connection.execute(WITH_BYTES.where(condition, is_open)).one_or_none()
    if row is None:
        raise NotFound("This entry is not parked any more.", "Look at the list as it is now.")
    branches = {each.id: each for each in all_branches(connection)}
    return _shown(connection, Sight(actor), [_open(row)], branches)[0]


def _open(row: Any) -> _Opened:
    try:
        return _Opened(row, decode_entry(open_entry(row.data)))
    except DecodeError:
        return _Opened(row, None)


def _shown(
    connection: Connection, sight: Sight, opened: Sequence[_Opened], branches: Mapping[bytes, BranchRow]
) -> list[EntryShown]:
    keys = {key for each in opened for key in each.cards}
    fields = {key: shown_fields(key[0], decode_state(state)) for key, state in load_states(connection, keys).items()}
    owners = {value for shown in fields.values() for value in shown.values() if isinstance(value, bytes)}
    authors = {each.entry.opened.header.author for each in opened if each.entry is not None}
    names = names_of_ids(connection, sight, owners | authors)
    titles = {key: title_of(sight, key[0], shown, names) for key, shown in fields.items()}
    depending = _depending(connection, {each.row.branch_id for each in opened})
    decided = standing_verdicts(connection, [subject_of(each.row) for each in opened])
    return [
        EntryShown(
            branches[each.row.branch_id],
            each.row.incarnation,
            each.row.seq,
            each.row.reason,
            _evidence(sight, each.row),
            "" if each.entry is None else names.get(each.entry.opened.header.author, ""),
            None if each.entry is None else wall_ms(each.entry.opened.header.hlc) * 1_000,
            each.row.parked_at,
            each.row.resolved_at,
            _kinds(each.entry),
            _lines(each.entry, titles),
            _waiting(each, depending),
            decided.get(subject_of(each.row)),
        )
        for each in opened
    ]


def _evidence(sight: Sight, row: Any) -> str:
    """What was written down. A database quotes the row that it refuses, with the names and phones in it, from the
    second line on."""
    in_full = sight.sees_clients and sight.actor.may(Permission.CLIENT_CONTACTS)
    return str(row.evidence) if in_full else str(row.evidence).partition("\n")[0]


def _kinds(entry: DecodedEntry | None) -> tuple[tuple[int, int], ...]:
    """How many records of which kind, also of those that this release cannot read."""
    return () if entry is None else tuple(sorted(Counter(record.kind for record in entry.opened.records).items()))


def _lines(entry: DecodedEntry | None, titles: Mapping[CardKey, str]) -> tuple[RecordLine, ...]:
    if entry is None:
        return ()
    return tuple(each for _, each in zip(range(LINES_SHOWN_MAX), _records(entry, titles), strict=False))


def _records(entry: DecodedEntry, titles: Mapping[CardKey, str]) -> Iterable[RecordLine]:
    printed: dict[bytes, Sale | Refund] = {**dict(entry.sales), **dict(entry.refunds)}
    for figure in entry.figures:
        fact = printed.get(figure.record_id)
        line = RecordLine(figure.kind, day=figure.business_date)
        if fact is not None:
            receipt = format_receipt(fact.register, fact.receipt_number)
            line = line._replace(receipt=receipt, amount_minor=figure.amount_minor, currency=fact.currency)
        yield line
    for kind, card_id, patches in entry.patches:
        names = tuple(patch.field for patch in patches)
        yield RecordLine(kind, card=(kind, card_id), title=titles.get((kind, card_id), ""), fields=names)


def _depending(connection: Connection, branch_ids: set[bytes]) -> list[_Opened]:
    """Entries of these branches that wait for earlier ones of the same cards."""
    statement = (
        WITH_BYTES.where(
            parked_entry.c.branch_id.in_(sorted(branch_ids)),
            parked_entry.c.resolved_at.is_(None),
            parked_entry.c.reason == DEPENDS_ON_PARKED,
        )
        .order_by(journal_entry.c.seq)
        .limit(DEPENDING_LOOKED_THROUGH_MAX)
    )
    return [_open(row) for row in connection.execute(statement)] if branch_ids else []


def _waiting(opened: _Opened, depending: Iterable[_Opened]) -> tuple[int, ...]:
    row = opened.row
    return tuple(
        each.row.seq
        for each in depending
        if each.row.branch_id == row.branch_id
        and (each.row.parked_at, each.row.seq) > (row.parked_at, row.seq)
        and each.cards & opened.cards
    )
