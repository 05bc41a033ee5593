"""Taking back what was decided of cards that branches handed back: they wait for a decision again.

What was set aside needs no more. What was taken up is said again as it was before, in an edit that has seen it; a card
that the head office did not have is put away. It is refused when somebody has changed since what was taken up
(docs/decisions/0048-decisions-are-taken-back.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select, update

from hq_server.operations.editing import HqEdit
from hq_server.operations.people import refresh_audiences
from hq_server.operations.proposals import RIGHTS_KINDS, told_of
from hq_server.operations.record_sight import Sight, title_of
from hq_server.operations.restored_cards import require_restorable
from hq_server.operations.verdicts import SubjectKind, Verdict, mark_taken_back
from hq_server.storage.people import PEOPLE_KINDS
from hq_server.storage.review_tables import audit_verdict
from hq_server.storage.tables import proposal
from shared.clock import Ids
from shared.domain.cards import CARD_FIELDS, Value
from shared.domain.permissions import Actor, Permission, require
from shared.domain.records import RecordKind
from shared.errors import NotFound, Refused
from shared.operations.cards import CardEdit, load_card, shown_fields
from shared.storage.card_rows import CardKey
from shared.sync.card_merge import CardState
from shared.wire.cards import decode_state


def take_back_decision(connection: Connection, ids: Ids, now_us: int, actor: Actor, command_id: bytes) -> int:
    """Takes back one act, whole; returns of how many cards. Raises NotPermitted, NotFound, Refused, and what is raised
    where such values are typed: a barcode that another product has meanwhile is not taken from it."""
    require(actor, Permission.RECORDS_REVIEW)
    of_act = (audit_verdict.c.command_id == command_id) & (audit_verdict.c.subject_kind == str(SubjectKind.PROPOSAL))
    decided = connection.execute(select(audit_verdict).where(of_act, audit_verdict.c.taken_back_at.is_(None))).all()
    if not decided:
        raise NotFound("This was taken back already.", "Look at the list as it is now.")
    keys = sorted({(int(row.detail), row.record_id) for row in decided})
    if any(kind in RIGHTS_KINDS for kind, _ in keys):
        require(actor, Permission.EMPLOYEE_EDIT)
    if decided[0].verdict == Verdict.ACCEPTED:
        _give_back(HqEdit(connection, ids, now_us, actor.employee_id), actor, keys)
    _reopen(connection, now_us, decided)
    mark_taken_back(connection, now_us, actor, of_act)
    if any(kind in PEOPLE_KINDS for kind, _ in keys):
        refresh_audiences(connection, ids, now_us)
    return len(keys)


def _give_back(edit: HqEdit, actor: Actor, keys: list[CardKey]) -> None:
    prepared: list[CardEdit] = []
    told: dict[bytes, str] = {}
    for kind, card_id in keys:
        state = load_card(edit.connection, kind, card_id)
        row = _taken_up(edit.connection, kind, card_id)
        if state is None or row is None:
            raise Refused(
                "What was taken up is not here any more, so it cannot be taken back.", "Perhaps the person was erased."
            )
        changes = _changes(actor, kind, row, state)
        require_restorable(edit.connection, kind, card_id, {**shown_fields(kind, state), **changes})
        each = edit.prepare(RecordKind(kind), card_id, changes)
        if each is not None:
            prepared.append(each)
            told |= told_of(edit.connection, kind, card_id, state)
    edit.apply(prepared, told)


def _changes(actor: Actor, kind: int, row: Any, state: CardState) -> Mapping[str, Value]:
    """The fields that taking the card up changed, with what they said before. Raises Refused."""
    before = decode_state(row.replaced) if row.replaced else CardState()
    after = decode_state(row.taken_up)
    said, says = shown_fields(kind, before), shown_fields(kind, after)
    fields = [name for name in says if said.get(name) != says[name]]
    if fields and kind == RecordKind.BRANCH_SETTINGS:
        raise Refused("A branch’s settings are not taken back from here.", "Set them on the branch’s page.")
    if "merged_into" in fields:
        raise Refused(
            "It made two cards of a client one, so it is not taken back from here.",
            "Part them on the page of duplicates.",
        )
    changed = [name for name in (fields if row.replaced else says) if state.seen(name) != after.seen(name)]
    if changed:
        title = title_of(Sight(actor), kind, shown_fields(kind, state), {})
        raise Refused(
            f"“{title}” was changed again since it was taken up, so this cannot be taken back.",
            "Change the card itself.",
        )
    if row.replaced:
        return {name: said.get(name) for name in fields}
    if "archived" not in CARD_FIELDS[RecordKind(kind)]:
        raise Refused(
            "A card of this kind cannot be put away again, so this cannot be taken back.", "Change the card itself."
        )
    return {"archived": True}


def _taken_up(connection: Connection, kind: int, card_id: bytes) -> Any:
    """A proposal that keeps what the card was before; all that were taken up together keep the same."""
    statement = select(proposal).where(
        proposal.c.kind == kind, proposal.c.card_id == card_id, proposal.c.taken_up.is_not(None)
    )
    return connection.execute(statement.order_by(proposal.c.resolved_at.desc()).limit(1)).one_or_none()


def _reopen(connection: Connection, now_us: int, decided: Sequence[Any]) -> None:
    """The proposals that the act was about; what its branch has handed back again since waits already."""
    kept = 0
    for row in decided:
        of_row = (
            proposal.c.branch_id == row.branch_id,
            proposal.c.kind == int(row.detail),
            proposal.c.card_id == row.record_id,
        )
        opened = {"resolved_at": None, "replaced": None, "taken_up": None, "reopened_at": now_us}
        kept += connection.execute(update(proposal).where(*of_row).values(opened)).rowcount
    if not kept:
        raise Refused("What was decided about is not here any more.", "Perhaps the person was erased.")
