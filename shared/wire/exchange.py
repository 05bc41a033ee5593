"""The messages of the service Sync: bytes ↔ the values of shared.sync.messages.

Used as gRPC's (de)serialisers. Bytes that are no message become `Undecodable`, never an exception, so that the session
can answer with a reason.
"""

from __future__ import annotations

from shared.domain.identifiers import NIL_ID
from shared.errors import DecodeError
from shared.sync.chain import HASH_BYTES, NO_HASH, NO_PARENT, Head, Parent
from shared.sync.limits import Credits
from shared.sync.messages import (
    Ack,
    Batch,
    BranchMessage,
    CardChange,
    CardForgotten,
    CardFull,
    ChainAnswer,
    Checkpoint,
    Common,
    Drain,
    EntryOutcome,
    FeedAck,
    FeedBatch,
    FeedCursor,
    FeedRecord,
    FieldLost,
    Goodbye,
    Hello,
    HistoryBatch,
    HistoryCursor,
    HistoryRequest,
    HqMessage,
    LeaseGrant,
    LeaseRequest,
    LeasesGranted,
    LeaseWish,
    Mark,
    Marks,
    NeighbourFact,
    ProcessingMode,
    Proposals,
    ProposalsKept,
    ResumeMode,
    Tick,
    Undecodable,
    Welcome,
    WhenUnreachable,
)
from shared.wire.cards import decode_patch, decode_stamp, encode_patch, encode_stamp
from shared.wire.generated import sync_pb2 as pb
from shared.wire.parsing import optional_id, parse_message, require_id, require_storable

_MODES = {
    ProcessingMode.DISTRIBUTED: pb.PROCESSING_MODE_DISTRIBUTED,
    ProcessingMode.CENTRALIZED: pb.PROCESSING_MODE_CENTRALIZED,
}
_MODES_BACK = {number: mode for mode, number in _MODES.items()}
_POLICIES = {
    WhenUnreachable.REFUSE: pb.WHEN_UNREACHABLE_REFUSE,
    WhenUnreachable.FALL_BACK: pb.WHEN_UNREACHABLE_FALL_BACK,
}
_POLICIES_BACK = {number: policy for policy, number in _POLICIES.items()}
_RELEASE_CHARACTERS_MAX = 64


def encode_branch_message(message: BranchMessage) -> bytes:
    """What a branch sends."""
    request = pb.ExchangeRequest()
    match message:
        case Hello():
            request.hello.CopyFrom(_encode_hello(message))
        case Batch():
            request.batch.incarnation = message.incarnation
            request.batch.first_seq = message.first_seq
            request.batch.entries.extend(message.entries)
            request.batch.last_hash = message.last_hash
            request.batch.head_seq = message.head_seq
        case FeedAck():
            request.feed_ack.cursor.CopyFrom(_encode_cursor(message.cursor))
        case Tick():
            request.tick.number = message.number
            request.tick.complete_to_us = message.complete_to_us
            request.tick.head_seq = message.head_seq
            request.tick.skew_at_most_us = message.skew_at_most_us
        case Goodbye():
            request.goodbye.SetInParent()
        case Marks():
            request.marks.marks.extend(pb.Mark(incarnation=m[0], seq=m[1], hash=m[2]) for m in message.marks)
            request.marks.SetInParent()
        case HistoryRequest():
            request.history.after.CopyFrom(pb.HistoryCursor(life=message.after.life, seq=message.after.seq))
        case Proposals():
            request.proposals.records.extend(message.records)
            request.proposals.done = message.done
        case LeaseRequest():
            for wish in message.wishes:
                request.leases.wishes.add(**wish._asdict())
            request.leases.SetInParent()
        case Undecodable():
            raise ValueError("An undecodable message is never sent.")
    return request.SerializeToString()


def decode_branch_message(data: bytes) -> BranchMessage:
    """What HQ receives."""
    try:
        request = parse_message(pb.ExchangeRequest, data)
        require_storable(request)
        match request.WhichOneof("message"):
            case "hello":
                return _decode_hello(request.hello)
            case "batch":
                batch = request.batch
                return Batch(
                    require_id(batch.incarnation),
                    batch.first_seq,
                    tuple(batch.entries),
                    _hash(batch.last_hash),
                    batch.head_seq,
                )
            case "feed_ack":
                return FeedAck(_decode_cursor(request.feed_ack.cursor))
            case "tick":
                tick = request.tick
                return Tick(tick.number, tick.complete_to_us, tick.head_seq, tick.skew_at_most_us)
            case "goodbye":
                return Goodbye()
            case "marks":
                marks = (Mark(require_id(m.incarnation), m.seq, _hash(m.hash)) for m in request.marks.marks)
                return Marks(tuple(marks))
            case "history":
                after = request.history.after
                return HistoryRequest(HistoryCursor(after.life, after.seq))
            case "proposals":
                return Proposals(tuple(request.proposals.records), request.proposals.done)
            case "leases":
                return LeaseRequest(
                    tuple(LeaseWish(require_id(w.lease_id), w.owner, w.amount, w.held) for w in request.leases.wishes)
                )
            case _:
                return Undecodable("A message of a kind unknown to this release came.")
    except DecodeError as error:
        return Undecodable(error.message)


def encode_hq_message(message: HqMessage) -> bytes:
    """What HQ sends."""
    response = pb.ExchangeResponse()
    match message:
        case Welcome():
            response.welcome.CopyFrom(_encode_welcome(message))
        case Ack():
            response.ack.acknowledged.CopyFrom(encode_head(message.acknowledged))
            response.ack.outcomes.extend(_encode_outcome(outcome) for outcome in message.outcomes)
        case FeedBatch():
            response.feed.records.extend(message.records)
            response.feed.cursor.CopyFrom(_encode_cursor(message.cursor))
            response.feed.feed_head = message.feed_head
            response.feed.after_position = message.after_position
            if message.after is not None:
                response.feed.after.CopyFrom(_encode_cursor(message.after))
        case Checkpoint():
            response.checkpoint.tick_number = message.tick_number
            response.checkpoint.feed_head = message.feed_head
            response.checkpoint.entries = message.entries
        case Drain():
            response.drain.delay_ms = message.delay_ms
            response.drain.reason = message.reason
        case Common():
            response.common.SetInParent()
            if message.index is not None:
                response.common.index = message.index
        case HistoryBatch():
            response.history.entries.extend(message.entries)
            response.history.cursor.CopyFrom(pb.HistoryCursor(life=message.cursor.life, seq=message.cursor.seq))
            response.history.done = message.done
        case ProposalsKept():
            response.proposals_kept.CopyFrom(pb.ProposalsKept(feed_head=message.feed_head))
        case LeasesGranted():
            for grant in message.grants:
                response.leases.grants.add(**grant._asdict())
            response.leases.SetInParent()
        case Undecodable():
            raise ValueError("An undecodable message is never sent.")
    return response.SerializeToString()


def decode_hq_message(data: bytes) -> HqMessage:
    """What a branch receives."""
    try:
        response = parse_message(pb.ExchangeResponse, data)
        require_storable(response)
        match response.WhichOneof("message"):
            case "welcome":
                return _decode_welcome(response.welcome)
            case "ack":
                outcomes = tuple(_decode_outcome(outcome) for outcome in response.ack.outcomes)
                return Ack(decode_head(response.ack.acknowledged), outcomes)
            case "feed":
                feed = response.feed
                after = _decode_cursor(feed.after) if feed.HasField("after") else None
                cursor = _decode_cursor(feed.cursor)
                return FeedBatch(tuple(feed.records), cursor, feed.feed_head, feed.after_position, after)
            case "checkpoint":
                checkpoint = response.checkpoint
                return Checkpoint(checkpoint.tick_number, checkpoint.feed_head, checkpoint.entries)
            case "drain":
                return Drain(response.drain.delay_ms, response.drain.reason)
            case "common":
                return Common(response.common.index if response.common.HasField("index") else None)
            case "history":
                history = response.history
                reached = HistoryCursor(history.cursor.life, history.cursor.seq)
                return HistoryBatch(tuple(history.entries), reached, history.done)
            case "proposals_kept":
                return ProposalsKept(response.proposals_kept.feed_head)
            case "leases":
                return LeasesGranted(tuple(_decode_grant(grant) for grant in response.leases.grants))
            case _:
                return Undecodable("A message of a kind unknown to this release came.")
    except DecodeError as error:
        return Undecodable(error.message)


def _decode_grant(grant: pb.LeaseGrant) -> LeaseGrant:
    ids = require_id(grant.lease_id), require_id(grant.budget_id)
    return LeaseGrant(*ids, grant.owner, grant.amount, grant.expires_at_us)


def encode_feed_record(record: FeedRecord) -> bytes:
    """One record of the feed, serialised once when HQ decides to send it."""
    message = pb.FeedRecord(kind=record.kind, id=record.card_id)
    match record:
        case CardChange():
            message.change.stamp = encode_stamp(record.stamp)
            message.change.patch = encode_patch(record.patches)
        case CardFull():
            message.state = record.state
        case CardForgotten():
            message.forget.SetInParent()
        case NeighbourFact():
            message.fact.branch_id = record.branch_id
            message.fact.branch_code = record.branch_code
            message.fact.client_id = record.client_id
            message.fact.payload = record.payload
        case ChainAnswer():
            message.answer.report = record.report
            message.answer.question = record.question
            message.answer.computed_at_us = record.computed_at_us
            message.answer.data = record.data
    return message.SerializeToString()


def decode_feed_record(data: bytes) -> FeedRecord:
    """Raises DecodeError."""
    message = parse_message(pb.FeedRecord, data)
    card_id = require_id(message.id)
    match message.WhichOneof("body"):
        case "change":
            change = message.change
            return CardChange(message.kind, card_id, decode_stamp(change.stamp), decode_patch(change.patch))
        case "state":
            return CardFull(message.kind, card_id, message.state)
        case "forget":
            return CardForgotten(message.kind, card_id)
        case "fact":
            fact = message.fact
            branch_id, client_id = require_id(fact.branch_id), require_id(fact.client_id)
            return NeighbourFact(message.kind, card_id, branch_id, fact.branch_code, client_id, fact.payload)
        case "answer":
            answer = message.answer
            return ChainAnswer(card_id, answer.report, answer.question, answer.computed_at_us, answer.data)
        case _:
            raise DecodeError("A feed record has no body that this release knows.")


def _encode_hello(hello: Hello) -> pb.Hello:
    message = pb.Hello(
        protocol_min=hello.protocol_min,
        protocol_max=hello.protocol_max,
        schema_version=hello.schema_version,
        release=hello.release,
        branch_id=hello.branch_id,
        incarnation=hello.incarnation,
        boot_id=hello.boot_id,
        instance_id=hello.instance_id,
        head=encode_head(hello.head),
        feed=_encode_cursor(hello.feed),
        wall_clock_us=hello.wall_clock_us,
        hlc_epoch=hello.hlc_epoch,
        hlc=hello.hlc,
        last_fence=hello.last_fence,
    )
    if hello.parent != NO_PARENT:
        parent = hello.parent
        message.parent.CopyFrom(pb.Parent(incarnation=parent.incarnation, seq=parent.seq, hash=parent.entry_hash))
    return message


def _decode_hello(message: pb.Hello) -> Hello:
    parent = NO_PARENT
    if message.HasField("parent"):
        parent = Parent(require_id(message.parent.incarnation), message.parent.seq, _hash(message.parent.hash))
    return Hello(
        branch_id=require_id(message.branch_id),
        incarnation=require_id(message.incarnation),
        head=decode_head(message.head),
        feed=_decode_cursor(message.feed),
        wall_clock_us=message.wall_clock_us,
        hlc_epoch=message.hlc_epoch,
        hlc=message.hlc,
        release="".join(filter(str.isprintable, message.release[:_RELEASE_CHARACTERS_MAX])),
        boot_id=optional_id(message.boot_id, NIL_ID),
        instance_id=optional_id(message.instance_id, NIL_ID),
        protocol_min=message.protocol_min,
        protocol_max=message.protocol_max,
        schema_version=message.schema_version,
        parent=parent,
        last_fence=message.last_fence,
    )


def _encode_welcome(welcome: Welcome) -> pb.Welcome:
    return pb.Welcome(
        protocol=welcome.protocol,
        session_fence=welcome.session_fence,
        acknowledged=encode_head(welcome.acknowledged),
        resume=welcome.resume.value,  # type: ignore[arg-type]
        reason=welcome.reason,
        credits=pb.Credits(
            batches=welcome.credits.batches,
            batch_rows=welcome.credits.batch_rows,
            batch_bytes=welcome.credits.batch_bytes,
        ),
        skew_ms=welcome.skew_ms,
        mode=_MODES[welcome.mode],
        when_unreachable=_POLICIES[welcome.when_unreachable],
        backup_seq=welcome.backup_seq,
        feed_head=welcome.feed_head,
        hq_clock_us=welcome.hq_clock_us,
        hq_restored=welcome.hq_restored,
        feed_lost=welcome.feed_lost,
        foreign_entries=welcome.foreign_entries,
        commits_digest=welcome.commits_digest,
        orders=welcome.orders,
    )


def _decode_welcome(message: pb.Welcome) -> Welcome:
    try:
        resume = ResumeMode(message.resume)
    except ValueError:
        raise DecodeError(f"HQ answered with resume mode {message.resume}, which this release does not know.") from None
    credits = message.credits
    return Welcome(
        protocol=message.protocol,
        session_fence=message.session_fence,
        acknowledged=decode_head(message.acknowledged),
        resume=resume,
        reason=message.reason,
        credits=Credits(max(1, credits.batches), max(1, credits.batch_rows), max(1, credits.batch_bytes)),
        skew_ms=message.skew_ms,
        mode=_MODES_BACK.get(message.mode, ProcessingMode.DISTRIBUTED),
        when_unreachable=_POLICIES_BACK.get(message.when_unreachable, WhenUnreachable.REFUSE),
        backup_seq=message.backup_seq,
        feed_head=message.feed_head,
        hq_clock_us=message.hq_clock_us,
        hq_restored=message.hq_restored,
        feed_lost=message.feed_lost,
        foreign_entries=message.foreign_entries,
        commits_digest=message.commits_digest,
        orders=tuple(message.orders),
    )


def _encode_outcome(outcome: EntryOutcome) -> pb.EntryOutcome:
    message = pb.EntryOutcome(seq=outcome.seq)
    if outcome.parked_reason is not None:
        message.parked.reason = outcome.parked_reason
    elif outcome.duplicate:
        message.duplicate.SetInParent()
    for lost in outcome.fields_lost:
        message.fields_lost.add(
            kind=lost.kind, card_id=lost.card_id, field=lost.field, winner_command_id=lost.winner_command_id
        )
    return message


def _decode_outcome(message: pb.EntryOutcome) -> EntryOutcome:
    kind = message.WhichOneof("outcome")
    return EntryOutcome(
        seq=message.seq,
        duplicate=kind == "duplicate",
        parked_reason=message.parked.reason if kind == "parked" else None,
        fields_lost=tuple(
            FieldLost(lost.kind, require_id(lost.card_id), lost.field, require_id(lost.winner_command_id))
            for lost in message.fields_lost
        ),
    )


def encode_head(head: Head) -> pb.Head:
    """A position in a chain."""
    return pb.Head(seq=head.seq, hash=head.entry_hash)


def decode_head(message: pb.Head) -> Head:
    """Raises DecodeError."""
    return Head(message.seq, _hash(message.hash))


def _encode_cursor(cursor: FeedCursor) -> pb.FeedCursor:
    return pb.FeedCursor(
        epoch=cursor.epoch,
        position=cursor.position,
        running_hash=cursor.running_hash,
        folded_to=cursor.folded_to,
    )


def _decode_cursor(message: pb.FeedCursor) -> FeedCursor:
    return FeedCursor(
        optional_id(message.epoch, NIL_ID),
        message.position,
        _hash(message.running_hash) if message.running_hash else NO_HASH,
        message.folded_to,
    )


def _hash(value: bytes) -> bytes:
    if len(value) != HASH_BYTES:
        raise DecodeError("A hash does not have 32 bytes.")
    return value
