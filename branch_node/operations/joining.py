"""Making a branch's store: its identity, its first incarnation, and an empty journal."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from branch_node.storage import tables
from shared.clock import Ids
from shared.domain.identifiers import NIL_ID
from shared.sync.chain import NO_HASH, hash_genesis
from shared.sync.messages import ProcessingMode, WhenUnreachable


class BranchIdentity(NamedTuple):
    """Who HQ says this branch is."""

    chain_id: bytes
    chain_name: str
    branch_id: bytes
    code: str
    name: str
    timezone: str
    currency: str
    price_zone: str


def write_identity(
    connection: Connection, identity: BranchIdentity, hq_address: str, ids: Ids, now_us: int, replace: bool = False
) -> None:
    """Fills an empty store with its identity and mints its first incarnation; with `replace`, history is to come."""
    connection.execute(
        tables.node.insert().values(
            id=1,
            **identity._asdict(),
            mode=ProcessingMode.DISTRIBUTED.value,
            when_unreachable=WhenUnreachable.REFUSE.value,
            hq_address=hq_address,
            revision=1,
            hlc_epoch=0,
            hlc_seen=0,
        )
    )
    incarnation = ids.new_id()
    genesis_hash = hash_genesis(identity.branch_id, incarnation)
    connection.execute(
        tables.incarnation.insert().values(
            number=1,
            id=incarnation,
            first_position=1,
            genesis_hash=genesis_hash,
            parent_seq=0,
            created_at=now_us,
        )
    )
    connection.execute(
        tables.sync_state.insert().values(
            id=1,
            acknowledged_seq=0,
            acknowledged_hash=genesis_hash,
            feed_epoch=NIL_ID,
            feed_position=0,
            feed_hash=NO_HASH,
            backup_seq=0,
            connected=0,
            history_life=0 if replace else None,
            history_seq=0 if replace else None,
        )
    )
