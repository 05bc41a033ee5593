"""Deciding conflicts: one of the values becomes an edit that has seen the others; and taking the decision back.

A decision cannot be unmade, for branches have it. It is taken back by saying the values again, each in an edit that has
not seen the others: every branch that has the card meets the same conflict anew, and shows what was shown before.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, select

from hq_server.operations.editing import HqEdit
from hq_server.operations.paging import PAGE_ROWS_MAX
from hq_server.operations.record_sight import Sight
from hq_server.storage.audience import TOLD_BY_MEMBERSHIP, audiences_of_card
from hq_server.storage.client_circle import clients_edited, hold_clients
from shared.clock import Ids
from shared.domain.cards import MergeRule, Value, rule_of
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor, Permission, require
from shared.domain.records import RecordKind
from shared.errors import InvalidInput, NotFound, NotPermitted, Refused, StaleEdit
from shared.operations.cards import CardEdit, load_card
from shared.operations.client_history import decode_value
from shared.storage.card_rows import CardKey, lock_cards
from shared.storage.tables import conflict
from shared.sync.card_merge import CardState, FieldPatch, FieldState, FieldVersion, Stamp, shown_value

Side = Literal["older", "newer"]
SIDES: Final[tuple[Side, ...]] = ("older", "newer")

CHOICES_MAX: Final = PAGE_ROWS_MAX
"""How many conflicts one act decides: what a page shows."""


class Disputed(NamedTuple):
    """A field of a card."""

    kind: int
    card_id: bytes
    field: str

    @property
    def key(self) -> CardKey:
        return self.kind, self.card_id


class Choice(NamedTuple):
    """What somebody decides of a field: for one version, or for what is shown. `seen` is the token of what he saw."""

    disputed: Disputed
    version: bytes | None
    seen: str


def seen_token(known: FieldState) -> str:
    """Changes with the versions that a field has."""
    return hashlib.sha256(b"".join(sorted(version.version_id for version in known.live))).hexdigest()[:16]


def decide_conflicts(connection: Connection, ids: Ids, now_us: int, actor: Actor, choices: Sequence[Choice]) -> bytes:
    """Decides as it was chosen, all or nothing; returns the edit, by which it is taken back.

    Raises NotPermitted, InvalidInput, NotFound, StaleEdit when a field has changed since it was looked at.
    """
    require(actor, Permission.RECORDS_REVIEW)
    if not choices:
        raise InvalidInput("No conflict was chosen.", "Tick one or several first.")
    if len(choices) > CHOICES_MAX:
        raise InvalidInput(f"At most {CHOICES_MAX} conflicts are decided at once.", "Do it page by page.")
    edit = HqEdit(connection, ids, now_us, actor.employee_id)
    _hold(edit, {choice.disputed.key for choice in choices})
    values: dict[CardKey, dict[str, Value]] = defaultdict(dict)
    for choice in choices:
        values[choice.disputed.key][choice.disputed.field] = _chosen(connection, actor, choice)
    prepared = [edit.prepare(RecordKind(kind), card_id, values[kind, card_id]) for kind, card_id in sorted(values)]
    if None in prepared:
        raise _stale()
    _apply(edit, [each for each in prepared if each is not None])
    return edit.stamp.command_id


def undo_decision(connection: Connection, ids: Ids, now_us: int, actor: Actor, command_id: bytes) -> int:
    """Opens again what one edit decided; returns how many fields.

    Raises NotPermitted, NotFound, Refused when a field was changed after the decision.
    """
    require(actor, Permission.RECORDS_REVIEW)
    rows = connection.execute(select(conflict).where(conflict.c.closed_by_command_id == command_id)).all()
    if not rows:
        raise NotFound("There is no such decision.", "Look at the list of what was decided.")
    by_field = fields_of(rows)
    _reopen(connection, ids, now_us, actor, command_id, by_field)
    return len(by_field)


def resolve_conflict(
    connection: Connection,
    ids: Ids,
    now_us: int,
    card_id: bytes,
    field: str,
    side: Side,
    actor: Actor = LOCAL_ADMINISTRATOR,
) -> Value:
    """Makes one side's value the card's; returns it. Raises NotFound when no such conflict is open."""
    statement = (
        select(conflict)
        .where(conflict.c.card_id == card_id, conflict.c.field == field, conflict.c.closed_at.is_(None))
        .order_by(conflict.c.detected_at.desc())
        .limit(1)
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise NotFound("No such conflict is open.", "See: filial-hq sync conflicts")
    disputed = Disputed(row.kind, card_id, field)
    chosen = Choice(disputed, getattr(row, f"{side}_command_id"), seen_token(_known(connection, disputed)))
    decide_conflicts(connection, ids, now_us, actor, [chosen])
    return value_of(getattr(row, f"{side}_value"))


def undo_conflict(
    connection: Connection, ids: Ids, now_us: int, card_id: bytes, field: str, actor: Actor = LOCAL_ADMINISTRATOR
) -> Value:
    """Takes the last decision of a field back: what was shown before is shown again, and the conflict is open.

    Returns what is shown. Raises NotFound, Refused.
    """
    require(actor, Permission.RECORDS_REVIEW)
    of_field = and_(conflict.c.card_id == card_id, conflict.c.field == field, conflict.c.closed_at.is_not(None))
    rows = connection.execute(select(conflict).where(of_field).order_by(conflict.c.closed_at.desc())).all()
    if not rows:
        raise NotFound("No conflict of this field was decided.", "See: filial-hq sync conflicts")
    last = [row for row in rows if row.closed_by_command_id == rows[0].closed_by_command_id]
    _reopen(connection, ids, now_us, actor, rows[0].closed_by_command_id, fields_of(last))
    disputed = Disputed(rows[0].kind, card_id, field)
    return shown_value(_known(connection, disputed).live, rule_of(disputed.kind, field))


def fields_of(rows: Iterable[Any]) -> dict[Disputed, list[Any]]:
    """Rows of conflicts by field: where three met, there are several rows of one."""
    found: dict[Disputed, list[Any]] = defaultdict(list)
    for row in rows:
        found[Disputed(row.kind, row.card_id, row.field)].append(row)
    return found


def versions_of(rows: Iterable[Any]) -> list[FieldVersion]:
    """The versions that rows of one field are about, oldest first."""
    found = {
        getattr(row, f"{side}_command_id"): FieldVersion(
            Stamp(
                0,
                getattr(row, f"{side}_hlc"),
                getattr(row, f"{side}_command_id"),
                getattr(row, f"{side}_author"),
                getattr(row, f"{side}_branch_id"),
            ),
            value_of(getattr(row, f"{side}_value")),
        )
        for row in rows
        for side in SIDES
    }
    return sorted(found.values(), key=lambda version: version.stamp)


def value_of(encoded: str) -> Value:
    """A value as the log of conflicts keeps it."""
    return decode_value(json.loads(encoded))


def can_reopen(command_id: bytes, known: FieldState | None, rows: Sequence[Any]) -> bool:
    """Whether a field still is what that edit made of it, and the edit chose between what had met.

    An edit with a value of its own was no decision: taking it back would lose that value.
    """
    if known is None or [version.version_id for version in known.live] != [command_id]:
        return False
    versions = versions_of(rows)
    rule = MergeRule(rows[0].rule)
    chosen = known.live[0].value
    return rows[0].field != "merged_into" and (
        chosen in [version.value for version in versions] or chosen == shown_value(tuple(versions), rule)
    )


def require_decidable(actor: Actor, disputed: Disputed, values: Iterable[Value]) -> None:
    """Raises NotPermitted when the actor does not see what there is to decide between."""
    if disputed.field == "merged_into":
        require(actor, Permission.CLIENT_MERGE)
    if not Sight(actor).can_tell_apart(disputed.kind, disputed.field, values):
        raise NotPermitted(
            "Your role does not show you enough of these values to decide between them.",
            "Ask somebody who sees clients’ contacts.",
        )


def _chosen(connection: Connection, actor: Actor, choice: Choice) -> Value:
    disputed = choice.disputed
    of_field = and_(_is_of(disputed), conflict.c.closed_at.is_(None))
    rows = connection.execute(select(conflict).where(of_field)).all()
    if not rows:
        raise StaleEdit("This conflict is settled already.", "Look at the list as it is now.")
    versions = versions_of(rows)
    require_decidable(actor, disputed, {version.value for version in versions})
    known = _known(connection, disputed)
    if seen_token(known) != choice.seen:
        raise _stale()
    if choice.version is None:
        return shown_value(known.live, rule_of(disputed.kind, disputed.field))
    for version in versions:
        if version.version_id == choice.version:
            return version.value
    raise NotFound("This conflict has no such value.", "Look at the list as it is now.")


def _reopen(
    connection: Connection,
    ids: Ids,
    now_us: int,
    actor: Actor,
    command_id: bytes,
    by_field: Mapping[Disputed, Sequence[Any]],
) -> None:
    edit = HqEdit(connection, ids, now_us, actor.employee_id)
    _hold(edit, {disputed.key for disputed in by_field})
    rounds: list[dict[CardKey, list[FieldPatch]]] = []
    for disputed, rows in sorted(by_field.items()):
        known = _known(connection, disputed)
        versions = versions_of(rows)
        require_decidable(actor, disputed, {version.value for version in versions})
        if not can_reopen(command_id, known, rows):
            raise Refused("This was changed after the decision.", "Change the card itself.")
        for number, value in enumerate(_in_order(rows, versions)):
            if number == len(rounds):
                rounds.append(defaultdict(list))
            # None of these edits has seen another: only what the decision had made.
            rounds[number][disputed.key].append(FieldPatch(disputed.field, value, (command_id,)))
    for number, patches in enumerate(rounds):
        said = edit if number == 0 else HqEdit(connection, ids, now_us, actor.employee_id)
        _apply(said, [CardEdit(*key, said.stamp, tuple(each)) for key, each in sorted(patches.items())])


def _in_order(rows: Sequence[Any], versions: Sequence[FieldVersion]) -> list[Value]:
    """The values so that the rule shows what it showed: what comes last, but for `manual` what came first."""
    shown_id = max(rows, key=lambda row: row.detected_at).shown_command_id
    shown = [version.value for version in versions if version.version_id == shown_id]
    others = [version.value for version in versions if version.version_id != shown_id]
    return [*shown, *others] if rows[0].rule == MergeRule.MANUAL else [*others, *shown]


def _hold(edit: HqEdit, keys: Iterable[CardKey]) -> None:
    """Clients first, then cards, each in one order: two who decide at once wait for each other's end, not for ever."""
    ordered = sorted(keys)
    drafts = [CardEdit(*key, edit.stamp, ()) for key in ordered]
    hold_clients(edit.connection, (), clients_edited(edit.connection, drafts))
    lock_cards(edit.connection, ordered)


def _apply(edit: HqEdit, edits: Sequence[CardEdit]) -> None:
    audiences: dict[bytes, str] = {}
    for each in edits:
        if each.kind not in TOLD_BY_MEMBERSHIP:
            state = load_card(edit.connection, each.kind, each.card_id) or CardState()
            told = audiences_of_card(edit.connection, each.kind, each.card_id, state)
            audiences |= {each.card_id: told[0]} if told else {}
    edit.apply(edits, audiences)


def _known(connection: Connection, disputed: Disputed) -> FieldState:
    state = load_card(connection, disputed.kind, disputed.card_id)
    return FieldState() if state is None else state.fields.get(disputed.field, FieldState())


def _is_of(disputed: Disputed) -> ColumnElement[bool]:
    return and_(
        conflict.c.kind == disputed.kind,
        conflict.c.card_id == disputed.card_id,
        conflict.c.field == disputed.field,
    )


def _stale() -> StaleEdit:
    return StaleEdit("Somebody changed this meanwhile.", "Look at it again, then decide.")
