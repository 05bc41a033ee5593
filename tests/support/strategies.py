"""Hypothesis strategies for everything that is replicated and everything the two sides say to each other."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from shared.domain.business_time import EARLIEST_US, LATEST_US, LocalMoment
from shared.domain.identifiers import CODE_CHARACTERS_MAX, ID_BYTES
from shared.domain.money import AMOUNT_MINOR_MAX, QUANTITY_THOUSANDTHS_MAX, TOTAL_MINOR_MAX
from shared.domain.sales import (
    LINES_MAX,
    ROUNDING_MINOR_MAX,
    VAT_BASIS_POINTS_MAX,
    Payment,
    Refund,
    RefundLine,
    Sale,
    SaleLine,
)
from shared.domain.shifts import Denomination, MethodTotal, ShiftClose, ShiftOpen
from shared.sync.card_merge import HQ_ORIGIN, CardState, FieldPatch, FieldState, FieldVersion, Stamp
from shared.sync.chain import HASH_BYTES, Head, Parent
from shared.sync.hlc import HLC_MAX
from shared.sync.limits import Credits
from shared.sync.messages import (
    Ack,
    Batch,
    CardChange,
    CardForgotten,
    CardFull,
    ChainAnswer,
    Checkpoint,
    Drain,
    EntryOutcome,
    FeedAck,
    FeedBatch,
    FeedCursor,
    FieldLost,
    Goodbye,
    Hello,
    LeaseGrant,
    LeaseRequest,
    LeasesGranted,
    LeaseWish,
    NeighbourFact,
    ProcessingMode,
    ResumeMode,
    Tick,
    Welcome,
    WhenUnreachable,
)
from shared.wire.parsing import NUMBER_MAX
from shared.wire.payloads import RECEIPTS_MAX, SIGNATURE_BYTES_MAX

FEW = settings(max_examples=15, deadline=None)
SOME = settings(max_examples=40, deadline=None)
MANY = settings(max_examples=120, deadline=None)

ZONES = ("Europe/Moscow", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe", "Europe/Berlin", "UTC")

_UNSIGNED_32, _UNSIGNED_64 = st.integers(0, 2**32 - 1), st.integers(0, NUMBER_MAX)
_SIGNED_64 = st.integers(-(2**63), 2**63 - 1)

ids = st.binary(min_size=ID_BYTES, max_size=ID_BYTES)
hashes = st.binary(min_size=HASH_BYTES, max_size=HASH_BYTES)
characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
texts = st.text(characters, max_size=20)
_some_text = st.none() | st.text(characters, min_size=1, max_size=20)
codes = st.text(characters, min_size=1, max_size=CODE_CHARACTERS_MAX)
zones = st.sampled_from(ZONES)
moments = st.integers(EARLIEST_US, LATEST_US)
days = st.dates(date(1970, 1, 1), date(2100, 1, 1))
amounts = st.integers(0, AMOUNT_MINOR_MAX)
totals = st.integers(0, TOTAL_MINOR_MAX)

local_moments = st.builds(LocalMoment, moments, st.integers(-86_399, 86_399), zones)
sale_lines = st.builds(
    SaleLine,
    codes,
    st.none() | ids,
    st.none() | codes,
    st.integers(0, QUANTITY_THOUSANDTHS_MAX),
    amounts,
    amounts,
    st.none() | st.integers(0, VAT_BASIS_POINTS_MAX),
    st.just(0),
    _some_text,
    _some_text,
)
refund_lines = st.builds(
    RefundLine,
    st.integers(0, LINES_MAX),
    codes,
    st.none() | ids,
    st.none() | codes,
    st.integers(0, QUANTITY_THOUSANDTHS_MAX),
    amounts,
    amounts,
    st.none() | st.integers(0, VAT_BASIS_POINTS_MAX),
    st.just(0),
    _some_text,
)
payments = st.builds(Payment, codes, totals)
sales = st.builds(
    Sale,
    shift_id=ids,
    register=codes,
    receipt_number=st.integers(1, 2**62),
    cashier=codes,
    client=st.none() | codes,
    client_id=st.none() | ids,
    sold_at=local_moments,
    business_date=days,
    currency=st.sampled_from(["RUB", "JPY", "KWD"]),
    lines=st.lists(sale_lines, min_size=1, max_size=4).map(tuple),
    payments=st.lists(payments, max_size=3).map(tuple),
    change_minor=totals,
    rounding_minor=st.integers(-ROUNDING_MINOR_MAX, ROUNDING_MINOR_MAX),
)
refunds = st.builds(
    Refund,
    shift_id=ids,
    register=codes,
    receipt_number=st.integers(1, 2**62),
    cashier=codes,
    client=st.none() | codes,
    client_id=st.none() | ids,
    refunded_at=local_moments,
    business_date=days,
    currency=st.sampled_from(["RUB", "JPY", "KWD"]),
    sale_id=st.none() | ids,
    sale_branch_id=st.none() | ids,
    sale_receipt=st.none() | codes,
    authorised_by=st.none() | codes,
    reason=_some_text,
    lines=st.lists(refund_lines, min_size=1, max_size=4).map(tuple),
    payments=st.lists(payments, max_size=3).map(tuple),
    rounding_minor=st.integers(-ROUNDING_MINOR_MAX, ROUNDING_MINOR_MAX),
)
shift_opens = st.builds(ShiftOpen, codes, codes, local_moments, days, st.booleans(), totals, st.just("RUB"))
shift_closes = st.builds(
    ShiftClose,
    shift_id=ids,
    register=codes,
    cashier=codes,
    closed_at=local_moments,
    business_date=days,
    currency=st.just("RUB"),
    receipts=st.integers(0, RECEIPTS_MAX),
    first_receipt=st.integers(0, 2**62),
    last_receipt=st.integers(0, 2**62),
    gross_minor=st.integers(0, 2**62),
    discounts_minor=st.integers(0, 2**62),
    net_minor=st.integers(0, 2**62),
    methods=st.lists(st.builds(MethodTotal, codes, _SIGNED_64), max_size=3).map(tuple),
    float_minor=totals,
    expected_cash_minor=_SIGNED_64,
    counted_cash_minor=st.none() | totals,
    refunds=st.integers(0, RECEIPTS_MAX),
    returns_minor=st.integers(0, 2**62),
    cash_in_minor=totals,
    cash_out_minor=totals,
    rounding_minor=_SIGNED_64,
    undecided=st.lists(st.integers(1, 2**62), max_size=3).map(tuple),
    late=st.lists(st.integers(1, 2**62), max_size=3).map(tuple),
    late_minor=totals,
    denominations=st.lists(st.builds(Denomination, totals, st.integers(0, RECEIPTS_MAX)), max_size=3).map(tuple),
    signature=st.binary(max_size=SIGNATURE_BYTES_MAX),
)

text_sets = st.lists(texts, max_size=4).map(lambda parts: tuple(sorted(set(parts))))
values = st.none() | st.booleans() | _SIGNED_64 | texts | ids | text_sets
stamps = st.builds(Stamp, _UNSIGNED_32, st.integers(0, HLC_MAX), ids, ids, st.just(HQ_ORIGIN) | ids)
field_patches = st.builds(FieldPatch, codes, values, st.lists(ids, max_size=3).map(tuple))
patches = st.lists(field_patches, min_size=1, max_size=4).map(tuple)
field_states = st.builds(
    FieldState,
    st.lists(st.builds(FieldVersion, stamps, values), max_size=3).map(tuple),
    st.frozensets(ids, max_size=3),
)
card_states = st.builds(CardState, st.dictionaries(codes, field_states, max_size=4))

heads = st.builds(Head, _UNSIGNED_64, hashes)
cursors = st.builds(FeedCursor, ids, _UNSIGNED_64, hashes, _UNSIGNED_64)
hellos = st.builds(
    Hello,
    branch_id=ids,
    incarnation=ids,
    head=heads,
    feed=cursors,
    wall_clock_us=_SIGNED_64,
    hlc_epoch=_UNSIGNED_32,
    hlc=_UNSIGNED_64,
    release=texts.filter(str.isprintable),
    boot_id=ids,
    instance_id=ids,
    protocol_min=_UNSIGNED_32,
    protocol_max=_UNSIGNED_32,
    schema_version=_UNSIGNED_32,
    parent=st.just(Parent()) | st.builds(Parent, ids, _UNSIGNED_64, hashes),
)
batches = st.builds(Batch, ids, _UNSIGNED_64, st.lists(st.binary(max_size=20)).map(tuple), hashes, _UNSIGNED_64)
branch_messages = (
    hellos
    | batches
    | st.builds(FeedAck, cursors)
    | st.builds(Tick, _UNSIGNED_64, _SIGNED_64, _UNSIGNED_64, _SIGNED_64)
    | st.just(Goodbye())
    | st.builds(LeaseRequest, st.lists(st.builds(LeaseWish, ids, texts, _UNSIGNED_64, st.booleans())).map(tuple))
)

_positive_32 = st.integers(1, 2**32 - 1)
welcomes = st.builds(
    Welcome,
    protocol=_UNSIGNED_32,
    session_fence=_UNSIGNED_64,
    acknowledged=heads,
    resume=st.sampled_from(ResumeMode),
    reason=texts,
    credits=st.builds(Credits, _positive_32, _positive_32, _positive_32),
    skew_ms=_SIGNED_64,
    mode=st.sampled_from(ProcessingMode),
    when_unreachable=st.sampled_from(WhenUnreachable),
    backup_seq=_UNSIGNED_64,
    feed_head=_UNSIGNED_64,
    hq_clock_us=_SIGNED_64,
)
_lost = st.lists(st.builds(FieldLost, _UNSIGNED_32, ids, texts, ids), max_size=2).map(tuple)
outcomes = st.builds(EntryOutcome, _UNSIGNED_64, st.booleans(), _lost) | st.builds(
    EntryOutcome, _UNSIGNED_64, st.just(False), _lost, texts
)
hq_messages = (
    welcomes
    | st.builds(Ack, heads, st.lists(outcomes, max_size=3).map(tuple))
    | st.builds(
        FeedBatch,
        st.lists(st.binary(max_size=20), max_size=3).map(tuple),
        cursors,
        _UNSIGNED_64,
        _UNSIGNED_64,
        st.none() | cursors,
    )
    | st.builds(Checkpoint, _UNSIGNED_64, _UNSIGNED_64, _UNSIGNED_64)
    | st.builds(LeasesGranted, st.lists(st.builds(LeaseGrant, ids, ids, texts, _UNSIGNED_64, _SIGNED_64)).map(tuple))
    | st.builds(Drain, _UNSIGNED_32, texts)
)
feed_records = (
    st.builds(CardChange, _UNSIGNED_32, ids, stamps, patches)
    | st.builds(CardFull, _UNSIGNED_32, ids, st.binary(max_size=40))
    | st.builds(CardForgotten, _UNSIGNED_32, ids)
    | st.builds(NeighbourFact, _UNSIGNED_32, ids, ids, st.text(max_size=8), ids, st.binary(max_size=40))
    | st.builds(
        ChainAnswer, ids, st.text(max_size=8), st.text(max_size=8), st.integers(0, 2**62), st.binary(max_size=40)
    )
)


@st.composite
def damaged(draw: st.DrawFn, valid: st.SearchStrategy[bytes]) -> bytes:
    """Valid bytes with a few of them changed, cut out, put in or repeated."""
    data = draw(valid)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 8))
        middle: Any = draw(st.binary(max_size=8) | st.just(data[place : place + length] * 2))
        data = data[:place] + middle + data[place + length :]
    return data
