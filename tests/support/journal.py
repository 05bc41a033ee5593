"""A branch's journal without a branch: entries and batches as they would arrive at the head office."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from shared.clock import Ids
from shared.domain.business_time import LocalMoment, parse_local
from shared.domain.cards import Value
from shared.domain.identifiers import NIL_ID
from shared.domain.records import Record, RecordKind
from shared.domain.sales import CASH, Payment, Refund, RefundLine, Sale, SaleLine
from shared.domain.shifts import MethodTotal, ShiftClose
from shared.sync.card_merge import FieldPatch
from shared.sync.chain import EntryHeader, Head, hash_genesis
from shared.sync.hlc import next_stamp
from shared.sync.messages import Batch
from shared.wire.cards import encode_patch
from shared.wire.entries import seal_entry
from shared.wire.payloads import encode_sale
from tests.support.clock import FakeClock

ZONE = "Europe/Moscow"


def line(
    sku: str = "100", amount: int = 50, quantity: int = 1, discount: int = 0, category: str | None = None
) -> SaleLine:
    """One line; quantity in pieces."""
    return SaleLine(sku, None, category, quantity * 1_000, amount, discount)


def sale(
    number: int,
    lines: Iterable[SaleLine] = (),
    sold_at: str = "2026-11-20T12:00:00",
    register: str = "1",
    cashier: str = "anna",
    client: str | None = None,
) -> Sale:
    """A sale paid in cash, to the kopeck."""
    kept = tuple(lines) or (line(),)
    moment: LocalMoment = parse_local(sold_at, ZONE, "sold_at")
    day: date = moment.business_date
    total = sum(each.amount_minor for each in kept)
    return Sale(
        b"s" * 16, register, number, cashier, client, None, moment, day, "RUB", kept, (Payment(CASH, total),), 0
    )


def refund(
    number: int,
    sale_id: bytes | None,
    lines: Iterable[tuple[int, SaleLine]],
    refunded_at: str = "2026-11-20T15:00:00",
    cashier: str = "anna",
) -> Refund:
    """Lines of a sale, by their numbers, given back in cash."""
    kept = tuple(RefundLine(place, *each[:6]) for place, each in lines)
    moment = parse_local(refunded_at, ZONE, "refunded_at")
    nobody = (None, None, None, None)
    return Refund(
        b"s" * 16,
        "1",
        number,
        cashier,
        None,
        None,
        moment,
        moment.business_date,
        "RUB",
        sale_id,
        *nobody,
        kept,
        (Payment(CASH, sum(each.amount_minor for each in kept)),),
    )


def z_report(receipts: int, net_minor: int, closed_at: str = "2026-11-20T21:00:00") -> ShiftClose:
    """The report of the shift that `sale` sells in, all of it paid in cash."""
    moment = parse_local(closed_at, ZONE, "closed_at")
    return ShiftClose(
        shift_id=b"s" * 16,
        register="1",
        cashier="anna",
        closed_at=moment,
        business_date=moment.business_date,
        currency="RUB",
        receipts=receipts,
        first_receipt=1,
        last_receipt=receipts,
        gross_minor=net_minor,
        discounts_minor=0,
        net_minor=net_minor,
        methods=(MethodTotal(CASH, net_minor),),
        float_minor=0,
        expected_cash_minor=net_minor,
        counted_cash_minor=None,
    )


class JournalWriter:
    """Writes the chain of one incarnation."""

    def __init__(self, branch_id: bytes, ids: Ids, clock: FakeClock, incarnation: bytes | None = None) -> None:
        self.branch_id = branch_id
        self.incarnation = incarnation or ids.new_id()
        self.ids = ids
        self._clock = clock
        self._hlc = 0
        self.head = Head(0, hash_genesis(branch_id, self.incarnation))
        self.entries: list[bytes] = []
        self.hashes: list[bytes] = [self.head.entry_hash]
        self.command_ids: list[bytes] = []

    def add_sale(self, fact: Sale, sale_id: bytes | None = None, command_id: bytes | None = None) -> bytes:
        """Adds an entry with one sale; returns the sale's id."""
        sale_id = sale_id or self.ids.new_id()
        self.add([Record(RecordKind.SALE, sale_id, encode_sale(fact))], command_id)
        return sale_id

    def add_edit(self, kind: RecordKind, card_id: bytes, seen: dict[str, tuple[bytes, ...]], **fields: Value) -> bytes:
        """Adds an entry with one edit of a card; returns its command id. `seen` names versions by field."""
        patches = [FieldPatch(name, value, seen.get(name, ())) for name, value in fields.items()]
        return self.add([Record(kind, card_id, encode_patch(patches))])

    def add(self, records: list[Record], command_id: bytes | None = None) -> bytes:
        """Adds an entry of any records; returns its command id."""
        command_id = command_id or self.ids.new_id()
        self._hlc = next_stamp(self._hlc, self._clock.now_us())
        header = EntryHeader(0, len(records), 0, self.head.seq + 1, self._hlc, self.incarnation, command_id, NIL_ID)
        sealed = seal_entry(header, records, [self.ids.new_salt() for _ in records], self.head.entry_hash)
        self.head = Head(self.head.seq + 1, sealed.entry_hash)
        self.entries.append(sealed.data)
        self.hashes.append(sealed.entry_hash)
        self.command_ids.append(command_id)
        return command_id

    def batch(self, after_seq: int = 0, to_seq: int | None = None) -> Batch:
        """The entries after one seq, up to another."""
        last = self.head.seq if to_seq is None else to_seq
        return Batch(
            self.incarnation, after_seq + 1, tuple(self.entries[after_seq:last]), self.hashes[last], self.head.seq
        )
