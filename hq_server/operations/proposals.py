"""Taking up what branches handed back of the head office's own cards after it lost them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy import Connection, update

from hq_server.operations.editing import HqEdit
from hq_server.operations.fleet import zone_change
from hq_server.operations.people import refresh_audiences
from hq_server.operations.verdicts import Subject, SubjectKind, Verdict, note_verdict
from hq_server.storage.audience import TOLD_BY_MEMBERSHIP, audiences_of_card, join_circles, members_of
from hq_server.storage.branches import branch_by_id
from hq_server.storage.client_circle import everything_of
from hq_server.storage.feed import Publication, audience_of_branch, publish
from hq_server.storage.late_work import expect_late_work, follow_late_work
from hq_server.storage.people import PEOPLE_KINDS
from hq_server.storage.proposals import (
    close_proposal,
    close_what_is_known,
    keep_replaced,
    open_proposals,
    plausible,
    unseen,
)
from hq_server.storage.tables import branch
from shared.clock import Ids
from shared.domain.cards import Value, rules_of
from shared.domain.identifiers import format_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor, Permission, require
from shared.domain.records import RecordKind
from shared.operations.branch_settings import is_usable_setting
from shared.operations.cards import CardEdit, load_card, merge_cards, shown_fields
from shared.storage.card_rows import CardKey, load_states
from shared.sync.card_merge import CardState, FieldPatch, merge_states
from shared.sync.messages import CardForgotten, CardFull
from shared.wire.cards import decode_state

RIGHTS_KINDS = PEOPLE_KINDS | {int(RecordKind.ROLE)}
"""Cards that give or take rights: who decides about them may hire."""

_SETTINGS = ("name", "timezone", "price_zone", "mode", "when_unreachable")


def list_proposals(connection: Connection, now_us: int) -> list[dict[str, str]]:
    """What waits for a decision: branch, kind, card, and every field as it is here and as it is proposed.

    What HQ has learnt since by another way is closed first.
    """
    close_what_is_known(connection, now_us)
    rows = open_proposals(connection)
    stored = load_states(connection, {(row.kind, row.card_id) for row in rows})
    listed = []
    for row in rows:
        kind = RecordKind(row.kind)
        here = _shown(kind, stored.get((row.kind, row.card_id)))
        proposed = _shown(kind, row.state)
        name = next((proposed[field] for field in ("sku", "external_id", "name", "code") if proposed.get(field)), "")
        changes = [
            f"{field}: {here.get(field, 'nothing')!s} → {value!s}"
            for field, value in sorted(proposed.items())
            if here.get(field) != value and not isinstance(value, bytes)
        ]
        listed.append(
            {
                "branch": row.code,
                "kind": kind.name.lower(),
                "name": str(name),
                "card": format_id(row.card_id),
                "changes": "; ".join(changes),
            }
        )
    return listed


def _shown(kind: RecordKind, state: bytes | None) -> dict[str, Value]:
    """What a card shows to whoever decides: of a password only that there is one."""
    shown = {} if state is None else shown_fields(kind, decode_state(state))
    if shown.get("password_hash") is not None and kind is RecordKind.CREDENTIAL:
        shown["password_hash"] = f"a password ({hashlib.sha256(str(shown['password_hash']).encode()).hexdigest()[:8]})"
    return shown


class Decision(NamedTuple):
    """About how many cards something was decided, and the act by which that is taken back."""

    cards: int
    command_id: bytes


def accept_proposals(
    connection: Connection,
    ids: Ids,
    now_us: int,
    wanted: Callable[[Any], bool] = lambda row: True,
    actor: Actor = LOCAL_ADMINISTRATOR,
) -> Decision:
    """Merges proposed cards into HQ's own and tells their audiences. Raises NotPermitted."""
    rows = _wanted(connection, wanted, actor)
    command_id = note_verdict(connection, ids, now_us, actor, _subjects(rows), Verdict.ACCEPTED)
    before = load_states(connection, {(row.kind, row.card_id) for row in rows})
    arrivals = [
        plausible(connection, CardFull(row.kind, row.card_id, row.state), decode_state(row.state), now_us)
        for row in rows
    ]
    following = expect_late_work(connection, arrivals, now_us)
    merged = merge_cards(connection, arrivals, now_us, now_us)
    keys = sorted({arrival.key for arrival in arrivals})
    for kind, card_id in keys:
        state = merged.states[kind, card_id]
        record = CardFull(kind, card_id, merged.encoded.get((kind, card_id)) or _encoded(rows, kind, card_id))
        publish(
            connection,
            [Publication(audience, record) for audience in audiences_of_card(connection, kind, card_id, state)],
        )
        if kind == RecordKind.CLIENT:
            # Who held the card before HQ did was told nothing that goes with it.
            for member in sorted(members_of(connection, card_id)):
                publish(connection, everything_of(connection, card_id, member, now_us))
            publish(connection, join_circles(connection, card_id, card_id, now_us))
    follow_late_work(connection, following, arrivals, merged, now_us)
    _say_again(HqEdit(connection, ids, now_us, actor.employee_id), rows)
    for kind, card_id in keys:
        known = load_card(connection, kind, card_id) or CardState()
        keep_replaced(connection, kind, card_id, before.get((kind, card_id)), known)
        close_proposal(connection, kind, card_id, now_us)
        if kind == RecordKind.BRANCH_SETTINGS:
            # The prices of a new zone go after the setting that names it.
            _adopt_settings(connection, card_id, known)
    if any(kind in PEOPLE_KINDS for kind, _ in keys):
        refresh_audiences(connection, ids, now_us)
    return Decision(len(keys), command_id)


def reject_proposals(
    connection: Connection,
    ids: Ids,
    now_us: int,
    wanted: Callable[[Any], bool] = lambda row: True,
    actor: Actor = LOCAL_ADMINISTRATOR,
) -> Decision:
    """Decides that none of what is proposed is taken up. Raises NotPermitted.

    The branches that hold it are told so: HQ's own value replaces the proposed ones as an edit that has seen them, and
    a card that HQ does not know is forgotten.
    """
    by_card: dict[CardKey, list[Any]] = {}
    chosen = _wanted(connection, wanted, actor)
    command_id = note_verdict(connection, ids, now_us, actor, _subjects(chosen), Verdict.REJECTED)
    for row in chosen:
        by_card.setdefault((row.kind, row.card_id), []).append(row)
    for (kind, card_id), rows in sorted(by_card.items()):
        close_proposal(connection, kind, card_id, now_us)
        ours = load_card(connection, kind, card_id)
        if ours is None:
            forgotten = CardForgotten(kind, card_id)
            publish(connection, [Publication(audience_of_branch(row.branch_id), forgotten) for row in rows])
        else:
            _insist(HqEdit(connection, ids, now_us, actor.employee_id), RecordKind(kind), card_id, ours, rows)
    return Decision(len(by_card), command_id)


def may_decide(actor: Actor, kind: int) -> bool:
    """Whether the actor may take up or set aside a card of that kind: people's cards say who may do what."""
    return actor.may(Permission.RECORDS_REVIEW) and (kind not in RIGHTS_KINDS or actor.may(Permission.EMPLOYEE_EDIT))


def _wanted(connection: Connection, wanted: Callable[[Any], bool], actor: Actor) -> list[Any]:
    """Every proposal of the cards of which one is wanted: what is decided of a card holds for all who proposed it."""
    require(actor, Permission.RECORDS_REVIEW)
    rows = open_proposals(connection)
    keys = {(row.kind, row.card_id) for row in rows if wanted(row)}
    if any(kind in RIGHTS_KINDS for kind, _ in keys):
        require(actor, Permission.EMPLOYEE_EDIT)
    return [row for row in rows if (row.kind, row.card_id) in keys]


def _subjects(rows: list[Any]) -> list[Subject]:
    return [Subject(SubjectKind.PROPOSAL, row.branch_id, row.card_id, str(row.kind)) for row in rows]


def _say_again(edit: HqEdit, rows: list[Any]) -> None:
    """What is taken up after a decision about it was taken back: HQ's own edits have seen those values since, so that
    merging them shows nothing, and they are said anew."""
    proposed: dict[CardKey, CardState] = {}
    for row in rows:
        if row.reopened_at is not None:
            key = row.kind, row.card_id
            known = proposed.get(key, CardState())
            proposed[key] = merge_states(known, decode_state(row.state), rules_of(row.kind)).state
    prepared: list[CardEdit] = []
    told: dict[bytes, str] = {}
    for (kind, card_id), state in sorted(proposed.items()):
        proposed_fields = shown_fields(kind, state)
        here = shown_fields(kind, load_card(edit.connection, kind, card_id) or CardState())
        if here.get("archived"):
            proposed_fields.setdefault("archived", False)
        each = edit.prepare(RecordKind(kind), card_id, proposed_fields)
        if each is not None:
            prepared.append(each)
            told |= told_of(edit.connection, kind, card_id, state)
    edit.apply(prepared, told)


def told_of(connection: Connection, kind: int, card_id: bytes, state: CardState) -> dict[bytes, str]:
    """Who is told of an edit of a card, where no table says so."""
    if kind in TOLD_BY_MEMBERSHIP:
        return {}
    audiences = audiences_of_card(connection, kind, card_id, state)
    return {card_id: audiences[0]} if audiences else {}


def _insist(edit: HqEdit, kind: RecordKind, card_id: bytes, ours: CardState, rows: list[Any]) -> None:
    """An edit that shows what HQ shows and has seen what was proposed."""
    seen: dict[str, set[bytes]] = {}
    for row in rows:
        for name, versions in unseen(ours, decode_state(row.state)).items():
            seen.setdefault(name, set()).update(versions)
    shown = shown_fields(kind, ours)
    patches = tuple(
        FieldPatch(name, shown.get(name), (*ours.seen(name), *sorted(versions)))
        for name, versions in sorted(seen.items())
    )
    if patches:
        told = told_of(edit.connection, kind, card_id, ours)
        edit.apply([CardEdit(kind, card_id, edit.stamp, patches)], told)


def _adopt_settings(connection: Connection, branch_id: bytes, state: CardState) -> None:
    shown = shown_fields(RecordKind.BRANCH_SETTINGS, state)
    changes = {name: shown[name] for name in _SETTINGS if is_usable_setting(name, shown.get(name))}
    before = branch_by_id(connection, branch_id)
    connection.execute(update(branch).where(branch.c.id == branch_id).values(changes))
    after = branch_by_id(connection, branch_id)
    if after.price_zone != before.price_zone:
        publish(connection, zone_change(connection, before, after))


def _encoded(rows: list[Any], kind: int, card_id: bytes) -> bytes:
    """A card that HQ knew all of by the time it was taken up."""
    return next(bytes(row.state) for row in rows if (row.kind, row.card_id) == (kind, card_id))
