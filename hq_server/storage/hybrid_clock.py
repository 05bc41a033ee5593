"""HQ's own hybrid logical clock: one for the whole head office, in its database."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select, update

from hq_server.storage.tables import chain
from shared.sync.hlc import next_stamp

_LOCK = select(chain.c.hlc).with_for_update()
_STORE = update(chain).values(hlc=bindparam("newest"))


def next_hlc(connection: Connection, now_us: int) -> int:
    """The next stamp; whoever takes one goes before all later ones, until the transaction ends."""
    hlc = next_stamp(connection.execute(_LOCK).scalar_one(), now_us)
    connection.execute(_STORE, {"newest": hlc})
    return hlc
