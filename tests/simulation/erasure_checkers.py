"""What must be true of the erased in a healed world, in whatever order orders and words went: see checkers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlalchemy import Connection, MetaData, select

from branch_node.storage import migrations as branch_migrations
from hq_server.storage import migrations as hq_migrations
from shared.storage.tables import client, erasure, erasure_work
from tests.simulation.erasure_actions import secret_of
from tests.simulation.person_actions import CANARIES, canary_of
from tests.simulation.world import Broken, World


def check_orders(world: World) -> None:
    """An order is known for ever, but where HQ was put back from before it; every store has carried all of them out."""
    with world.hq.store.read() as connection:
        ordered = set(connection.execute(select(erasure.c.id)).scalars())
    forgotten = {client_id for client_id, restores in world.erased.items() if restores == world.hq_restores} - ordered
    if forgotten:
        raise Broken(f"{len(forgotten)} orders to erase a person are forgotten")
    for name, connection in _stores(world):
        done = set(connection.execute(select(erasure_work.c.client_id)).scalars())
        if ordered - done:
            raise Broken(f"{name} has not carried out {len(ordered - done)} orders to erase a person")


def check_traces(world: World) -> None:
    """Nothing that any store holds says who an erased person was."""
    with world.hq.store.read() as connection:
        erased = set(connection.execute(select(erasure.c.id)).scalars())
    # Of those who were one with somebody and are not, the other's history keeps what its card had taken: see docs.
    erased_alone = erased - world.reckoner.parted
    secrets = {secret_of(client_id)[1:].encode() for client_id in erased_alone}
    secrets |= {canary_of(client_id, what).encode() for client_id in erased_alone for what in CANARIES}
    for name, connection in _stores(world):
        if set(connection.execute(select(client.c.id)).scalars()) & erased:
            raise Broken(f"{name} holds the card of an erased person")
        metadata = hq_migrations.METADATA if name == "HQ" else branch_migrations.METADATA
        found = _traces(connection, metadata, secrets) if secrets else None
        if found:
            raise Broken(f"{name} holds a word of an erased person in {found}")


def _stores(world: World) -> Iterator[tuple[str, Connection]]:
    """A snapshot of one store after the other, by name."""
    with world.hq.store.read() as connection:
        yield "HQ", connection
    for place in world.places:
        with place.store.read() as connection:
            yield place.name, connection


def _traces(connection: Connection, metadata: list[MetaData], secrets: set[bytes]) -> str | None:
    """Where a secret stands, if it does: table and column."""
    for each in metadata:
        for table in each.sorted_tables:
            for row in connection.execute(table.select()):
                for column, value in zip(table.columns, row, strict=True):
                    data = value.encode() if isinstance(value, str) else value
                    if isinstance(data, bytes | memoryview) and any(secret in bytes(data) for secret in secrets):
                        return f"{table.name}.{column.name}"
    return None


ERASURE_CHECKS: tuple[Callable[[World], None], ...] = (check_orders, check_traces)
