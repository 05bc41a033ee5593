"""What the head office changed on its cards, and taking an edit back: one way for everything that only it edits.

A page's *subject* is one or several cards: a product with its prices, an employee with his positions, all the words of
the dictionaries. An *edit* is what one command did to them. Taking it back is an edit of its own that brings exactly
those fields to what they were; it is refused when one of them was changed again, and can be taken back like any other
(docs/decisions/0047-taking-back-at-the-head-office.md).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Table, select

from hq_server.operations.editing import HqEdit
from hq_server.operations.fleet import apply_settings
from hq_server.operations.loyalty import ProgramChange, remember_change
from hq_server.operations.people import role_fields
from hq_server.operations.report_templates import editable_template
from hq_server.operations.restored_cards import require_restorable
from hq_server.storage.audience import asker_of
from hq_server.storage.branches import branch_by_id
from hq_server.storage.feed import EVERYONE, audience_of_branch, audience_of_zone, publish
from hq_server.storage.office_history import edits_of_cards
from hq_server.storage.people import PEOPLE_KINDS, settle_person
from shared.clock import Ids
from shared.domain.cards import CARD_FIELDS, Value
from shared.domain.identifiers import shorten
from shared.domain.permissions import ROLES, Actor, Permission, require
from shared.domain.records import RecordKind
from shared.errors import NotFound, Refused
from shared.operations.cards import CardEdit, shown_fields
from shared.operations.client_history import decode_value
from shared.operations.loyalty import program_of_row
from shared.storage.card_rows import CardKey, load_states, lock_cards
from shared.storage.tables import (
    dictionary_term,
    loyalty_program,
    position,
    price,
    product_request,
    promotion,
    sale,
    sale_line,
    vat_rate,
)
from shared.sync.card_merge import HQ_ORIGIN, CardState
from shared.sync.hlc import wall_ms
from shared.wire.cards import decode_state

CHANGES_SHOWN_MAX = 50
EDITS_READ_MAX = 5_000
"""Of a subject's edits, the newest first. What a value was before the oldest of them is not known."""
CARDS_PER_SUBJECT_MAX = 2_000


class Noun(StrEnum):
    """What a subject is."""

    PRODUCT = "product"
    PROMOTION = "promotion"
    PROMOTIONS = "promotions"
    EMPLOYEE = "employee"
    ROLE = "role"
    DICTIONARIES = "dictionaries"
    VAT = "vat"
    LOYALTY = "loyalty"
    BRANCH = "branch"
    TEMPLATE = "template"
    REQUEST = "request"


class Subject(NamedTuple):
    """What a page shows the changes of. `card_id` is that of the card that gives it its name; nil of what has none."""

    noun: Noun
    card_id: bytes


class Standing(StrEnum):
    """Whether an edit can be taken back."""

    STANDS = "stands"
    CHANGED_SINCE = "changed since"
    # Of an answer to a branch's request: the shops have sold by it.
    SOLD_SINCE = "sold since"
    PERMANENT = "permanent"


class FieldChange(NamedTuple):
    """One field before and after an edit."""

    field: str
    before: Value
    after: Value


class CardPart(NamedTuple):
    """What an edit did to one card. `shown` is what the card shows now."""

    kind: int
    card_id: bytes
    is_new: bool
    changes: tuple[FieldChange, ...]
    shown: Mapping[str, Value]

    @property
    def key(self) -> CardKey:
        return self.kind, self.card_id


class OfficeEdit(NamedTuple):
    """What one command did to a subject: by whom, where, when by its clock; when this store kept it. Microseconds."""

    command_id: bytes
    author: bytes
    branch_id: bytes
    at_us: int
    seen_at_us: int
    parts: tuple[CardPart, ...]
    standing: Standing
    # The field that keeps it from being taken back.
    in_the_way: tuple[int, str] | None = None


class ChangedSince(Refused):
    """A field was changed again after the edit that was to be taken back."""

    def __init__(self, kind: int, field: str) -> None:
        super().__init__(
            f"“{field}” was changed again since, so this cannot be taken back.",
            "Look at what changed, and type the value that is wanted.",
        )
        self.kind, self.field = kind, field


def read_changes(connection: Connection, actor: Actor, subject: Subject) -> list[OfficeEdit]:
    """What was changed, the newest first, at most CHANGES_SHOWN_MAX edits. Raises NotPermitted."""
    require_subject(connection, actor, subject)
    return _edits_of(connection, subject)[:CHANGES_SHOWN_MAX]


def newest_answers(connection: Connection, actor: Actor, request_ids: Sequence[bytes]) -> dict[bytes, bytes]:
    """By request the command that answered it last. Raises NotPermitted."""
    require(actor, NEEDS[Noun.REQUEST])
    rows = edits_of_cards(connection, [(int(RecordKind.PRODUCT_REQUEST), each) for each in request_ids], EDITS_READ_MAX)
    found: dict[bytes, bytes] = {}
    for row in rows:
        if row.branch_id == HQ_ORIGIN and "state" in json.loads(row.changes):
            found.setdefault(row.card_id, row.command_id)
    return found


def edit_made_now(connection: Connection, subject: Subject, now_us: int) -> bytes | None:
    """The command of the edit that this transaction, of that moment, made of a subject; None when it changed nothing.

    It is what “Undo” takes back right after."""
    newest = edits_of_cards(connection, cards_of(connection, subject), 1)
    return bytes(newest[0].command_id) if newest and newest[0].seen_at == now_us else None


def take_back(
    connection: Connection, ids: Ids, now_us: int, actor: Actor, subject: Subject, command_id: bytes
) -> bytes:
    """Brings the fields that an edit changed to what they were; returns the command that does.

    A card that the edit made is archived. Raises NotPermitted, NotFound, ChangedSince, and what the operation raises
    that writes such values: a code that another product has meanwhile is not taken from it.
    """
    require_subject(connection, actor, subject)
    keys = cards_of(connection, subject)
    lock_cards(connection, keys)
    found = next((edit for edit in _edits_of(connection, subject) if edit.command_id == command_id), None)
    if found is None:
        raise NotFound("There is no such change.", "Load the page again.")
    if found.in_the_way is not None:
        raise ChangedSince(*found.in_the_way)
    if found.standing is Standing.SOLD_SINCE:
        raise Refused(
            "Branches have sold by this answer since, so it cannot be taken back.",
            "Change the product on its page. What was sold stays sold.",
        )
    if found.standing is not Standing.STANDS:
        raise Refused("This cannot be taken back.", "Change on the page what is to be otherwise.")
    edit = HqEdit(connection, ids, now_us, actor.employee_id)
    if subject.noun is Noun.BRANCH:
        changes = {change.field: str(change.before) for change in found.parts[0].changes}
        apply_settings(connection, edit, branch_by_id(connection, subject.card_id), changes)
    else:
        _restore(edit, actor, found.parts)
    return edit.stamp.command_id


def _restore(edit: HqEdit, actor: Actor, parts: Sequence[CardPart]) -> None:
    connection = edit.connection
    prepared: list[CardEdit] = []
    audiences: dict[bytes, str] = {}
    for part in parts:
        restored: dict[str, Value] = (
            {"archived": True} if part.is_new else {each.field: each.before for each in part.changes}
        )
        if part.kind == RecordKind.REPORT_TEMPLATE and not restored.keys().isdisjoint(("schedule", "archived")):
            # What was due while the schedule was away is not run.
            restored["scheduled_at"] = edit.now_us if {**part.shown, **restored}.get("schedule") else None
        require_restorable(connection, part.kind, part.card_id, {**part.shown, **restored})
        card = edit.prepare(RecordKind(part.kind), part.card_id, restored)
        if card is not None:
            prepared.append(card)
        if part.kind == RecordKind.PRODUCT_REQUEST:
            audiences |= _to_asker(connection, part.key)
        elif part.kind not in PEOPLE_KINDS:
            zone = part.shown.get("zone") if part.kind == RecordKind.PRICE else ""
            audiences[part.card_id] = audience_of_zone(zone) if isinstance(zone, str) else EVERYONE
        if part.kind == RecordKind.LOYALTY_PROGRAM:
            _remember_program(edit, actor, {**part.shown, **restored})
    edit.apply(prepared, audiences)
    for employee_id in sorted(_people_of(parts)):
        publish(connection, settle_person(connection, employee_id, edit.now_us))


def _to_asker(connection: Connection, key: CardKey) -> dict[bytes, str]:
    """What is said of a request is for the branch that made it."""
    asker = asker_of(decode_state(load_states(connection, [key])[key]))
    return {} if asker is None else {key[1]: audience_of_branch(asker)}


def _people_of(parts: Iterable[CardPart]) -> set[bytes]:
    found = set()
    for part in parts:
        owner = part.card_id if part.kind == RecordKind.EMPLOYEE else part.shown.get("employee_id")
        if part.kind in PEOPLE_KINDS and isinstance(owner, bytes):
            found.add(owner)
    return found


def _remember_program(edit: HqEdit, actor: Actor, fields: Mapping[str, Value]) -> None:
    rules = fields.get("earn_basis_points")
    row = {**fields, "earn_basis_points": "\n".join(rules) if isinstance(rules, tuple) else None}
    program = None if fields.get("archived") else program_of_row(row)
    code, name = str(fields.get("code") or ""), str(fields.get("name") or "")
    remember_change(edit.connection, edit.ids, ProgramChange(edit.now_us, actor.code, code, name, program))


def cards_of(connection: Connection, subject: Subject) -> list[CardKey]:
    """The cards of a subject, at most CARDS_PER_SUBJECT_MAX."""
    return _CARDS[subject.noun](connection, subject.card_id)


def _edits_of(connection: Connection, subject: Subject) -> list[OfficeEdit]:
    edits = _edits(connection, cards_of(connection, subject))
    if subject.noun is not Noun.REQUEST:
        return edits
    answers = [edit for edit in edits if edit.branch_id == HQ_ORIGIN and _answers(edit)]
    return [
        edit._replace(standing=Standing.SOLD_SINCE)
        if edit.standing is Standing.STANDS and _sold_since(connection, edit)
        else edit
        for edit in answers
    ]


def _answers(edit: OfficeEdit) -> bool:
    return any(part.kind == RecordKind.PRODUCT_REQUEST for part in edit.parts)


def _sold_since(connection: Connection, edit: OfficeEdit) -> bool:
    """Whether a product of which the answer said something was sold after it."""
    made = {
        part.card_id if part.kind == RecordKind.PRODUCT else part.shown.get("product_id")
        for part in edit.parts
        if part.kind in (RecordKind.PRODUCT, RecordKind.PRICE)
    }
    since = (
        sale.c.sold_at > edit.seen_at_us,
        sale.c.branch_id == sale_line.c.branch_id,
        sale.c.id == sale_line.c.sale_id,
    )
    sold = select(sale_line.c.sale_id).where(sale_line.c.product_id.in_(made), *since)
    return bool(made) and connection.execute(sold.limit(1)).first() is not None


def _edits(connection: Connection, keys: Sequence[CardKey]) -> list[OfficeEdit]:
    """The edits of these cards by command, the newest first."""
    states = {key: decode_state(data) for key, data in load_states(connection, keys).items()}
    rows = edits_of_cards(connection, keys, EDITS_READ_MAX)
    known: dict[tuple[CardKey, str], set[bytes]] = {}
    changed = [json.loads(row.changes) for row in rows]
    for row, fields in zip(rows, changed, strict=True):
        for name in fields:
            known.setdefault(((row.kind, row.card_id), name), set()).add(row.command_id)
    values: dict[CardKey, dict[str, Value]] = {}
    by_command: dict[tuple[bytes, bytes], list[tuple[Any, CardPart, tuple[Standing, str]]]] = {}
    for row, fields in zip(reversed(rows), reversed(changed), strict=True):
        key = row.kind, row.card_id
        state = states.get(key, CardState())
        after = {name: decode_value(encoded) for name, encoded in fields.items()}
        before = values.get(key) or _predefined(row.kind, after)
        part, standing = _part(row, after, state, before, known)
        values.setdefault(key, {}).update({change.field: change.after for change in part.changes})
        by_command.setdefault((row.command_id, row.branch_id), []).append((row, part, standing))
    found = [_edit(each) for each in by_command.values()]
    return found[::-1]


def _part(
    row: Any,
    after: Mapping[str, Value],
    state: CardState,
    before: Mapping[str, Value] | None,
    known: Mapping[tuple[CardKey, str], set[bytes]],
) -> tuple[CardPart, tuple[Standing, str]]:
    """What an edit did to one card, and whether that still stands; with the field that was changed since."""
    changes = tuple(FieldChange(name, (before or {}).get(name), value) for name, value in after.items())
    # It replaced a version that nobody kept: what that said is not known.
    unknown = {
        name
        for name in after
        if name not in (before or {}) and not _superseded(state, name) <= known[(row.kind, row.card_id), name]
    }
    is_new = before is None and not unknown
    shown = shown_fields(row.kind, state)
    part = CardPart(row.kind, row.card_id, is_new, changes, shown)
    if unknown or (is_new and "archived" not in CARD_FIELDS[RecordKind(row.kind)]):
        return part, (Standing.PERMANENT, "")
    watched = state.fields if is_new else after
    changed = [name for name in watched if name not in _FOLLOWING and state.seen(name) != (row.command_id,)]
    if changed:
        return part, (Standing.CHANGED_SINCE, min(changed, key=list(watched).index))
    return part, (Standing.STANDS, "")


def _predefined(kind: int, after: Mapping[str, Value]) -> Mapping[str, Value] | None:
    """What the first card of a predefined role took the place of: taken back, the role is that again."""
    role = ROLES.get(str(after.get("code"))) if kind == RecordKind.ROLE else None
    if role is None:
        return None
    fields = {**role_fields(role), "archived": False, "name": None}
    return {name: fields[name] for name in after if name in fields}


def _superseded(state: CardState, name: str) -> frozenset[bytes]:
    known = state.fields.get(name)
    return frozenset() if known is None else known.superseded


def _edit(rows: Sequence[tuple[Any, CardPart, tuple[Standing, str]]]) -> OfficeEdit:
    row = rows[0][0]
    parts = tuple(part for _, part, _ in rows)
    in_the_way = next(
        ((part.kind, field) for _, part, (standing, field) in rows if standing is Standing.CHANGED_SINCE), None
    )
    # What a till did is the branch's to say.
    is_permanent = row.branch_id != HQ_ORIGIN or any(stood is Standing.PERMANENT for _, _, (stood, _) in rows)
    standing = Standing.PERMANENT if is_permanent else Standing.CHANGED_SINCE if in_the_way else Standing.STANDS
    at_us = wall_ms(row.hlc) * 1_000
    return OfficeEdit(row.command_id, row.author, row.branch_id, at_us, row.seen_at, parts, standing, in_the_way)


_Cards = Callable[[Connection, bytes], list[CardKey]]


def _one(kind: RecordKind) -> _Cards:
    return lambda _connection, card_id: [(int(kind), card_id)]


def _with(kind: RecordKind, others: RecordKind, table: Table, column: str) -> _Cards:
    """A card, and those of another kind that name it."""

    def cards(connection: Connection, card_id: bytes) -> list[CardKey]:
        found = select(table.c.id).where(table.c[column] == card_id).order_by(table.c.id.desc())
        ids = connection.execute(found.limit(CARDS_PER_SUBJECT_MAX)).scalars()
        return [(int(kind), card_id), *((int(others), each) for each in ids)]

    return cards


def _all(kind: RecordKind, table: Table) -> _Cards:
    def cards(connection: Connection, _card_id: bytes) -> list[CardKey]:
        ids = connection.execute(select(table.c.id).order_by(table.c.id).limit(CARDS_PER_SUBJECT_MAX)).scalars()
        return [(int(kind), each) for each in ids]

    return cards


def _request(connection: Connection, card_id: bytes) -> list[CardKey]:
    """The requests of all branches about the same code, and the products that they were ever answered with."""
    code = select(product_request.c.code).where(product_request.c.id == card_id).scalar_subquery()
    ids = connection.execute(select(product_request.c.id).where(product_request.c.code == code)).scalars()
    requests = [(int(RecordKind.PRODUCT_REQUEST), each) for each in ids]
    rows = edits_of_cards(connection, requests, EDITS_READ_MAX)
    said = {decode_value(json.loads(row.changes).get("product_id")) for row in rows}
    products = sorted(each for each in said if isinstance(each, bytes))
    with_prices = _with(RecordKind.PRODUCT, RecordKind.PRICE, price, "product_id")
    return [*requests, *(key for product_id in products for key in with_prices(connection, product_id))]


_CARDS: Final[Mapping[Noun, _Cards]] = {
    Noun.PRODUCT: _with(RecordKind.PRODUCT, RecordKind.PRICE, price, "product_id"),
    Noun.PROMOTION: _one(RecordKind.PROMOTION),
    Noun.PROMOTIONS: _all(RecordKind.PROMOTION, promotion),
    Noun.EMPLOYEE: _with(RecordKind.EMPLOYEE, RecordKind.POSITION, position, "employee_id"),
    Noun.ROLE: _one(RecordKind.ROLE),
    Noun.DICTIONARIES: _all(RecordKind.DICTIONARY_TERM, dictionary_term),
    Noun.VAT: _all(RecordKind.VAT_RATE, vat_rate),
    Noun.LOYALTY: _all(RecordKind.LOYALTY_PROGRAM, loyalty_program),
    Noun.BRANCH: _one(RecordKind.BRANCH_SETTINGS),
    Noun.TEMPLATE: _one(RecordKind.REPORT_TEMPLATE),
    Noun.REQUEST: _request,
}
_FOLLOWING: Final = frozenset({"scheduled_at", "answered_at"})
"""Fields that follow from others, and keep nothing from being taken back."""

NEEDS: Final[Mapping[Noun, Permission]] = {
    Noun.PRODUCT: Permission.CATALOG_EDIT,
    Noun.PROMOTION: Permission.CATALOG_EDIT,
    Noun.PROMOTIONS: Permission.CATALOG_EDIT,
    Noun.EMPLOYEE: Permission.EMPLOYEE_EDIT,
    Noun.ROLE: Permission.EMPLOYEE_EDIT,
    Noun.DICTIONARIES: Permission.DICTIONARY_EDIT,
    Noun.VAT: Permission.CATALOG_EDIT,
    Noun.LOYALTY: Permission.CATALOG_EDIT,
    Noun.BRANCH: Permission.BRANCH_EDIT,
    Noun.TEMPLATE: Permission.REPORT_CHAIN,
    Noun.REQUEST: Permission.CATALOG_EDIT,
}
"""What one must be allowed to see the changes of a subject, and to take them back."""


def require_subject(connection: Connection, actor: Actor, subject: Subject) -> None:
    """Raises NotPermitted; of a template that somebody else saved too, and NotFound of one that is not shared."""
    require(actor, NEEDS[subject.noun])
    if subject.noun is Noun.TEMPLATE:
        editable_template(connection, actor, subject.card_id)


def parse_noun(text: str) -> Noun:
    """Raises NotFound."""
    if text not in frozenset(map(str, Noun)):
        raise NotFound(f"There is no history of “{shorten(text)}”.", "Load the page again.")
    return Noun(text)
