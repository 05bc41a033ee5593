"""What people do with a client's card: make it, change fields of it, archive it, take that back, decide conflicts.

Each with the check that the person may do it, and recorded in whichever mode the branch works (`commit`). An edit names
what its editor saw: a field that a colleague changed meanwhile is not overwritten unasked (docs/decisions/0032).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, NoReturn

from sqlalchemy import select

from branch_node.operations.clients import want_changes, want_client
from branch_node.operations.committing import Commit, Wanted
from branch_node.storage.store import BranchStore
from branch_node.storage.transaction import BranchTransaction
from shared.domain.business_time import local_moment
from shared.domain.cards import Value
from shared.domain.client_masking import hidden_fields, masked_fields
from shared.domain.clients import CONSENTS, ClientKind, require_consents
from shared.domain.permissions import Actor, ClientScope, Permission, require
from shared.domain.records import RecordKind
from shared.errors import InvalidInput, NotFound, NotPermitted, Refused, StaleEdit
from shared.operations.cards import load_card, shown_fields
from shared.operations.client_history import history_of
from shared.operations.clients import client_fields
from shared.storage.conflict_rows import encode_value
from shared.storage.tables import client
from shared.sync.card_merge import CardState

VERSION_BYTES = 5

RULED_FIELDS = frozenset({"group", "tier"})
"""What promotions and points go by: changed by those who may import clients, as from a file."""

ADDED_FIELDS = frozenset({"phones", "emails"})
"""Whoever may not see these may still add one."""


class ChangedMeanwhile(StaleEdit):
    """A colleague changed these fields after the editor had looked at them."""

    def __init__(self, message: str, hint: str, fields: Iterable[str]) -> None:
        super().__init__(message, hint)
        self.fields = tuple(fields)


def field_versions(state: CardState) -> dict[str, str]:
    """What an editor sees of each field, as a short text: which versions there are, and what they show."""
    shown = shown_fields(RecordKind.CLIENT, state)
    return {
        name: f"{_digest(*sorted(state.seen(name)))}.{_value_digest(name, shown.get(name))}"
        for name in sorted(state.fields)
    }


def format_versions(versions: Mapping[str, str]) -> str:
    """As a form carries it."""
    return " ".join(f"{name}:{version}" for name, version in versions.items())


def parse_versions(text: str) -> dict[str, str]:
    """What came back with a form; whatever is not understood was not seen."""
    pairs = (part.partition(":") for part in text.split())
    return {name: version for name, found, version in pairs if found}


def untouched_fields(versions: Mapping[str, str], fields: Mapping[str, Value]) -> frozenset[str]:
    """Of fields that came back with a form, those that are as its reader saw them."""
    return frozenset(
        name
        for name, value in fields.items()
        if versions.get(name, _NEVER_THERE).partition(".")[2] == _value_digest(name, value)
    )


def create_client(
    store: BranchStore,
    commit: Commit,
    actor: Actor,
    given: Mapping[str, Any],
    country: str,
    wanted_id: bytes | None = None,
) -> bytes:
    """Makes a card; returns its id. `given` are fields as they were typed.

    A form that is sent twice names the same `wanted_id`, and makes one card. Whoever looks after clients of one's own
    alone looks after the new one. Raises NotPermitted, InvalidInput, AlreadyExists, and what `commit` raises.
    """
    require(actor, Permission.CLIENT_EDIT)
    _require_ruled(actor, given)
    typed = client_fields(given, country)
    fields: dict[str, Value] = {name: value for name, value in typed.items() if _told(name, value) is not None}
    if actor.client_scope is ClientScope.OWN:
        fields.setdefault("owner_id", actor.employee_id)
    client_id = wanted_id or store.ids.new_id()

    def prepare(transaction: BranchTransaction) -> Wanted:
        if load_card(transaction.connection, RecordKind.CLIENT, client_id) is not None:
            return Wanted()
        _require_company(transaction, client_id, fields)
        _require_born(transaction, fields)
        _date_consents(fields, {}, transaction.now_us)
        require_consents(fields)
        return want_client(transaction, client_id, fields, actor.employee_id)

    commit(prepare)
    return client_id


def edit_client(
    commit: Commit,
    actor: Actor,
    client_id: bytes,
    given: Mapping[str, Any],
    country: str,
    versions: Mapping[str, str] | None = None,
) -> bool:
    """Changes fields of a card; false when nothing changed. `given` are fields as they were typed.

    `versions` are those that the editor saw: what he left as he saw it is left alone, and what a colleague changed
    meanwhile raises ChangedMeanwhile. None: he saw what is there. Raises NotPermitted, NotFound, InvalidInput,
    AlreadyExists, Refused for a card that was merged into another, and what `commit` raises.
    """
    require(actor, Permission.CLIENT_EDIT)
    _require_ruled(actor, given)
    typed = client_fields(given, country)

    def prepare(transaction: BranchTransaction) -> Wanted:
        state = _require_state(transaction, client_id)
        shown = shown_fields(RecordKind.CLIENT, state)
        changes = _changes(actor, state, shown, typed, versions)
        _require_company(transaction, client_id, changes)
        _require_born(transaction, changes)
        _date_consents(changes, shown, transaction.now_us)
        after = {**shown, **changes}
        require_consents({name: value for name, value in after.items() if _is_about(name, changes)})
        _require_named(after)
        return want_changes(transaction, client_id, changes, actor.employee_id)

    return commit(prepare) is not None


def archive_client(commit: Commit, actor: Actor, client_id: bytes, archived: bool = True) -> bool:
    """Puts a card away, or takes it back; false when it is so already. Raises as `edit_client`."""
    require(actor, Permission.CLIENT_EDIT)

    def prepare(transaction: BranchTransaction) -> Wanted:
        _require_state(transaction, client_id)
        return want_changes(transaction, client_id, {"archived": archived}, actor.employee_id)

    return commit(prepare) is not None


def undo_edit(commit: Commit, actor: Actor, client_id: bytes, command_id: bytes) -> bool:
    """Gives each field of an edit the value that it had before, unless somebody changed it since.

    Raises NotPermitted, NotFound, ChangedMeanwhile, and what `commit` raises.
    """
    require(actor, Permission.CLIENT_EDIT)

    def prepare(transaction: BranchTransaction) -> Wanted:
        state = _require_state(transaction, client_id)
        edits = history_of(transaction.connection, RecordKind.CLIENT, client_id)
        made = next((each for each in edits if each.command_id == command_id), None)
        if made is None:
            raise NotFound("There is no such change here.", "Look at what changed.")
        before = {change.field: change.before for change in made.changes}
        _require_visible(actor, before)
        changed_since = [name for name in before if state.seen(name) != (command_id,)]
        if changed_since:
            _refuse_stale(changed_since)
        _require_named({**shown_fields(RecordKind.CLIENT, state), **before})
        return want_changes(transaction, client_id, before, actor.employee_id)

    return commit(prepare) is not None


def decide_field(commit: Commit, actor: Actor, client_id: bytes, field: str, version_id: bytes | None) -> bool:
    """Settles a field that has several values: that of one version, or, with None, what is shown now.

    Raises NotPermitted, NotFound when the version is there no more, and what `commit` raises.
    """
    require(actor, Permission.CLIENT_EDIT)
    _require_visible(actor, (field,))

    def prepare(transaction: BranchTransaction) -> Wanted:
        state = _require_state(transaction, client_id)
        known = state.fields.get(field)
        values = {version.version_id: version.value for version in known.live} if known else {}
        if not values or (version_id is not None and version_id not in values):
            raise NotFound("That value is there no more: somebody has decided already.", "Look at the card again.")
        value = shown_fields(RecordKind.CLIENT, state).get(field) if version_id is None else values[version_id]
        return want_changes(transaction, client_id, {field: value}, actor.employee_id)

    return commit(prepare) is not None


def last_edit(store: BranchStore, actor: Actor, client_id: bytes) -> bytes | None:
    """The newest edit of a card that the actor made: what may be undone."""
    with store.read() as connection:
        edits = history_of(connection, RecordKind.CLIENT, client_id)
    return next((each.command_id for each in reversed(edits) if each.author == actor.employee_id), None)


def _changes(
    actor: Actor,
    state: CardState,
    shown: Mapping[str, Value],
    typed: Mapping[str, Value],
    versions: Mapping[str, str] | None,
) -> dict[str, Value]:
    """What the editor changed of what he saw. Raises NotPermitted, ChangedMeanwhile."""
    now = field_versions(state)
    changes: dict[str, Value] = {}
    stale = []
    blind = _blind(actor)
    seen = {} if versions is None else versions
    untouched = untouched_fields(seen, typed) - blind if versions is not None else frozenset[str]()
    for name in typed.keys() - untouched:
        value = typed[name]
        if _told(name, value) == _told(name, shown.get(name)):
            continue
        changes[name] = value
        if versions is not None and name not in blind and seen.get(name, _NEVER_THERE) != now.get(name, _NEVER_THERE):
            stale.append(name)
    for name in ADDED_FIELDS & changes.keys() & blind:
        # Whoever does not see the phones adds one.
        changes[name] = tuple(sorted({*_texts(shown.get(name)), *_texts(changes[name])}))
    _require_visible(actor, changes.keys() - ADDED_FIELDS)
    if stale:
        _refuse_stale(stale)
    return changes


def _refuse_stale(fields: Iterable[str]) -> NoReturn:
    raise ChangedMeanwhile(
        "Somebody else has changed this in the meanwhile.",
        "Look at what is there now: save again to put yours in its place.",
        sorted(fields),
    )


def _blind(actor: Actor) -> frozenset[str]:
    return hidden_fields(actor) | masked_fields(actor)


def _require_visible(actor: Actor, fields: Iterable[str]) -> None:
    if _blind(actor) & set(fields):
        raise NotPermitted(
            "Nobody changes what he may not see.", "Ask somebody who may see the contacts of clients to do it."
        )


def _require_ruled(actor: Actor, given: Mapping[str, Any]) -> None:
    if RULED_FIELDS & given.keys():
        require(actor, Permission.CLIENT_IMPORT)


def _require_state(transaction: BranchTransaction, client_id: bytes) -> CardState:
    state = load_card(transaction.connection, RecordKind.CLIENT, client_id)
    if state is None:
        raise NotFound("There is no such client here.", "Look for them by phone or name.")
    if shown_fields(RecordKind.CLIENT, state).get("merged_into") is not None:
        raise Refused("This card was merged into another.", "Change that one.")
    return state


def _require_named(fields: Mapping[str, Value]) -> None:
    if not fields.get("name") and not fields.get("external_id"):
        raise InvalidInput("A client needs a name or an external id.")


def _require_company(transaction: BranchTransaction, client_id: bytes, fields: Mapping[str, Value]) -> None:
    """A contact is of a company that is here. Raises InvalidInput."""
    company_id = fields.get("company_id")
    if company_id is None:
        return
    kind = transaction.connection.execute(select(client.c.kind).where(client.c.id == company_id)).scalar_one_or_none()
    if kind != ClientKind.COMPANY or company_id == client_id:
        raise InvalidInput("A contact belongs to a company.", "Open the company's card, and add the contact there.")


def _require_born(transaction: BranchTransaction, fields: Mapping[str, Value]) -> None:
    """Nobody is born after today, by the calendar of the branch. Raises InvalidInput."""
    birthday = fields.get("birthday")
    today = local_moment(transaction.now_us, transaction.node.timezone).business_date
    if isinstance(birthday, str) and birthday > today.isoformat():
        raise InvalidInput("The birthday is yet to come.", "Look at the year.")


def _date_consents(changes: dict[str, Value], shown: Mapping[str, Value], now_us: int) -> None:
    """A consent that is given or withdrawn now is so from now on, unless a date was typed."""
    for consent in CONSENTS:
        if (consent.given in changes and consent.at not in changes) or (
            consent.source in changes and consent.at not in changes and shown.get(consent.at) is None
        ):
            changes[consent.at] = now_us


def _is_about(name: str, changes: Mapping[str, Value]) -> bool:
    """Whether a rule about several fields looks at this one: only when one of them is touched."""
    groups = [frozenset(consent) for consent in CONSENTS]
    groups.append(frozenset({"do_not_contact", "do_not_contact_reason"}))
    return any(name in group and group & changes.keys() for group in groups)


def _texts(value: Value) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def _told(name: str, value: Value) -> Value:
    """Nothing, none of a set and no flag are one to who looks at a form; that a consent was not given is more."""
    return None if value == () or (value is False and name not in _CONSENT_FLAGS) else value


def _digest(*parts: bytes) -> str:
    return blake2b(b"\0".join(parts), digest_size=VERSION_BYTES).hexdigest()


def _value_digest(name: str, value: Value) -> str:
    return _digest(encode_value(_told(name, value)).encode())


_CONSENT_FLAGS = frozenset(consent.given for consent in CONSENTS)
_NEVER_THERE = f"{_digest()}.{_value_digest('', None)}"
"""What is seen of a field that nobody has filled in."""
