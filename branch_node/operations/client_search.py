"""Finding a client at the till: by the end of a phone or a part of the name, masked for who may not see more.

Those known here are found first, and without a network; those of the whole chain by asking the head office. A card that
is elsewhere is masked for everybody, and stays there until something is sold to its client here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam, select

from branch_node.operations.basket import BasketClient
from branch_node.storage.store import BranchStore
from shared.domain.clients import ends_a_phone, phone_digits
from shared.domain.identifiers import format_id, parse_id, shorten
from shared.domain.masking import mask_name, mask_phone
from shared.domain.permissions import Actor, ClientScope, Permission, require
from shared.domain.text_folding import fold
from shared.domain.visibility import EVERYBODY, Reach, Substitution, reach_of, shown_document, shown_name
from shared.errors import InvalidInput, NotFound, Refused, SyncError
from shared.operations.client_finding import Restriction, clients_with_number
from shared.operations.clients import client_rows, client_summary, find_clients, summary_of_state
from shared.operations.people import all_positions, day_in_zone
from shared.storage.cursor_reading import Reader
from shared.storage.tables import substitution
from shared.sync.central import FindClients, Findings, Question, ShowClient
from shared.wire.cards import decode_state

CLIENTS_SHOWN_MAX = 9
"""As many as there are digits to choose by."""

CHAIN_DIGITS_MIN: Final = 4
CHAIN_LETTERS_MIN: Final = 3
"""Fewer would list the chain's clients to whoever tries them all."""

AskHeadOffice = Callable[[Question], Findings]


class FoundClient(NamedTuple):
    """A client of the list. `reference` is what `attach_client` takes; name and phone may be masked."""

    reference: str
    name: str
    phone: str
    note: str


def find_at_till(store: BranchStore, actor: Actor, text: str, limit: int = CLIENTS_SHOWN_MAX) -> list[FoundClient]:
    """Clients known here by whatever the cashier remembers, see shared.operations.client_finding: those of one's own
    lists, and whoever has exactly the number that was typed.

    Raises NotPermitted, InvalidInput.
    """
    require(actor, Permission.CLIENT_VIEW)
    if not fold(text):
        return []
    digits = phone_digits(text) if ends_a_phone(text) else ""
    reach = EVERYBODY
    with store.one_snapshot():
        # Who sees everybody has a team as well, of which nothing is asked here.
        if actor.client_scope not in (ClientScope.BRANCH, ClientScope.CHAIN):
            reach = read_reach(store, actor)
        with store.read() as connection:
            rows = find_listed(connection, reach, text, limit)
    return [_shown(actor, row, digits) for row in rows if not row["archived"]]


def find_listed(connection: Connection, reach: Reach, text: str, limit: int) -> list[dict[str, Any]]:
    """Rows of clients that a reach shows, the best first, and of whoever has exactly the number that was typed."""
    restriction = None if reach.owners is None else Restriction(tuple(sorted(reach.owners)))
    rows = find_clients(connection, text, limit, restriction, with_recent=True)
    if restriction is None:
        return rows
    known = {row["id"] for row in rows}
    numbered = client_rows(connection, clients_with_number(connection, text))
    return ([client_summary(row) for row in numbered.values() if format_id(row.id) not in known] + rows)[:limit]


def read_reach(store: BranchStore, actor: Actor) -> Reach:
    """Whose clients the actor's lists show today."""
    day = day_in_zone(store.clock.now_us(), store.node()[0].timezone)
    with store.read() as connection:
        return reach_here(connection, actor, day)


_SUBSTITUTIONS = select(*(substitution.c[name] for name in Substitution._fields)).where(
    substitution.c.substitute_id == bindparam("substitute")
)


def reach_here(reader: Reader, actor: Actor, day: int) -> Reach:
    """Whose clients the actor's lists show. `day` is today at the branch, since 1970-01-01."""
    tree = {} if actor.client_scope is ClientScope.OWN else all_positions(reader)
    return reach_of(actor.employee_id, actor.client_scope, tree, _substitutions(reader, actor.employee_id), day)


def _substitutions(reader: Reader, substitute_id: bytes) -> list[Substitution]:
    rows = reader.execute(_SUBSTITUTIONS, {"substitute": substitute_id})
    return [Substitution(*row) for row in rows if row.employee_id is not None]


def find_in_chain(ask: AskHeadOffice, actor: Actor, text: str, limit: int = CLIENTS_SHOWN_MAX) -> list[FoundClient]:
    """The same of the whole chain, masked.

    Raises NotPermitted, InvalidInput, Refused when the head office does not answer.
    """
    require(actor, Permission.CLIENT_VIEW)
    is_number = ends_a_phone(text)
    digits = phone_digits(text)
    if len(digits) < CHAIN_DIGITS_MIN and sum(map(str.isalpha, text)) < CHAIN_LETTERS_MIN:
        raise InvalidInput("The whole chain has too many such clients.", "Type four digits of the phone, or the name.")
    found = [row for row in ask_for_clients(ask, FindClients(text, limit)) if not row["archived"]]
    return [_masked(row, digits if is_number else "") for row in found[:limit]]


def chain_client(ask: AskHeadOffice, actor: Actor, reference: str) -> BasketClient:
    """A client of the chain as a basket names them. Raises NotPermitted, NotFound, Refused."""
    require(actor, Permission.CLIENT_VIEW)
    found = [row for row in ask_for_clients(ask, ShowClient(reference, 0)) if not row["archived"]]
    if not found:
        raise NotFound(f"The chain has no client {shorten(reference)}.", "Look for them by phone or name.")
    (row,) = found
    return BasketClient(parse_id(row["id"]), row["external_id"] or row["id"], _masked(row, "").name)


def ask_for_clients(ask: AskHeadOffice, question: Question) -> list[dict[str, Any]]:
    """The clients that the head office names, as documents. Raises Refused when it does not answer."""
    try:
        findings = ask(question)
    except SyncError as error:
        hint = "This works when the shop is online; go on without a client."
        raise Refused("The head office does not answer.", hint) from error
    return [summary_of_state(found.client_id, decode_state(found.state)) for found in findings.clients]


def shown_client(actor: Actor, attached: BasketClient) -> str:
    """The name of a basket's client as the actor may see it."""
    return shown_name(actor, attached.name)


def _shown(actor: Actor, row: dict[str, Any], digits: str) -> FoundClient:
    named = {"name": row["name"] or row["external_id"] or "", "phones": [_phone(row, digits)], "note": row["note"]}
    shown = shown_document(actor, named)
    return FoundClient(row["id"], shown["name"], next(iter(shown["phones"]), ""), shown["note"] or "")


def _masked(row: dict[str, Any], digits: str) -> FoundClient:
    name = row["name"] or row["external_id"] or ""
    return FoundClient(row["id"], mask_name(name), mask_phone(_phone(row, digits)), "")


def _phone(row: dict[str, Any], digits: str) -> str:
    return next((each for each in row["phones"] if each.endswith(digits)), "")
