"""Every Z-report against HQ's own sums over the same receipts, and against the signature of its branch."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from cryptography import x509
from sqlalchemy import ColumnElement, Connection, select

from hq_server.operations.verdicts import Subject, SubjectKind
from hq_server.storage.tables import enrolment_token
from shared.certificates import UNREADABLE, is_signed_by
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor, Permission, require
from shared.domain.shifts import ShiftClose, z_statement
from shared.operations.z_sums import Difference, Wanted, compare_reports
from shared.storage.tables import shift_close

SIGNED, UNSIGNED, FORGED = "signed", "unsigned", "forged"
SHIFTS_PER_QUERY_MAX = 500
SHIFTS_MAX = 100_000


class ShiftAudit(NamedTuple):
    """One Z-report, and where it differs from HQ's receipts; nowhere when equal."""

    branch_id: bytes
    report: ShiftClose
    signature: str
    differing: tuple[Difference, ...]

    @property
    def differences(self) -> tuple[str, ...]:
        """In sentences: what the report claims and what the receipts make."""
        return tuple(str(each) for each in self.differing)

    @property
    def is_suspicious(self) -> bool:
        """Whether somebody has to look at it."""
        return bool(self.differing) or self.signature == FORGED

    @property
    def subject(self) -> Subject:
        """What is judged: when it differs in another way, it is open again."""
        found = "\n".join((self.signature, *self.differences))
        return Subject(
            SubjectKind.SHIFT, self.branch_id, self.report.shift_id, hashlib.sha256(found.encode()).hexdigest()[:16]
        )


def audit_shifts(
    connection: Connection,
    branch_ids: list[bytes] | None,
    date_from: date | None,
    date_to: date | None,
    actor: Actor = LOCAL_ADMINISTRATOR,
) -> list[ShiftAudit]:
    """The Z-reports of a period, oldest first, each held against HQ's own sums; at most SHIFTS_MAX.

    Raises NotPermitted.
    """
    require(actor, Permission.AUDIT_VIEW)
    conditions: list[ColumnElement[bool]] = []
    if branch_ids is not None:
        conditions.append(shift_close.c.branch_id.in_(branch_ids))
    if date_from is not None:
        conditions.append(shift_close.c.business_date >= date_from)
    if date_to is not None:
        conditions.append(shift_close.c.business_date <= date_to)
    order = (shift_close.c.business_date, shift_close.c.branch_id, shift_close.c.register, shift_close.c.closed_at)
    rows = connection.execute(select(shift_close).where(*conditions).order_by(*order).limit(SHIFTS_MAX)).all()
    certificates = branch_certificates(connection)
    audits: list[ShiftAudit] = []
    for start in range(0, len(rows), SHIFTS_PER_QUERY_MAX):
        audits += _audit(connection, rows[start : start + SHIFTS_PER_QUERY_MAX], certificates)
    return audits


def _audit(connection: Connection, rows: Any, certificates: Mapping[bytes, list[x509.Certificate]]) -> list[ShiftAudit]:
    wanted = Wanted(shift_close.c.id.in_([row.id for row in rows]))
    audits = []
    for branch_id, report, differing in compare_reports(connection, rows, wanted):
        signature = _signature(branch_id, report, certificates.get(branch_id, []))
        audits.append(ShiftAudit(branch_id, report, signature, differing))
    return audits


def branch_certificates(connection: Connection) -> dict[bytes, list[x509.Certificate]]:
    """Every certificate that a branch was ever given: an old Z-report was signed with the key of its day."""
    statement = select(enrolment_token.c.branch_id, enrolment_token.c.certificate)
    found: dict[bytes, list[x509.Certificate]] = defaultdict(list)
    for branch_id, der in connection.execute(statement.where(enrolment_token.c.certificate.is_not(None))):
        try:
            found[branch_id].append(x509.load_der_x509_certificate(der))
        except UNREADABLE:
            continue
    return found


def _signature(branch_id: bytes, report: ShiftClose, certificates: list[x509.Certificate]) -> str:
    if not report.signature:
        return UNSIGNED
    statement = z_statement(branch_id, report)
    return SIGNED if any(is_signed_by(each, report.signature, statement) for each in certificates) else FORGED
