"""HQ's own hybrid logical clock: one for the whole head office, in its database."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from hq_server.storage.tables import chain
from shared.sync.hlc import next_stamp


def next_hlc(connection: Connection, now_us: int) -> int:
    """The next stamp; whoever takes one goes before all later ones, until the transaction ends."""
    hlc = next_stamp(connection.execute(select(chain.c.hlc).with_for_update()).scalar_one(), now_us)
    connection.execute(update(chain).values(hlc=hlc))
    return hlc
