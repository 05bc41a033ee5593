"""Founding a chain: an empty database becomes a head office."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from hq_server.storage import migrations
from hq_server.storage.store import HqStore
from hq_server.storage.tables import chain, feed_compaction, feed_head
from shared.clock import Clock, Ids
from shared.domain.business_time import require_zone
from shared.domain.money import require_currency
from shared.errors import AlreadyExists, InvalidInput
from shared.sync.chain import NO_HASH
from shared.sync.hlc import from_wall

NAME_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class ChainRow:
    """The chain as it was founded."""

    chain_id: bytes
    name: str
    currency: str
    timezone: str


def require_chain(name: str, currency: str, timezone: str) -> None:
    """Checks what a chain is to be founded with. Raises InvalidInput."""
    if not name.strip() or len(name) > NAME_CHARACTERS_MAX or not name.isprintable():
        raise InvalidInput(f"The chain's name must have 1 to {NAME_CHARACTERS_MAX} printable characters.")
    require_currency(currency)
    require_zone(timezone)


def found_chain(store: HqStore, name: str, currency: str, timezone: str, clock: Clock, ids: Ids) -> ChainRow:
    """Makes the schema and the chain's row. Raises AlreadyExists when the database holds a chain."""
    now_us = clock.now_us()
    founded = ChainRow(ids.new_id(), name, currency, timezone)
    with store.write() as connection:
        migrations.upgrade(connection)
        if connection.execute(select(chain.c.id)).first() is not None:
            raise AlreadyExists("This database holds a head office already.", "Name another database, or use this one.")
        connection.execute(
            chain.insert().values(
                id=1,
                chain_id=founded.chain_id,
                name=name,
                currency=currency,
                timezone=timezone,
                created_at=now_us,
                hlc=from_wall(now_us),
                fleet_revision=1,
            )
        )
        connection.execute(feed_head.insert().values(id=1, epoch=ids.new_id(), position=0, running_hash=NO_HASH))
        connection.execute(feed_compaction.insert().values(id=1, position=0))
    return founded


def read_chain(connection: Connection) -> ChainRow:
    """The chain of this database."""
    row = connection.execute(select(chain.c.chain_id, chain.c.name, chain.c.currency, chain.c.timezone)).one()
    return ChainRow(row.chain_id, row.name, row.currency, row.timezone)
