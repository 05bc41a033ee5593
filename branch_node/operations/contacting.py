"""Calling and writing to a client: whether one may, and the leave that is taken when the client wants no contact.

What took place can always be logged; only beginning is blocked.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam, select

from branch_node.operations.committing import Commit, Wanted, WantedFact
from branch_node.storage.store import BranchStore
from branch_node.storage.transaction import BranchTransaction
from shared.domain.branch_facts import AuditEntry
from shared.domain.business_time import local_moment
from shared.domain.identifiers import format_id
from shared.domain.interactions import Channel
from shared.domain.masking import mask_name, mask_phone
from shared.domain.permissions import Actor, Permission, require
from shared.errors import InvalidInput, NotFound, NotPermitted
from shared.storage.cursor_reading import Reader
from shared.storage.tables import client

CONTACT_OVERRIDE_NOTED: Final = "contact_override"
"""The action of the audit's entry."""

NO_REGISTER: Final = "-"
"""What an audit's entry says of somebody who sits at no register."""

OVERRIDE_REASON_CHARACTERS_MAX: Final = 150
STARTED_CHANNELS: Final = frozenset({Channel.CALL, Channel.EMAIL, Channel.MESSAGE})
"""Ways in which the shop begins."""


_CONTACTED = select(
    client.c.name,
    client.c.external_id,
    client.c.phones,
    client.c.emails,
    client.c.do_not_contact,
    client.c.do_not_contact_reason,
    client.c.archived,
    client.c.merged_into,
).where(client.c.id == bindparam("id"))


class ContactPoint(NamedTuple):
    """A phone or an address, and how the actor sees it. `address` is empty for whoever may not see contacts."""

    place: int
    address: str
    shown: str
    is_phone: bool


class ContactedClient(NamedTuple):
    """Whom one speaks with. `name` and the points are masked for who may not see contacts."""

    client_id: bytes
    name: str
    points: tuple[ContactPoint, ...]
    do_not_contact: bool
    do_not_contact_reason: str
    archived: bool
    merged_into: bytes | None


def read_contacted(reader: Reader, actor: Actor, client_id: bytes) -> ContactedClient:
    """The client as the actor may see them. Raises NotPermitted, NotFound."""
    require(actor, Permission.CLIENT_VIEW)
    row = reader.execute(_CONTACTED, {"id": client_id}).one_or_none()
    if row is None:
        raise NotFound("There is no such client here.", "Look for them by phone or name.")
    sees = actor.may(Permission.CLIENT_CONTACTS)
    name = row.name or row.external_id or ""
    phones, emails = _lines(row.phones), _lines(row.emails)
    points = [
        _point(index, address, index < len(phones), sees and _field(index < len(phones)) not in actor.hidden_fields)
        for index, address in enumerate([*phones, *emails])
    ]
    return ContactedClient(
        client_id,
        name if sees else mask_name(name),
        tuple(points),
        bool(row.do_not_contact),
        row.do_not_contact_reason or "",
        bool(row.archived),
        row.merged_into,
    )


def contact_of(connection: Connection, client_id: bytes, index: int) -> str:
    """The phone or address of that index, whoever asks; "" when there is none."""
    row = connection.execute(select(client.c.phones, client.c.emails).where(client.c.id == client_id)).one_or_none()
    known = [] if row is None else [*_lines(row.phones), *_lines(row.emails)]
    return known[index] if 0 <= index < len(known) else ""


def require_may_contact(actor: Actor, do_not_contact: bool, reason: str) -> str:
    """Why a client is contacted who does not want it; "" for one who may be. Raises NotPermitted, InvalidInput."""
    if not do_not_contact:
        return ""
    if not actor.may(Permission.CONTACT_OVERRIDE):
        raise NotPermitted(
            "This client does not want to be contacted.", "Ask a manager; what took place you can log all the same."
        )
    given = " ".join(reason.split())
    if not given or len(given) > OVERRIDE_REASON_CHARACTERS_MAX:
        raise InvalidInput(
            "A client who does not want it is contacted for a reason.", "Write a word or two: an auditor will read it."
        )
    return given


def start_contact(
    store: BranchStore, commit: Commit, actor: Actor, client_id: bytes, channel: str, reason: str = ""
) -> ContactedClient:
    """Begins an outgoing call or letter: nothing is recorded, unless the client wants no contact; then it is audited.

    Raises NotPermitted, NotFound, InvalidInput, and what `commit` does.
    """
    require(actor, Permission.INTERACTION_LOG)
    if channel not in STARTED_CHANNELS:
        raise InvalidInput("The shop begins calls, letters and messages.")
    with store.read() as connection:
        found = read_contacted(connection, actor, client_id)
    given = require_may_contact(actor, found.do_not_contact, reason)
    if given:
        detail = f"{channel} {format_id(client_id)}: {given}"
        commit(lambda transaction: Wanted(actor.employee_id, (), (override_entry(transaction, actor, detail),)))
    return found


def override_entry(transaction: BranchTransaction, actor: Actor, detail: str) -> WantedFact:
    """What an auditor reads of a contact against a client's wish."""
    at = local_moment(transaction.now_us, transaction.node.timezone)
    register = actor.register or NO_REGISTER
    entry = AuditEntry(CONTACT_OVERRIDE_NOTED, register, actor.code, None, 0, detail, at)
    return WantedFact(transaction.ids.new_id(), entry)


def _point(index: int, address: str, is_phone: bool, sees: bool) -> ContactPoint:
    if sees:
        return ContactPoint(index, address, address, is_phone)
    return ContactPoint(index, "", mask_phone(address) if is_phone else f"•••{address[address.find('@') :]}", is_phone)


def _field(is_phone: bool) -> str:
    return "phones" if is_phone else "emails"


def _lines(text: Any) -> list[str]:
    return text.split("\n") if text else []
