"""What took place with a client, read back from its rows: sales, refunds, interactions and transfers as payloads.

Contains no rules: which client a number belongs to is said by who asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Select, Table, and_, or_, select

from shared.domain.business_time import LocalMoment
from shared.domain.interactions import ClientTransfer, Interaction, KeyPoint
from shared.domain.records import RecordKind
from shared.operations.receipts import read_refund, read_sale
from shared.storage.tables import client_transfer, interaction, interaction_point, refund, sale
from shared.wire.payloads import encode_branch_fact, encode_refund, encode_sale

CLIENT_FACT_KINDS: Final = (
    RecordKind.SALE,
    RecordKind.REFUND,
    RecordKind.INTERACTION,
    RecordKind.CLIENT_TRANSFER,
)
"""Facts that belong to a client."""


class ClientFact(NamedTuple):
    """Where and when a fact of a client was recorded. `at_us` is UTC."""

    branch_id: bytes
    kind: int
    fact_id: bytes
    at_us: int


def facts_of_client(
    connection: Connection, client_id: bytes, names: Sequence[str], since_us: int, facts_max: int
) -> list[ClientFact]:
    """The newest facts of a client since a moment, newest first. `names` are the numbers that sales may give instead
    of the card: the external id, and the card's own id as text."""
    found = [
        ClientFact(branch_id, kind, fact_id, at_us)
        for kind, statement in _statements(client_id, names, since_us, facts_max)
        for branch_id, fact_id, at_us in connection.execute(statement)
    ]
    return sorted(found, key=lambda fact: (-fact.at_us, fact.kind, fact.branch_id, fact.fact_id))[:facts_max]


def _statements(client_id: bytes, names: Sequence[str], since_us: int, facts_max: int) -> list[tuple[int, Select[Any]]]:
    def newest(table: Table, moment: Any, matches: Any) -> Select[Any]:
        statement = select(table.c.branch_id, table.c.id, moment).where(matches, moment >= since_us)
        return statement.order_by(moment.desc()).limit(facts_max)

    statements = []
    for kind, table, moment in (
        (RecordKind.SALE, sale, sale.c.sold_at),
        (RecordKind.REFUND, refund, refund.c.refunded_at),
    ):
        named = and_(table.c.client.in_(names), table.c.client_id.is_(None), table.c.client.is_not(None))
        statements.append((int(kind), newest(table, moment, or_(table.c.client_id == client_id, named))))
    for kind, table in ((RecordKind.INTERACTION, interaction), (RecordKind.CLIENT_TRANSFER, client_transfer)):
        statements.append((int(kind), newest(table, table.c.at, table.c.client_id == client_id)))
    return statements


def payload_of(connection: Connection, fact: ClientFact) -> bytes:
    """A fact's payload, from its rows."""
    key = fact.branch_id, fact.fact_id
    match fact.kind:
        case RecordKind.SALE:
            return encode_sale(read_sale(connection, key))
        case RecordKind.REFUND:
            return encode_refund(read_refund(connection, key))
        case RecordKind.INTERACTION:
            return encode_branch_fact(read_interaction(connection, *key))
        case _:
            return encode_branch_fact(read_transfer(connection, *key))


def read_interaction(connection: Connection, branch_id: bytes, fact_id: bytes) -> Interaction:
    """An interaction with its key points."""
    head = connection.execute(
        select(interaction).where(interaction.c.branch_id == branch_id, interaction.c.id == fact_id)
    ).one()
    points = connection.execute(
        select(*[interaction_point.c[name] for name in KeyPoint._fields])
        .where(interaction_point.c.branch_id == branch_id, interaction_point.c.interaction_id == fact_id)
        .order_by(interaction_point.c.point_number)
    )
    return Interaction(
        client_id=head.client_id,
        channel=head.channel,
        direction=head.direction,
        employee=head.employee,
        at=_moment(head),
        contact=head.contact,
        reached=head.reached,
        outcome=head.outcome,
        duration_seconds=head.duration_seconds,
        subject=head.subject,
        body=head.body,
        told=head.told,
        points=tuple(KeyPoint(*row) for row in points),
        task_id=head.task_id,
        next_task_id=head.next_task_id,
        corrects_id=head.corrects_id,
        withdrawn=bool(head.withdrawn),
    )


def read_transfer(connection: Connection, branch_id: bytes, fact_id: bytes) -> ClientTransfer:
    """A client's transfer."""
    head = connection.execute(
        select(client_transfer).where(client_transfer.c.branch_id == branch_id, client_transfer.c.id == fact_id)
    ).one()
    return ClientTransfer(
        client_id=head.client_id,
        from_employee_id=head.from_employee_id,
        to_employee_id=head.to_employee_id,
        hand_over_id=head.hand_over_id,
        employee=head.employee,
        at=_moment(head),
        reason=head.reason,
        undoes_id=head.undoes_id,
    )


def _moment(head: Any) -> LocalMoment:
    return LocalMoment(head.at, head.utc_offset_seconds, head.zone)
