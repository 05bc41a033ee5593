"""What HQ holds of each branch: its master data, and how far its synchronisation has come."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from hq_server.storage import central
from hq_server.storage.backups import backup_seq
from hq_server.storage.feed import is_on_feed, orders_since, read_head
from hq_server.storage.lives import add_life, find_life, foreign_entries, holds, keep_confirmed_fence, note_issued_fence
from hq_server.storage.tables import branch, branch_cursor, chain
from shared.domain.identifiers import NIL_ID, shorten
from shared.errors import NotAuthorised, NotFound, ProtocolViolation, SessionReplaced
from shared.sync.card_merge import HQ_ORIGIN
from shared.sync.central import digest_commands
from shared.sync.chain import NO_PARENT
from shared.sync.limits import FENCE_AHEAD_MAX
from shared.sync.messages import FeedCursor, Hello, ProcessingMode, ResumeMode, WhenUnreachable
from shared.sync.recognition import HelloDecision, KnownBranch, decide_hello, goes_on


@dataclass(frozen=True, slots=True)
class BranchRow:
    """A branch as HQ knows it."""

    id: bytes
    code: str
    name: str
    timezone: str
    price_zone: str
    mode: ProcessingMode
    when_unreachable: WhenUnreachable
    created_at_us: int
    revoked_at_us: int | None


_BRANCH = select(branch).where(branch.c.id == bindparam("id"))


def branch_by_code(connection: Connection, code: str) -> BranchRow:
    """Raises NotFound."""
    row = connection.execute(select(branch).where(branch.c.code == code)).one_or_none()
    if row is None:
        raise NotFound(f"There is no branch “{shorten(code)}”.", "See: filial-hq branch list")
    return _branch_row(row)


def branch_by_id(connection: Connection, branch_id: bytes) -> BranchRow:
    """Raises NotFound."""
    row = connection.execute(_BRANCH, {"id": branch_id}).one_or_none()
    if row is None:
        raise NotFound("There is no such branch.")
    return _branch_row(row)


def all_branches(connection: Connection) -> list[BranchRow]:
    """By code."""
    return [_branch_row(row) for row in connection.execute(select(branch).order_by(branch.c.code))]


def _branch_row(row: Any) -> BranchRow:
    return BranchRow(
        id=row.id,
        code=row.code,
        name=row.name,
        timezone=row.timezone,
        price_zone=row.price_zone,
        mode=ProcessingMode(row.mode),
        when_unreachable=WhenUnreachable(row.when_unreachable),
        created_at_us=row.created_at,
        revoked_at_us=row.revoked_at,
    )


_CURSOR = select(branch_cursor).where(branch_cursor.c.branch_id == bindparam("id"))
_LOCK_CURSOR = (
    select(branch_cursor, branch.c.revoked_at)
    .join(branch, branch.c.id == branch_cursor.c.branch_id)
    .where(branch_cursor.c.branch_id == bindparam("id"))
    .with_for_update(of=branch_cursor)
)


def lock_cursor(connection: Connection, branch_id: bytes) -> Any:
    """The branch's cursor row, held until the transaction ends. Raises NotAuthorised when the branch was revoked."""
    row = connection.execute(_LOCK_CURSOR, {"id": branch_id}).one_or_none()
    if row is None or row.revoked_at is not None:
        raise NotAuthorised("This branch was revoked.", "Ask the head office for a new enrolment.")
    return row


def read_cursor(connection: Connection, branch_id: bytes) -> Any:
    """The branch's cursor row as it stands. Raises NotFound."""
    row = connection.execute(_CURSOR, {"id": branch_id}).one_or_none()
    if row is None:
        raise NotFound("There is no such branch.")
    return row


def require_fence(cursor: Any, fence: int) -> None:
    """Raises SessionReplaced when a newer session of the branch took over."""
    if cursor.fence != fence:
        raise SessionReplaced("A newer session of this branch took over.")


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A decided hello, and the branch as it stands with its new fence."""

    known: KnownBranch
    decision: HelloDecision


def open_session(connection: Connection, hello: Hello, now_us: int) -> OpenedSession:
    """Decides a hello under the cursor's lock, and raises the fence when the branch may go on.

    Raises ProtocolViolation when the hello names a session that cannot be.
    """
    row = lock_cursor(connection, hello.branch_id)
    if hello.last_fence > row.fence + FENCE_AHEAD_MAX:
        raise ProtocolViolation(f"The hello names a session {hello.last_fence}, which no head office has given.")
    known = _known(connection, row, hello)
    decision = decide_hello(hello, known, is_on_feed(connection, hello.feed))
    known = replace(known, orders=orders_since(connection, decision.feed.position))
    streams = goes_on(decision.resume)
    # A store that must be re-homed first only asks: it neither ends another's session nor moves the fence.
    fence = max(row.fence, hello.last_fence) + 1 if decision.resume is ResumeMode.INCREMENTAL else row.fence
    changes: dict[str, Any] = {
        "last_seen_at": now_us,
        "skew_ms": (hello.wall_clock_us - now_us) // 1_000,
        "release": hello.release,
        "trouble": None if streams else decision.reason,
    }
    if decision.quarantines:
        changes["quarantine"] = decision.reason
    if decision.resume is ResumeMode.INCREMENTAL:
        changes |= {"fence": fence, "connected": True, "left_even": False}
        changes |= {"boot_id": hello.boot_id, "instance_id": hello.instance_id}
        changes |= _take_up(connection, row, hello, decision, fence, now_us)
    connection.execute(update(branch_cursor).where(branch_cursor.c.branch_id == hello.branch_id).values(changes))
    return OpenedSession(replace(known, fence=fence), decision)


def _take_up(
    connection: Connection, row: Any, hello: Hello, decision: HelloDecision, fence: int, now_us: int
) -> dict[str, Any]:
    """The branch goes on as the incarnation of its hello; returns what changes in its cursor."""
    changes: dict[str, Any] = {
        "head_seq": max(hello.head.seq, decision.acknowledged.seq),
        "incarnation": hello.incarnation,
        "acknowledged_seq": decision.acknowledged.seq,
        "acknowledged_hash": decision.acknowledged.entry_hash,
    }
    if row.incarnation != hello.incarnation:
        keep_confirmed_fence(connection, row)
        life = find_life(connection, row, hello.incarnation)
        changes["confirmed_fence"] = life.confirmed_fence if life else 0
    if decision.is_first:
        add_life(connection, hello, decision.disowns_others, now_us)
        changes["is_replacing"] = False
    if not decision.hq_restored:
        note_issued_fence(connection, hello.branch_id, hello.incarnation, fence)
    return changes


def _known(connection: Connection, row: Any, hello: Hello) -> KnownBranch:
    owner = branch_by_id(connection, row.branch_id)
    parent = hello.parent
    life = find_life(connection, row, hello.incarnation)
    return KnownBranch(
        branch_id=row.branch_id,
        is_new=row.incarnation == NIL_ID,
        life=life,
        holds_parent=parent != NO_PARENT and holds(connection, row.branch_id, parent),
        fence=row.fence,
        mode=owner.mode,
        when_unreachable=owner.when_unreachable,
        feed_head=read_head(connection),
        quarantine=row.quarantine,
        is_replacing=row.is_replacing,
        backup_seq=backup_seq(connection, row.branch_id, hello.incarnation),
        foreign_entries=foreign_entries(connection, row, hello, life),
        commits_digest=digest_commands(central.ids_waiting(connection, row.branch_id)),
    )


_STORE_TICK = (
    update(branch_cursor)
    .where(branch_cursor.c.branch_id == bindparam("branch"))
    .values(
        watermark=bindparam("moment"),
        last_seen_at=bindparam("now"),
        head_seq=bindparam("head"),
        confirmed_fence=bindparam("session"),
    )
)
_STORE_FEED_ACK = (
    update(branch_cursor)
    .where(branch_cursor.c.branch_id == bindparam("branch"), branch_cursor.c.fence == bindparam("session"))
    .values(
        feed_epoch=bindparam("epoch"),
        feed_position=bindparam("position"),
        feed_hash=bindparam("hash"),
        feed_folded_to=bindparam("folded_to"),
        last_seen_at=bindparam("now"),
        confirmed_fence=bindparam("session"),
    )
)


def store_tick(
    connection: Connection, branch_id: bytes, fence: int, complete_to_us: int, head_seq: int, now_us: int
) -> int:
    """Moves the branch's watermark; returns how many entries of it HQ holds. Raises SessionReplaced."""
    row = lock_cursor(connection, branch_id)
    require_fence(row, fence)
    # A branch clock that was ahead must not keep its watermark ahead of our own clock.
    watermark = min(max(complete_to_us, row.watermark or 0), now_us)
    head = max(head_seq, row.acknowledged_seq)
    connection.execute(
        _STORE_TICK, {"branch": branch_id, "moment": watermark, "now": now_us, "head": head, "session": fence}
    )
    return int(row.entries)


def store_feed_ack(connection: Connection, branch_id: bytes, fence: int, cursor: FeedCursor, now_us: int) -> None:
    """Remembers how far the branch has durably taken the feed. An older session's word does not count."""
    taken = {"epoch": cursor.epoch, "position": cursor.position, "hash": cursor.running_hash}
    taken |= {"folded_to": cursor.folded_to}
    connection.execute(_STORE_FEED_ACK, {"branch": branch_id, "session": fence, "now": now_us, **taken})


def store_departure(connection: Connection, branch_id: bytes, fence: int, even: bool, now_us: int) -> None:
    """The stream ended; `even` when the branch left on purpose. A newer session is not touched."""
    changes: dict[str, Any] = {"connected": False, "left_even": even}
    if even:
        changes["last_seen_at"] = now_us
    connection.execute(
        update(branch_cursor)
        .where(branch_cursor.c.branch_id == branch_id, branch_cursor.c.fence == fence)
        .values(changes)
    )


def forget_connections(connection: Connection) -> None:
    """A server that starts has no streams: whatever was connected when the last one died is not."""
    connection.execute(update(branch_cursor).values(connected=False))


def raise_fleet_revision(connection: Connection) -> None:
    """Tells running servers that a branch was revoked or changed."""
    connection.execute(update(chain).values(fleet_revision=chain.c.fleet_revision + 1))


def branch_names(connection: Connection) -> dict[bytes, str]:
    """Codes by id, with HQ itself among them."""
    codes = {row.id: row.code for row in connection.execute(select(branch.c.id, branch.c.code))}
    return {HQ_ORIGIN: "head office", **codes}
