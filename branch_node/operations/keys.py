"""Idempotency keys: an operation's key is claimed once, and whoever brings it again gets the first answer."""

from __future__ import annotations

from typing import NamedTuple

from branch_node.storage.intents import Intent, doubt_intent, read_intent
from branch_node.storage.transaction import BranchTransaction
from shared.errors import KeyReused

_CLAIM = """
INSERT INTO idempotency_key (key, command_id, content_hash, record_id, seq, confirmed) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
"""
_READ = "SELECT content_hash, record_id, seq, confirmed, command_id FROM idempotency_key WHERE key = ?"


class CommittedBefore(NamedTuple):
    """What the key was committed as: the id of the record, and its entry's number in the journal."""

    record_id: bytes
    seq: int
    confirmed: bool


Known = CommittedBefore | Intent


def claim_key(
    transaction: BranchTransaction, key: str, content_hash: bytes, command_id: bytes, record_id: bytes, seq: int
) -> Known | None:
    """Claims a key for an operation; what became of it when it was claimed before. `seq` is 0 when HQ is to be asked.

    Raises KeyReused when it was claimed with other content.
    """
    claim = (key, command_id, content_hash, record_id, seq, False)
    if transaction.cursor.execute(_CLAIM, claim).rowcount == 1:
        return None
    return known_key(transaction, key, content_hash)


def note_key(transaction: BranchTransaction, key: str, content_hash: bytes, record_id: bytes) -> None:
    """Claims a new key for an operation that is done here, after its record got its id."""
    transaction.cursor.execute(_CLAIM, (key, transaction.command_id, content_hash, record_id, transaction.seq, False))


def known_key(transaction: BranchTransaction, key: str, content_hash: bytes) -> Known | None:
    """What became of a key: committed, or an intent that HQ is asked about; None when it is new. Raises KeyReused."""
    row = transaction.cursor.execute(_READ, (key,)).fetchone()
    if row is None:
        return None
    stored_hash, record_id, seq, confirmed, command_id = row
    if stored_hash != content_hash:
        raise KeyReused("This key was committed with other content.", "Give every operation a key of its own.")
    if seq == 0:
        # Whoever began it may have died after the question left.
        doubt_intent(transaction.cursor, command_id)
        intent = read_intent(transaction.cursor, command_id)
        assert intent is not None
        return intent
    return CommittedBefore(record_id, seq, bool(confirmed))
