"""A client's card as one employee sees it: fields, conflicts, contacts, and what changed since that one last looked."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.sqlite import insert

from branch_node.operations.client_access import require_open
from branch_node.operations.client_editing import field_versions
from branch_node.storage.store import BranchStore
from branch_node.storage.tables import client_seen
from shared.domain.cards import MergeRule, Value, rule_of
from shared.domain.client_masking import as_seen_by, hidden_fields, masked_fields
from shared.domain.clients import ClientKind
from shared.domain.permissions import Actor
from shared.domain.records import RecordKind
from shared.domain.text_folding import fold, sort_key
from shared.errors import InvalidInput, NotFound
from shared.operations.cards import shown_fields
from shared.operations.client_history import FieldChange, PastEdit, history_of, people_names
from shared.storage.card_rows import load_states
from shared.storage.cursor_reading import CursorReader, Reader
from shared.storage.tables import client, neighbour_fact
from shared.sync.card_merge import HQ_ORIGIN, CardState, FieldVersion, shown_version
from shared.sync.hlc import wall_ms
from shared.wire.cards import decode_state

CONTACTS_MAX = 100
"""Contacts of a company that its card lists."""

REVISION_BYTES = 8


_CONTACT = select(client.c.id, client.c.name, client.c.external_id, client.c.position, client.c.phones)
_CONTACTS_BY_ID = _CONTACT.where(client.c.id.in_(bindparam("ids", expanding=True)))
_OF_COMPANY = _CONTACT.where(
    client.c.company_id == bindparam("company"), client.c.archived.is_(False), client.c.merged_into.is_(None)
).limit(CONTACTS_MAX)
_SEEN = select(client_seen.c.edits).where(
    client_seen.c.employee_id == bindparam("employee"), client_seen.c.client_id == bindparam("client")
)
_BRANCH_CODE = select(neighbour_fact.c.branch_code).where(neighbour_fact.c.branch_id == bindparam("branch")).limit(1)


class Place(NamedTuple):
    """Who did something, and where. Names are "" where nobody is known: an employee of another branch, a program.

    `branch` is a branch's code, "" for one that is not known here.
    """

    person: str
    branch: str
    is_here: bool = False
    is_head_office: bool = False


class DisputedValue(NamedTuple):
    """One of several values of a field, and whose it is."""

    version_id: bytes
    value: Value
    place: Place
    at_us: int
    is_shown: bool


class DisputedField(NamedTuple):
    """A field that has several values. `is_union`: all of them are shown together."""

    field: str
    is_union: bool
    values: tuple[DisputedValue, ...]


class Contact(NamedTuple):
    """A person of a company, or a company of a person."""

    client_id: bytes
    name: str
    position: str
    phone: str


class ClientView(NamedTuple):
    """A card as the actor sees it. `hidden` fields are not in `fields`; of `masked` ones a part is.

    `versions` belong to a form (client_editing.format_versions); `revision` changes with the card.
    """

    client_id: bytes
    fields: dict[str, Value]
    hidden: frozenset[str]
    masked: frozenset[str]
    versions: dict[str, str]
    revision: str
    disputed: tuple[DisputedField, ...]
    owner: str
    company: Contact | None
    contacts: tuple[Contact, ...]
    survivor: Contact | None

    @property
    def name(self) -> str:
        """What the card is called; "" without a name."""
        found = self.fields.get("name") or self.fields.get("external_id")
        return found if isinstance(found, str) else ""

    @property
    def is_company(self) -> bool:
        return self.fields.get("kind") == ClientKind.COMPANY

    @property
    def is_archived(self) -> bool:
        return bool(self.fields.get("archived"))


class Edit(NamedTuple):
    """A past edit as the actor may see it."""

    edit: PastEdit
    place: Place
    changes: tuple[FieldChange, ...]


def look_at_client(store: BranchStore, actor: Actor, client_id: bytes) -> ClientView:
    """Raises NotPermitted, NotFound."""
    require_open(store, actor, client_id)
    with store.look() as transaction:
        reader = transaction.reader
        encoded = _load(reader, client_id)
        state = decode_state(encoded)
        shown = shown_fields(RecordKind.CLIENT, state)
        hidden = hidden_fields(actor)
        seen = {name: as_seen_by(actor, name, value) for name, value in shown.items() if name not in hidden}
        owner_id = shown.get("owner_id")
        owners = people_names(reader, [owner_id] if isinstance(owner_id, bytes) else [])
        is_company = shown.get("kind") == ClientKind.COMPANY
        return ClientView(
            client_id,
            seen,
            hidden,
            masked_fields(actor),
            {name: text for name, text in field_versions(state).items() if name in seen},
            revision_of(encoded),
            _disputed(reader, actor, state, _Places(reader, transaction.node)),
            next(iter(owners.values()), ""),
            _one(reader, actor, shown.get("company_id")),
            _contacts(reader, actor, client_id) if is_company else (),
            _one(reader, actor, shown.get("merged_into")),
        )


def revision_of(encoded: bytes) -> str:
    """A short text that is another whenever a card is."""
    return blake2b(encoded, digest_size=REVISION_BYTES).hexdigest()


def read_revision(store: BranchStore, actor: Actor, client_id: bytes) -> str:
    """The same of a card that is here, without looking into it. Raises NotPermitted, NotFound."""
    require_open(store, actor, client_id)
    with store.read_cursor() as cursor:
        return revision_of(_load(CursorReader(cursor), client_id))


def past_edits(store: BranchStore, actor: Actor, client_id: bytes) -> list[Edit]:
    """What changed on a card, newest first, without what the actor may not see. Raises NotPermitted, NotFound."""
    require_open(store, actor, client_id)
    with store.look() as transaction:
        _load(transaction.reader, client_id)
        edits = history_of(transaction.reader, RecordKind.CLIENT, client_id)
        places = _Places(transaction.reader, transaction.node)
        return _as_seen(actor, reversed(edits), places)


def changed_since_looked(store: BranchStore, actor: Actor, client_id: bytes) -> list[Edit]:
    """What others changed since the actor opened the card last, newest first; from now on he has seen it.

    Nothing at the first time. Raises NotPermitted.
    """
    require_open(store, actor, client_id)
    with store.look() as transaction:
        reader = transaction.reader
        # In the order in which they came here: what a branch recorded offline comes late, and is new all the same.
        edits = sorted(history_of(reader, RecordKind.CLIENT, client_id), key=lambda edit: edit.seen_at_us)
        known = reader.execute(_SEEN, {"employee": actor.employee_id, "client": client_id}).scalar_one_or_none()
        new = [] if known is None else [edit for edit in edits[known:] if edit.author != actor.employee_id]
        found = _as_seen(actor, reversed(new), _Places(reader, transaction.node))
    if known != len(edits):
        _remember(store, actor, client_id, len(edits))
    return found


def names_of_ids(store: BranchStore, actor: Actor, ids: Iterable[bytes]) -> dict[bytes, str]:
    """What employees and clients are called, as far as they are known here and the actor may see it."""
    wanted = list(dict.fromkeys(ids))
    with store.read_cursor() as cursor:
        reader = CursorReader(cursor)
        names = people_names(reader, wanted)
        others = [each for each in wanted if each not in names]
        rows = reader.execute(_CONTACTS_BY_ID, {"ids": others}) if others else ()
        return names | {row.id: _contact(actor, row).name for row in rows}


def find_company(store: BranchStore, name: str) -> bytes:
    """The company of that name. Raises InvalidInput when there is none, or several."""
    statement = select(client.c.id, client.c.name).where(
        client.c.sort_key == sort_key(name), client.c.kind == ClientKind.COMPANY, client.c.archived.is_(False)
    )
    with store.read() as connection:
        found = [row.id for row in connection.execute(statement) if fold(row.name or "") == fold(name)]
    if not found:
        raise InvalidInput(
            "There is no company of that name here.", "Open the company's card, and add the contact there."
        )
    if len(found) > 1:
        raise InvalidInput(
            "There are several companies of that name.", "Open the company's card, and add the contact there."
        )
    return bytes(found[0])


def _remember(store: BranchStore, actor: Actor, client_id: bytes, edits: int) -> None:
    row = {"employee_id": actor.employee_id, "client_id": client_id, "edits": edits, "seen_at": store.clock.now_us()}
    statement = insert(client_seen).values(row)
    # Whoever loses it to a power cut is told once more.
    with store.write(waits_for_disk=False) as connection:
        connection.execute(statement.on_conflict_do_update(index_elements=["employee_id", "client_id"], set_=row))


def _load(reader: Reader, client_id: bytes) -> bytes:
    key = (int(RecordKind.CLIENT), client_id)
    found = load_states(reader, [key])
    if key not in found:
        raise NotFound("There is no such client here.", "Look for them by phone or name.")
    return found[key]


class _Places:
    """Says who and where, each name looked up once."""

    def __init__(self, reader: Reader, node: Any) -> None:
        self._reader, self._node = reader, node
        self._people: dict[bytes, str] = {}
        self._branches: dict[bytes, str] = {node.branch_id: node.code}

    def __call__(self, author: bytes, branch_id: bytes) -> Place:
        if author not in self._people:
            self._people[author] = people_names(self._reader, [author]).get(author, "")
        if branch_id not in self._branches:
            self._branches[branch_id] = self._branch(branch_id)
        is_here = branch_id == self._node.branch_id
        return Place(self._people[author], self._branches[branch_id], is_here, branch_id == HQ_ORIGIN)

    def _branch(self, branch_id: bytes) -> str:
        """The code of a branch that did something with a client who is known here."""
        return self._reader.execute(_BRANCH_CODE, {"branch": branch_id}).scalar_one_or_none() or ""


def _as_seen(actor: Actor, edits: Iterable[PastEdit], places: _Places) -> list[Edit]:
    hidden = hidden_fields(actor)
    found = []
    for edit in edits:
        changes = tuple(_change_seen(actor, change) for change in edit.changes if change.field not in hidden)
        if changes:
            found.append(Edit(edit, places(edit.author, edit.branch_id), changes))
    return found


def _change_seen(actor: Actor, change: FieldChange) -> FieldChange:
    before, after = (as_seen_by(actor, change.field, value) for value in (change.before, change.after))
    return change._replace(before=before, after=after)


def _disputed(reader: Reader, actor: Actor, state: CardState, places: _Places) -> tuple[DisputedField, ...]:
    hidden = hidden_fields(actor)
    found = []
    for name in sorted(state.fields):
        live = state.fields[name].live
        if name in hidden or len({version.value for version in live}) < 2:
            continue
        rule = rule_of(RecordKind.CLIENT, name)
        shown = shown_version(live, rule)
        values = tuple(_disputed_value(actor, name, each, places, each == shown) for each in live)
        found.append(DisputedField(name, rule is MergeRule.UNION, values))
    return tuple(found)


def _disputed_value(actor: Actor, name: str, version: FieldVersion, places: _Places, is_shown: bool) -> DisputedValue:
    stamp = version.stamp
    value = as_seen_by(actor, name, version.value)
    place = places(stamp.author, stamp.branch_id)
    return DisputedValue(version.version_id, value, place, wall_ms(stamp.hlc) * 1_000, is_shown)


def _one(reader: Reader, actor: Actor, client_id: Value) -> Contact | None:
    if not isinstance(client_id, bytes):
        return None
    row = reader.execute(_CONTACTS_BY_ID, {"ids": [client_id]}).one_or_none()
    return Contact(client_id, "", "", "") if row is None else _contact(actor, row)


def _contacts(reader: Reader, actor: Actor, company_id: bytes) -> tuple[Contact, ...]:
    rows = reader.execute(_OF_COMPANY, {"company": company_id}).all()
    return tuple(sorted((_contact(actor, row) for row in rows), key=lambda contact: contact.name))


def _contact(actor: Actor, row: Any) -> Contact:
    name = as_seen_by(actor, "name", row.name or row.external_id or "")
    phones = as_seen_by(actor, "phones", tuple((row.phones or "").split("\n")))
    return Contact(row.id, str(name or ""), row.position or "", phones[0] if isinstance(phones, tuple) else "")
