"""One timeline of a client: what all sources know of all his cards, read for a page of keys. Alike at branch and HQ.

A few statements a page, each by an index, however long the client's history is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from sqlalchemy import bindparam, select

from shared.domain import timeline
from shared.domain.identifiers import format_id
from shared.domain.interactions import ClientTransfer, Interaction
from shared.domain.records import RecordKind
from shared.domain.sales import Refund, Sale, format_receipt
from shared.domain.timeline import (
    ASKED,
    Asked,
    LetterEntry,
    ReceiptEntry,
    Shown,
    SpokenEntry,
    TaskEntry,
    TimelineEntry,
    TimelineKey,
    TimelinePage,
    TransferEntry,
    What,
    newest_versions,
    standing,
)
from shared.errors import DecodeError
from shared.operations.aliases import read_card_group
from shared.operations.timeline_changes import read_changes
from shared.operations.timeline_facts import (
    People,
    Spoken,
    read_letters,
    read_neighbours,
    read_people,
    read_receipts,
    read_spoken,
    read_tasks,
    read_transfers,
    states_of_tasks,
)
from shared.operations.timeline_keys import KeyRow, read_keys
from shared.storage.cursor_reading import Reader
from shared.storage.tables import client
from shared.wire.payloads import decode_branch_fact, decode_refund, decode_sale

ENTRIES_SHOWN_MAX: Final = 20
GOODS_NAMED_MAX: Final = 3
ROUNDS_MAX: Final = 5
"""How often a page is filled up where a filter leaves out most of what other branches recorded."""

_NUMBERS = select(client.c.external_id).where(
    client.c.id.in_(bindparam("members", expanding=True, type_=client.c.id.type))
)

BranchCode = Callable[[bytes], str]
"""How a branch is called, by its id; "" where it is not to be named."""


class Cards(NamedTuple):
    """The cards of a client, and the numbers that sales may give instead of them."""

    members: tuple[bytes, ...]
    names: tuple[str, ...]


def read_cards(reader: Reader, client_id: bytes) -> Cards:
    """The cards that stand for the same client as this one."""
    members = read_card_group(reader, client_id).members
    external = reader.execute(_NUMBERS, {"members": members}).scalars()
    return Cards(members, (*map(format_id, members), *sorted(name for name in external if name)))


def read_timeline(
    reader: Reader,
    cards: Cards,
    branch_code: BranchCode,
    shown: Shown = Shown.ALL,
    after: TimelineKey | None = None,
    entries_max: int = ENTRIES_SHOWN_MAX,
) -> TimelinePage:
    """The next entries, newest first. The last page has nothing further."""
    asked, found, key = ASKED[shown], list[TimelineEntry](), after
    for _round in range(ROUNDS_MAX):
        rows = read_keys(reader, cards.members, cards.names, asked, key, entries_max + 1)
        found += _entries(reader, cards, rows, asked, shown, branch_code)
        if len(found) > entries_max:
            kept = found[:entries_max]
            return TimelinePage(tuple(kept), kept[-1].key)
        if len(rows) <= entries_max:
            return TimelinePage(tuple(found), None)
        key = rows[-1].key
    return TimelinePage(tuple(found), key)


def _entries(
    reader: Reader,
    cards: Cards,
    rows: Sequence[KeyRow],
    asked: Asked,
    shown: Shown,
    branch_code: BranchCode,
) -> list[TimelineEntry]:
    """What the keys mean; those that are not asked for, or whose place another takes, are left out."""
    if not rows:
        return []
    page = _Page(reader, cards, rows)
    entries: dict[TimelineKey, TimelineEntry] = {}
    for row in rows:
        known = page.what(row)
        if known is None or not _is_asked(known.what, asked, shown):
            continue
        code = known.branch_code or (branch_code(row.branch_id) if row.branch_id else "")
        entries.setdefault(row.key, TimelineEntry(row.key, row.branch_id or b"", code, known.who, known.what))
    return list(entries.values())


def _is_asked(what: What, asked: Asked, shown: Shown) -> bool:
    if isinstance(what, SpokenEntry):
        return asked.has(what.said)
    if shown is Shown.PURCHASES:
        return isinstance(what, ReceiptEntry)
    if shown is Shown.CHANGES:
        return not isinstance(what, ReceiptEntry)
    return shown in (Shown.ALL, Shown.TASKS) or isinstance(what, LetterEntry)


class _Known(NamedTuple):
    """What a key means, who did it, and the branch's code where the row says it."""

    what: What
    who: str
    branch_code: str = ""


class _Page:
    """Everything that the keys of one page need, read by a statement a source."""

    def __init__(self, reader: Reader, cards: Cards, rows: Sequence[KeyRow]) -> None:
        by_source: dict[int, list[KeyRow]] = {}
        for row in rows:
            by_source.setdefault(row.source, []).append(row)
        self._reader = reader
        neighbours = by_source.get(timeline.NEIGHBOUR, [])
        spoken_at = {row.at_us for row in by_source.get(timeline.INTERACTION, [])}
        spoken_at |= {row.at_us for row in neighbours if row.kind == RecordKind.INTERACTION}
        self._receipts = read_receipts(reader, by_source, GOODS_NAMED_MAX)
        self._transfers = read_transfers(reader, by_source.get(timeline.TRANSFER, []))
        self._neighbours = read_neighbours(reader, cards.members, {*spoken_at, *(row.at_us for row in neighbours)})
        self._spoken: dict[bytes, Spoken] = read_spoken(reader, cards.members, spoken_at)
        self._facts = {key: _decode(each.kind, each.payload) for key, each in self._neighbours.items()}
        for key, fact in self._facts.items():
            if isinstance(fact, Interaction):
                each = self._neighbours[key]
                self._spoken.setdefault(each.fact_id, Spoken(each.branch_code, fact))
        self._versions = newest_versions(standing({identity: each.said for identity, each in self._spoken.items()}))
        requested = [each.said.next_task_id for each in self._spoken.values() if each.said.next_task_id]
        self._states = states_of_tasks(reader, requested)
        self._tasks = read_tasks(reader, by_source.get(timeline.TASK, []))
        self._letters = read_letters(reader, by_source.get(timeline.LETTER, []))
        self._changes = read_changes(reader, cards.members) if timeline.CHANGE in by_source else {}
        self._people = self._read_people()

    def what(self, row: KeyRow) -> _Known | None:
        """What a key means; None when another takes its place, or nothing of it is to be shown."""
        match row.source:
            case timeline.SALE | timeline.SALE_BY_NAME | timeline.REFUND | timeline.REFUND_BY_NAME:
                receipt = self._receipts.get((row.branch_id or b"", row.id))
                return None if receipt is None else _Known(receipt, self._people.name(receipt.cashier))
            case timeline.INTERACTION:
                return self._talk(row.id)
            case timeline.NEIGHBOUR:
                return self._elsewhere(row)
            case timeline.TRANSFER:
                transfer = self._transfers.get((row.branch_id or b"", row.id))
                return None if transfer is None else self._hand_over(transfer)
            case timeline.CHANGE:
                change = self._changes.get((row.id, row.branch_id or b""))
                return None if change is None else _Known(change.entry, self._people.name_of(change.author))
            case timeline.TASK:
                return self._done(row.id)
            case _:
                return self._letter(row.id)

    def _talk(self, identity: bytes, branch_code: str = "") -> _Known | None:
        known = self._spoken.get(identity)
        if known is None or identity not in self._versions:
            return None
        earlier = tuple(self._spoken[each].said for each in self._versions[identity])
        asked = (each.next_task_id for each in (known.said, *earlier))
        request_id = next((each for each in asked if each in self._states), None)
        state = None if request_id is None else self._states[request_id]
        who = self._people.name(known.said.employee)
        return _Known(SpokenEntry(known.said, earlier, request_id, state), who, branch_code)

    def _elsewhere(self, row: KeyRow) -> _Known | None:
        key = (row.branch_id or b"", row.kind or 0, row.id)
        each = self._neighbours.get(key)
        if each is None:
            return None
        if row.kind == RecordKind.INTERACTION:
            return self._talk(row.id, each.branch_code)
        fact = self._facts[key]
        if isinstance(fact, Sale | Refund):
            receipt = receipt_entry(fact)
            return _Known(receipt, self._people.name(receipt.cashier), each.branch_code)
        if isinstance(fact, ClientTransfer):
            return self._hand_over(fact, each.branch_code)
        return None

    def _hand_over(self, fact: ClientTransfer, branch_code: str = "") -> _Known:
        name_of = self._people.name_of
        entry = TransferEntry(fact, name_of(fact.from_employee_id), name_of(fact.to_employee_id))
        return _Known(entry, self._people.name(fact.employee), branch_code)

    def _done(self, identity: bytes) -> _Known | None:
        row = self._tasks.get(identity)
        if row is None:
            return None
        who = self._people.name_of(row.done_by)
        return _Known(TaskEntry(row.type or "", row.title or "", row.outcome or ""), who)

    def _letter(self, identity: bytes) -> _Known | None:
        row = self._letters.get(identity)
        if row is None:
            return None
        who = self._people.name_of(row.created_by)
        entry = LetterEntry(
            row.direction or "",
            row.purpose or "",
            row.address or "",
            row.subject or "",
            row.body or "",
            row.state or "",
            row.detail or "",
        )
        return _Known(entry, who)

    def _read_people(self) -> People:
        codes = {receipt.cashier for receipt in self._receipts.values()}
        codes |= {each.said.employee for each in self._spoken.values()}
        ids = {row.done_by for row in self._tasks.values()} | {row.created_by for row in self._letters.values()}
        ids |= {each.author for each in self._changes.values()}
        transfers = list(self._transfers.values())
        for fact in self._facts.values():
            if isinstance(fact, ClientTransfer):
                transfers.append(fact)
            elif isinstance(fact, Sale | Refund):
                codes.add(fact.cashier)
        for fact in transfers:
            codes.add(fact.employee)
            ids |= {fact.from_employee_id, fact.to_employee_id}
        return read_people(self._reader, codes, ids)


def receipt_entry(fact: Sale | Refund) -> ReceiptEntry:
    """A receipt as the timeline shows it."""
    amount = sum(line.amount_minor for line in fact.lines) + fact.rounding_minor
    names = tuple(line.name or line.sku for line in fact.lines[:GOODS_NAMED_MAX])
    number = format_receipt(fact.register, fact.receipt_number)
    return ReceiptEntry(isinstance(fact, Refund), number, amount, fact.currency, names, len(fact.lines), fact.cashier)


def _decode(kind: int, payload: bytes) -> object:
    """A fact of another branch; None for what this release does not understand."""
    try:
        match kind:
            case RecordKind.SALE:
                return decode_sale(payload)
            case RecordKind.REFUND:
                return decode_refund(payload)
            case _:
                return decode_branch_fact(kind, payload)
    except DecodeError:
        return None
