"""How every branch stands and which of them need somebody, in one snapshot and without a question per branch.

Being offline is normal: it becomes a trouble when it lasts longer than a rule says. What the head office cannot know
– what a branch has recorded since it was last heard – is never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from cryptography import x509
from sqlalchemy import Connection, and_, bindparam, func, select

from hq_server.operations.fleet_rules import Rules, Trouble, read_rules
from hq_server.storage.branches import BranchRow, all_branches
from hq_server.storage.feed import read_head
from hq_server.storage.fleet_tables import fleet_shift_audit, fleet_verification
from hq_server.storage.lives import lives_of
from hq_server.storage.parking import parked_by_branch
from hq_server.storage.tables import branch_cursor, certificate, enrolment_token
from shared.certificates import UNREADABLE
from shared.domain.business_time import MICROSECONDS, SECONDS_PER_DAY, to_us
from shared.domain.identifiers import NIL_ID
from shared.domain.permissions import Actor, Permission, require
from shared.errors import NotFound

CERTIFICATES_KEPT_MAX: Final = 4_096
"""Certificates that are remembered once they are read."""

SOUND, UNSOUND = "sound", "unsound"


class CertificateHeld(NamedTuple):
    """The newest certificate that a branch was given; `valid_to_us` is None when its bytes cannot be read."""

    issued_at_us: int
    revoked_at_us: int | None
    valid_to_us: int | None


class LastVerified(NamedTuple):
    """The last check that came to an end: verify or deep, sound or not, and how many sentences it found."""

    finished_at_us: int
    kind: str
    is_sound: bool
    found: int


class ShiftStanding(NamedTuple):
    """Z-reports of the last days against HQ's own sums, as they were at a moment."""

    audited_at_us: int
    reports: int
    differing: int


class Finding(NamedTuple):
    """Why somebody is needed, and the figure that the rule was asked about; see `fleet_rules.Rule` for its unit."""

    trouble: Trouble
    figure: int


class FleetBranch(NamedTuple):
    """One branch as HQ knows it. Times are microseconds, and None before there was any."""

    row: BranchRow
    # It has said hello at least once.
    is_known: bool
    connected: bool
    # The last stream ended on purpose, and nothing waited.
    left_even: bool
    # Entries that it had and HQ had not, when it was last heard.
    waiting: int
    watermark_us: int | None
    last_seen_us: int | None
    skew_ms: int | None
    release: str | None
    # One sentence: why it is not taken in.
    quarantine: str | None
    parked: int
    feed_lag: int
    entries: int
    certificate: CertificateHeld | None
    verified: LastVerified | None
    shifts: ShiftStanding | None

    @property
    def is_revoked(self) -> bool:
        return self.row.revoked_at_us is not None


class Judged(NamedTuple):
    """A branch and what is wrong with it, the worst first."""

    branch: FleetBranch
    findings: tuple[Finding, ...]


def fleet_overview(connection: Connection, now_us: int, actor: Actor) -> list[Judged]:
    """Every branch, those that need somebody first. Raises NotPermitted."""
    require(actor, Permission.FLEET_VIEW)
    rules = read_rules(connection)
    judged = [Judged(each, judge(each, rules, now_us)) for each in read_fleet(connection)]
    return sorted(judged, key=_urgency)


def branch_overview(connection: Connection, now_us: int, actor: Actor, branch_id: bytes) -> Judged:
    """One of them. Raises NotFound, NotPermitted."""
    require(actor, Permission.FLEET_VIEW)
    for each in read_fleet(connection):
        if each.row.id == branch_id:
            return Judged(each, judge(each, read_rules(connection), now_us))
    raise NotFound("There is no such branch.", "Choose one from the list.")


def read_fleet(connection: Connection) -> list[FleetBranch]:
    """Every branch by its code, in as many statements as there are tables."""
    head = read_head(connection)
    parked = parked_by_branch(connection)
    cursors = {row.branch_id: row for row in connection.execute(select(branch_cursor))}
    certificates = _certificates(connection)
    verified = _last_verified(connection)
    shifts = {
        row.branch_id: ShiftStanding(row.audited_at, int(row.reports), int(row.differing))
        for row in connection.execute(select(fleet_shift_audit))
    }
    found = []
    for row in all_branches(connection):
        cursor = cursors[row.id]
        taken = cursor.feed_position if cursor.feed_epoch == head.epoch else 0
        found.append(
            FleetBranch(
                row=row,
                is_known=cursor.incarnation != NIL_ID,
                connected=bool(cursor.connected),
                left_even=bool(cursor.left_even),
                waiting=max(0, cursor.head_seq - cursor.acknowledged_seq),
                watermark_us=cursor.watermark,
                last_seen_us=cursor.last_seen_at,
                skew_ms=cursor.skew_ms,
                release=cursor.release,
                quarantine=cursor.trouble,
                parked=parked.get(row.id, 0),
                feed_lag=max(0, head.position - taken),
                entries=int(cursor.entries),
                certificate=certificates.get(row.id),
                verified=verified.get(row.id),
                shifts=shifts.get(row.id),
            )
        )
    return found


def judge(branch: FleetBranch, rules: Rules, now_us: int) -> tuple[Finding, ...]:
    """What is wrong with a branch by these rules, the worst first. A revoked branch needs nobody."""
    if branch.is_revoked:
        return ()
    figures = figures_of(branch, now_us)
    return tuple(
        Finding(kind, figures[kind])
        for kind in Trouble
        if kind in figures and rules[kind].is_on and is_beyond(kind, figures[kind], rules[kind].threshold)
    )


def is_beyond(kind: Trouble, figure: int, threshold: int) -> bool:
    """Whether a figure is past its threshold; of a certificate fewer days are worse."""
    return figure <= threshold if kind is Trouble.CERTIFICATE else figure >= threshold


def figures_of(branch: FleetBranch, now_us: int) -> dict[Trouble, int]:
    """The figures that there are: without a contact there is no skew, and an offline branch lags behind the feed."""
    figures = {
        Trouble.QUARANTINED: int(branch.quarantine is not None),
        Trouble.PARKED: branch.parked,
        Trouble.WAITING: branch.waiting,
    }
    if branch.verified is not None:
        figures[Trouble.UNSOUND] = 0 if branch.verified.is_sound else max(1, branch.verified.found)
    if branch.shifts is not None:
        figures[Trouble.SHIFTS_DIFFER] = branch.shifts.differing
    if branch.skew_ms is not None:
        figures[Trouble.SKEW] = abs(branch.skew_ms) // 1_000
    if branch.connected:
        figures[Trouble.FEED_LAG] = branch.feed_lag
    elif branch.is_known and branch.last_seen_us is not None:
        figures[Trouble.UNHEARD] = max(0, now_us - branch.last_seen_us) // (60 * MICROSECONDS)
    held = branch.certificate
    if held is not None and held.revoked_at_us is None and held.valid_to_us is not None:
        figures[Trouble.CERTIFICATE] = (held.valid_to_us - now_us) // (SECONDS_PER_DAY * MICROSECONDS)
    return figures


def list_lives(connection: Connection, actor: Actor, branch_id: bytes) -> list[Any]:
    """The incarnations of a branch's store, in the order HQ first saw them. Raises NotPermitted."""
    require(actor, Permission.FLEET_VIEW)
    return lives_of(connection, branch_id)


_ORDER: Final[Mapping[Trouble, int]] = {kind: place for place, kind in enumerate(Trouble)}
_FINE: Final = len(_ORDER)


def _urgency(judged: Judged) -> tuple[int, int, str]:
    """Those with the worst trouble, then with most; of the rest those that are revoked last."""
    if judged.findings:
        return _ORDER[judged.findings[0].trouble], -len(judged.findings), judged.branch.row.code
    return _FINE + int(judged.branch.is_revoked), 0, judged.branch.row.code


def _certificates(connection: Connection) -> dict[bytes, CertificateHeld]:
    ends = {}
    given = select(enrolment_token.c.certificate).where(enrolment_token.c.certificate.is_not(None))
    for (der,) in connection.execute(given):
        read = _read_certificate(bytes(der))
        if read is not None:
            ends[read[0]] = read[1]
    rows = connection.execute(
        select(certificate).where(certificate.c.purpose == "branch").order_by(certificate.c.issued_at)
    )
    return {row.branch_id: CertificateHeld(row.issued_at, row.revoked_at, ends.get(row.serial)) for row in rows}


@lru_cache(maxsize=CERTIFICATES_KEPT_MAX)
def _read_certificate(der: bytes) -> tuple[str, int] | None:
    """Serial and end."""
    try:
        read = x509.load_der_x509_certificate(der)
    except UNREADABLE:
        return None
    ends: datetime = read.not_valid_after_utc
    return f"{read.serial_number:x}", to_us(ends)


_NEWEST = (
    select(fleet_verification.c.branch_id, func.max(fleet_verification.c.finished_at).label("finished_at"))
    .where(fleet_verification.c.state.in_((SOUND, UNSOUND)), fleet_verification.c.kind != bindparam("repair"))
    .group_by(fleet_verification.c.branch_id)
    .subquery()
)
_LAST_VERIFIED = select(
    fleet_verification.c.branch_id,
    fleet_verification.c.finished_at,
    fleet_verification.c.kind,
    fleet_verification.c.state,
    fleet_verification.c.found,
).join(
    _NEWEST,
    and_(
        _NEWEST.c.branch_id == fleet_verification.c.branch_id,
        _NEWEST.c.finished_at == fleet_verification.c.finished_at,
    ),
)


def _last_verified(connection: Connection) -> dict[bytes, LastVerified]:
    rows = connection.execute(_LAST_VERIFIED, {"repair": "repair"})
    return {
        row.branch_id: LastVerified(row.finished_at, row.kind, row.state == SOUND, int(row.found))
        for row in rows
        if row.state in (SOUND, UNSOUND)
    }
