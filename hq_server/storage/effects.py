"""What operations change at HQ: gathered before anything is written, and written in a few statements for all."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError

from hq_server.storage.audience import (
    Reference,
    members_of,
    new_references,
    publications_for_edits,
    reference_row,
    welcome_all,
    welcome_references,
)
from hq_server.storage.budgets import apply_facts, available_of, spent_of
from hq_server.storage.client_circle import ServedClient, clients_edited, hold_clients, publications_of_facts
from hq_server.storage.counters import counter_rows
from hq_server.storage.feed import Publication, publish
from hq_server.storage.late_work import expect_late_work, follow_late_work
from hq_server.storage.loyalty import apply_points, make_budgets
from hq_server.storage.merged_points import budgets_of, groups_of_facts, groups_of_merges, settle_groups
from hq_server.storage.passwords import take_passwords
from hq_server.storage.people import told_branches
from hq_server.storage.rollups import RollupDeltas
from hq_server.storage.store import HqStore
from hq_server.storage.tables import central_commit, client_reference, command, record_counter
from shared.domain.branch_facts import BranchFact
from shared.domain.identifiers import format_id
from shared.domain.interactions import ClientTransfer, Interaction
from shared.domain.records import RecordKind
from shared.operations.cards import CardEdit, MergedCards, merge_cards
from shared.storage.fact_rows import (
    Row,
    RowsByTable,
    add_branch_fact_rows,
    add_refund_rows,
    add_sale_rows,
    add_shift_close_rows,
    add_shift_open_rows,
    new_rows,
)
from shared.sync.card_merge import Stamp
from shared.sync.counting import CounterDeltas
from shared.sync.limits import CARD_STATE_BYTES_MAX
from shared.wire.decoding import DecodedEntry

OWNER_BRANCHES_MAX = 5
"""In how many branches an employee works at most for a client to follow him into all of them."""


class CardTooLargeError(Exception):
    """An edit would make a card larger than a message may be."""


# What a database cannot take of a value: a number, a key or a card that does not fit. Not ProgrammingError: on
# PostgreSQL that is a missing right or table, which is no entry's fault and would park them all.
REFUSALS = (IntegrityError, DataError, InterfaceError, OverflowError, CardTooLargeError)


def evidence_of(error: Exception) -> str:
    """What the database said."""
    return str(error.orig if isinstance(error, DBAPIError) else error)


class Written(NamedTuple):
    """What became of effects: merged cards, how many records went to the feed's outbox, new references."""

    merged: MergedCards | None
    published: int
    references: set[Reference]


@dataclass(slots=True)
class Effects:
    """What some operations change; those of several branches may stand together."""

    facts: RowsByTable = field(default_factory=new_rows)
    edits: list[CardEdit] = field(default_factory=list)
    commands: list[Row] = field(default_factory=list)
    decisions: list[Row] = field(default_factory=list)
    rollups: RollupDeltas = field(default_factory=RollupDeltas)
    counters: dict[bytes, CounterDeltas] = field(default_factory=dict)
    references: set[Reference] = field(default_factory=set)
    branch_facts: list[tuple[bytes, BranchFact]] = field(default_factory=list)
    served: list[ServedClient] = field(default_factory=list)

    def gather(self, branch_id: bytes, entry: DecodedEntry, now_us: int, with_patches: bool = True) -> None:
        """Adds what an operation changes; with its facts counted, as entries of the journal are."""
        self.gather_operation(branch_id, entry, now_us, with_patches)
        self.count(branch_id, entry)

    def count(self, branch_id: bytes, entry: DecodedEntry) -> None:
        """Counts an entry's facts, without their effects."""
        self.counters.setdefault(branch_id, CounterDeltas()).add(entry.figures)

    def gather_operation(self, branch_id: bytes, entry: DecodedEntry, now_us: int, with_patches: bool = True) -> None:
        """Adds what an operation changes that is not in the journal yet: its facts are counted when it is."""
        header = entry.opened.header
        command_id = header.command_id
        self.commands.append((branch_id, command_id, now_us))
        for sale_id, sale in entry.sales:
            totals = add_sale_rows(self.facts, branch_id, sale_id, command_id, sale, now_us)
            self.rollups.add(branch_id, sale, totals)
            if sale.client is not None:
                self.references.add((branch_id, sale.client))
        for refund_id, refunded in entry.refunds:
            add_refund_rows(self.facts, branch_id, refund_id, command_id, refunded, now_us)
            self.rollups.add_refund(branch_id, refunded)
            if refunded.client is not None:
                self.references.add((branch_id, refunded.client))
        for shift_id, opened in entry.shift_opens:
            add_shift_open_rows(self.facts, branch_id, shift_id, command_id, opened, now_us)
        for close_id, closed in entry.shift_closes:
            add_shift_close_rows(self.facts, branch_id, close_id, command_id, closed, now_us)
        for fact_id, branch_fact in entry.branch_facts:
            add_branch_fact_rows(self.facts, branch_id, fact_id, command_id, branch_fact, now_us)
            self.branch_facts.append((branch_id, branch_fact))
        self.served += _served_clients(branch_id, entry)
        if entry.patches and with_patches:
            stamp = Stamp(header.hlc_epoch, header.hlc, command_id, header.author, branch_id)
            self.edits += [CardEdit(kind, card_id, stamp, patch) for kind, card_id, patch in entry.patches]


def write_effects(
    store: HqStore, connection: Connection, effects: Effects, known_references: Container[Reference], now_us: int
) -> Written:
    """Writes effects in the caller's transaction. Raises one of REFUSALS when the database cannot take something."""
    counted = [row for branch_id, deltas in sorted(effects.counters.items()) for row in counter_rows(branch_id, deltas)]
    references = {reference for reference in effects.references if reference not in known_references}
    new = new_references(connection, references)
    inserts = {
        command: effects.commands,
        central_commit: effects.decisions,
        client_reference: [reference_row(reference, now_us) for reference in new],
        **effects.facts,
    }
    store.bulk.write(connection, inserts, {**effects.rollups.rows(), record_counter: counted})
    merged: MergedCards | None = None
    following = expect_late_work(connection, effects.edits, now_us)
    members = _hold_clients(connection, effects)
    # The chain's clock is held before cards, here as everywhere.
    published = publish(connection, take_passwords(connection, effects.branch_facts, now_us))
    if effects.edits:
        merged = merge_cards(connection, effects.edits, now_us, now_us)
        _require_small_cards(merged)
        published += publish(connection, publications_for_edits(connection, effects.edits, merged, now_us))
        published += follow_late_work(connection, following, effects.edits, merged, now_us)
    published += publish(connection, welcome_references(connection, new, now_us))
    published += publish(connection, _news_of_clients(connection, effects, members, merged, now_us))
    # Cards are locked before budgets, here as everywhere; and all budgets of a transaction in one order.
    groups = groups_of_merges(connection, effects.edits) | groups_of_facts(connection, effects.branch_facts)
    wanted = make_budgets(connection, effects.branch_facts, now_us) | spent_of(effects.branch_facts)
    available_of(connection, wanted | budgets_of(connection, groups))
    apply_points(connection, effects.branch_facts, now_us)
    apply_facts(connection, effects.branch_facts, now_us)
    settle_groups(connection, groups, now_us)
    return Written(merged, published, references)


def _served_clients(branch_id: bytes, entry: DecodedEntry) -> list[ServedClient]:
    """The entry's facts of clients."""
    clients: dict[bytes, tuple[bytes | None, str | None]] = {}
    for fact_id, sale in entry.sales:
        if sale.client is not None or sale.client_id is not None:
            clients[fact_id] = sale.client_id, sale.client
    for fact_id, refund in entry.refunds:
        if refund.client is not None or refund.client_id is not None:
            clients[fact_id] = refund.client_id, refund.client
    for fact_id, fact in entry.branch_facts:
        if isinstance(fact, Interaction | ClientTransfer):
            clients[fact_id] = fact.client_id, None
    if not clients:
        return []
    return [
        ServedClient(branch_id, figure.kind, figure.record_id, *clients[figure.record_id], figure.payload)
        for figure in entry.figures
        if figure.record_id in clients
    ]


def _hold_clients(connection: Connection, effects: Effects) -> dict[bytes, set[bytes]]:
    edited = clients_edited(connection, effects.edits) if effects.edits else set()
    if not edited and not effects.served:
        return {}
    return hold_clients(connection, effects.served, edited)


def _news_of_clients(
    connection: Connection,
    effects: Effects,
    members: dict[bytes, set[bytes]],
    merged: MergedCards | None,
    now_us: int,
) -> list[Publication]:
    """What branches are told of facts about clients: whoever begins to serve one everything, the others the fact."""
    created = {card_id for _, card_id in merged.created} if merged else set()
    pairs = {
        (each.branch_id, each.client_id)
        for each in effects.served
        if each.client_id is not None
        and each.branch_id not in members[each.client_id]
        and each.client_id not in created
    }
    pairs |= _branches_of_new_owners(connection, effects, members)
    newcomers = sorted(pair for pair in pairs if pair[0] not in members_of(connection, pair[1]))
    return welcome_all(connection, newcomers, now_us) + publications_of_facts(connection, effects.served, members)


def _branches_of_new_owners(
    connection: Connection, effects: Effects, members: dict[bytes, set[bytes]]
) -> set[tuple[bytes, bytes]]:
    """Where the employees work into whose hands clients came; not of those who work nearly everywhere."""
    pairs: set[tuple[bytes, bytes]] = set()
    for _, fact in effects.branch_facts:
        if isinstance(fact, ClientTransfer) and fact.to_employee_id is not None:
            told = told_branches(connection, fact.to_employee_id)
            places = {branch_id for branch_id, works_here in told.items() if works_here}
            if len(places) <= OWNER_BRANCHES_MAX:
                pairs |= {(place, fact.client_id) for place in places - members[fact.client_id]}
    return pairs


def _require_small_cards(merged: MergedCards) -> None:
    """Raises when a card became larger than branches can be told."""
    for (kind, card_id), state in merged.encoded.items():
        if len(state) > CARD_STATE_BYTES_MAX:
            name = f"{RecordKind(kind).name.lower()} {format_id(card_id)}"
            raise CardTooLargeError(f"the {name} would take {len(state)} bytes; the limit is {CARD_STATE_BYTES_MAX}")
