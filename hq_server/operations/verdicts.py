"""What people make of findings: in order, or to be followed up; with a note, by whom, when, and taken back.

A verdict is the head office's own record. It is never overwritten: the newest that is not taken back stands. It is of
what there was when it was given: a finding whose figures have changed since is another subject, and open again.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, and_, exists, or_, select, update

from hq_server.operations.paging import PAGE_ROWS_MAX
from hq_server.storage.review_tables import audit_verdict
from shared.clock import Ids
from shared.domain.identifiers import NIL_ID
from shared.domain.permissions import Actor, Permission, require
from shared.errors import InvalidInput, NotFound
from shared.operations.client_history import people_names
from shared.storage.dialect_functions import over_lists

SUBJECTS_MAX: Final = PAGE_ROWS_MAX
"""How many findings one act judges: what a page shows."""
NOTE_CHARACTERS_MAX: Final = 500
DETAIL_CHARACTERS_MAX: Final = 300
_SUBJECTS_PER_QUERY_MAX = 300
_SUBJECT = re.compile(
    rf"(?P<kind>[a-z_]+)\.(?P<branch>[0-9a-f]{{32}})\.(?P<record>[0-9a-f]{{32}})\.(?P<detail>.{{0,{DETAIL_CHARACTERS_MAX}}})"
)

JUDGING: Final = (Permission.AUDIT_VIEW, Permission.RECORDS_REVIEW)
"""What one needs who judges a finding."""


class SubjectKind(StrEnum):
    """What is judged. The values are kept for ever."""

    OVER_REFUND = "over_refund"
    REFUND_WITHOUT_RECEIPT = "refund_without_receipt"
    STAFF_ACT = "staff_act"
    TILL_ACT = "till_act"
    SHIFT = "shift"
    PARKED = "parked"
    PROPOSAL = "proposal"


JUDGED_BY_HAND: Final = (
    SubjectKind.OVER_REFUND,
    SubjectKind.REFUND_WITHOUT_RECEIPT,
    SubjectKind.STAFF_ACT,
    SubjectKind.TILL_ACT,
    SubjectKind.SHIFT,
)
"""Findings of the audits; the others are noted by the operation that decides about them."""


class Verdict(StrEnum):
    """What somebody made of it. The values are kept for ever."""

    IN_ORDER = "in_order"
    FOLLOW_UP = "follow_up"
    # Of parked entries and of proposals.
    SET_ASIDE = "set_aside"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


FINDINGS: Final = (Verdict.IN_ORDER, Verdict.FOLLOW_UP)
"""What an auditor may say of a finding."""


class Shown(StrEnum):
    """Which findings a list shows."""

    OPEN = "open"
    FOLLOW_UP = "follow_up"
    IN_ORDER = "in_order"
    ALL = "all"

    def fits(self, standing: Given | None) -> bool:
        """Whether a finding of which that stands is shown."""
        if self is Shown.ALL:
            return True
        return standing is None if self is Shown.OPEN else standing is not None and standing.verdict == self.value


class Subject(NamedTuple):
    """One finding: a record of a branch, and in `detail` which part of it and the figures that were seen."""

    kind: SubjectKind
    branch_id: bytes = NIL_ID
    record_id: bytes = NIL_ID
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind}.{self.branch_id.hex()}.{self.record_id.hex()}.{self.detail}"

    @property
    def row_key(self) -> tuple[bytes, bytes, str]:
        return self.branch_id, self.record_id, self.detail


class Given(NamedTuple):
    """A verdict that stands. `command_id` takes it back, with the others of the same act."""

    verdict: Verdict
    note: str
    author: str
    given_at_us: int
    command_id: bytes


def parse_subject(text: str) -> Subject:
    """What a form says of a finding of the audits. Raises InvalidInput."""
    found = _SUBJECT.fullmatch(text)
    if found is None or found["kind"] not in JUDGED_BY_HAND or not found["detail"].isprintable():
        raise InvalidInput("This names no finding.", "Open the list again and choose from it.")
    ids = bytes.fromhex(found["branch"]), bytes.fromhex(found["record"])
    return Subject(SubjectKind(found["kind"]), *ids, found["detail"])


def give_verdict(
    connection: Connection,
    ids: Ids,
    now_us: int,
    actor: Actor,
    subjects: Sequence[Subject],
    verdict: Verdict,
    note: str = "",
) -> bytes:
    """Says the same of several findings; returns the act, by which it is taken back.

    Raises NotPermitted, InvalidInput.
    """
    for permission in JUDGING:
        require(actor, permission)
    if verdict not in FINDINGS:
        raise InvalidInput("A finding is in order, or it is to be followed up.")
    if not subjects:
        raise InvalidInput("No finding was chosen.", "Tick one or several, then say what you make of them.")
    if len(subjects) > SUBJECTS_MAX:
        raise InvalidInput(f"At most {SUBJECTS_MAX} findings are judged at once.", "Do it page by page.")
    return note_verdict(connection, ids, now_us, actor, subjects, verdict, note)


def note_verdict(
    connection: Connection,
    ids: Ids,
    now_us: int,
    actor: Actor,
    subjects: Iterable[Subject],
    verdict: Verdict,
    note: str = "",
) -> bytes:
    """The same for an operation that has checked its permission. Raises InvalidInput."""
    note = note.strip()
    if len(note) > NOTE_CHARACTERS_MAX or "\0" in note:
        raise InvalidInput(f"A note has at most {NOTE_CHARACTERS_MAX} characters.", "Say it shorter.")
    command_id = ids.new_id()
    rows = [
        {
            "id": ids.new_id(),
            "command_id": command_id,
            "subject_kind": str(subject.kind),
            "branch_id": subject.branch_id,
            "record_id": subject.record_id,
            "detail": subject.detail,
            "verdict": str(verdict),
            "note": note,
            "author": actor.employee_id,
            "given_at": now_us,
            "taken_back_at": None,
            "taken_back_by": None,
        }
        for subject in subjects
    ]
    if rows:
        connection.execute(audit_verdict.insert(), rows)
    return command_id


def take_back_verdict(connection: Connection, now_us: int, actor: Actor, command_id: bytes) -> int:
    """Takes back what one act said of findings; returns of how many. What was said before stands again.

    Raises NotPermitted, NotFound when it is taken back already.
    """
    for permission in JUDGING:
        require(actor, permission)
    of_act = (audit_verdict.c.command_id == command_id) & audit_verdict.c.verdict.in_(map(str, FINDINGS))
    taken = mark_taken_back(connection, now_us, actor, of_act)
    if not taken:
        raise NotFound("This was taken back already.", "Look at the list as it is now.")
    return taken


def take_back_of(connection: Connection, now_us: int, actor: Actor, subject: Subject) -> None:
    """Takes back whatever an operation noted of a subject."""
    mark_taken_back(connection, now_us, actor, _is_of(subject.kind) & _are([subject.row_key]))


def mark_taken_back(connection: Connection, now_us: int, actor: Actor, condition: ColumnElement[bool]) -> int:
    """Marks verdicts that stand; returns how many."""
    done = connection.execute(
        update(audit_verdict)
        .where(condition, audit_verdict.c.taken_back_at.is_(None))
        .values(taken_back_at=now_us, taken_back_by=actor.employee_id)
    )
    return int(done.rowcount)


_STANDING = over_lists(
    lambda among: select(audit_verdict).where(
        among(audit_verdict.c.subject_kind, "kinds"),
        among(audit_verdict.c.branch_id, "branches"),
        among(audit_verdict.c.record_id, "records"),
        among(audit_verdict.c.detail, "details"),
        audit_verdict.c.taken_back_at.is_(None),
    )
)
"""Of subjects given part by part: those of other subjects with the same parts come along."""


def standing_verdicts(connection: Connection, subjects: Collection[Subject]) -> Mapping[Subject, Given]:
    """What stands of these findings; those of which nothing does are left out."""
    wanted = set(subjects)
    in_order = sorted(wanted)
    rows: list[Any] = []
    for start in range(0, len(in_order), _SUBJECTS_PER_QUERY_MAX):
        parts = zip(*in_order[start : start + _SUBJECTS_PER_QUERY_MAX], strict=True)
        asked = dict(zip(("kinds", "branches", "records", "details"), map(list, map(set, parts)), strict=True))
        rows += connection.execute(_STANDING(connection), asked)
    rows.sort(key=lambda row: (row.given_at, row.id))
    names = people_names(connection, {row.author for row in rows})
    standing = {
        Subject(SubjectKind(row.subject_kind), row.branch_id, row.record_id, row.detail): Given(
            Verdict(row.verdict), row.note, names.get(row.author, ""), row.given_at, row.command_id
        )
        for row in rows
    }
    return {subject: given for subject, given in standing.items() if subject in wanted}


def shown_condition(kind: SubjectKind, table: Table, shown: Shown) -> ColumnElement[bool] | None:
    """Which rows of a table of facts a list shows, whose findings are its rows; None for all of them."""
    if shown is Shown.ALL:
        return None
    stands = audit_verdict.alias()
    of_row = and_(
        stands.c.subject_kind == str(kind),
        stands.c.branch_id == table.c.branch_id,
        stands.c.record_id == table.c.id,
        stands.c.taken_back_at.is_(None),
    )
    if shown is Shown.OPEN:
        return ~exists(select(stands.c.id).where(of_row))
    later = audit_verdict.alias()
    replaced = exists(
        select(later.c.id).where(
            later.c.subject_kind == stands.c.subject_kind,
            later.c.branch_id == stands.c.branch_id,
            later.c.record_id == stands.c.record_id,
            later.c.taken_back_at.is_(None),
            or_(
                later.c.given_at > stands.c.given_at,
                and_(later.c.given_at == stands.c.given_at, later.c.id > stands.c.id),
            ),
        )
    )
    return exists(select(stands.c.id).where(of_row, stands.c.verdict == shown.value, ~replaced))


def _is_of(kind: SubjectKind) -> ColumnElement[bool]:
    return audit_verdict.c.subject_kind == str(kind)


def _are(keys: Sequence[tuple[bytes, bytes, str]]) -> ColumnElement[bool]:
    columns = (audit_verdict.c.branch_id, audit_verdict.c.record_id, audit_verdict.c.detail)
    return or_(*(and_(*(column == value for column, value in zip(columns, key, strict=True))) for key in keys))
