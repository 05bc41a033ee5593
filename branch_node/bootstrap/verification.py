"""`sync verify`: this store and HQ compared in one round trip."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from branch_node.operations.verification import bring_counters_up_to_date, verify_rows
from branch_node.settings import Settings
from branch_node.storage.counters import read_counters
from branch_node.storage.journal import count_entries
from branch_node.storage.store import BranchStore
from branch_node.storage.sync_state import read_sync_state
from branch_node.storage.transaction import read_node
from shared.domain.identifiers import format_id
from shared.errors import DecodeError, StoreCorrupt
from shared.sync.chain import Head
from shared.sync.counting import Counter, CounterKey, digest_counters
from shared.sync.messages import VerifyReply, VerifyRequest

COUNTERS_NAMED_MAX = 50
_DEEP_HINT = "Run: filial-branch sync verify --deep, which names the entry."


def verify_against_hq(settings: Settings, store: BranchStore, deep: bool = False) -> dict[str, Any]:
    """Compares the chain's head and the record counters with HQ's, in one round trip; with `deep` the rows here too.

    The head's hash covers every entry before it: equal heads are equal histories. Raises HqUnreachable, NotAuthorised.
    """
    from branch_node.sync_client.calls import call_verify
    from branch_node.sync_client.channel import load_identity

    differences = verify_rows(store) if deep else []
    try:
        bring_counters_up_to_date(store)
    except DecodeError as error:
        if not differences:
            raise StoreCorrupt(f"The journal cannot be read: {error.message}", _DEEP_HINT) from error
    with store.read_cursor() as cursor:
        node, chain = read_node(cursor)
        state = read_sync_state(cursor)
        entries = count_entries(cursor) + state.foreign_entries
        counters = read_counters(cursor)
    request = VerifyRequest(chain.incarnation, chain.head, digest_counters(counters))
    reply = call_verify(node.hq_address, load_identity(settings), request)
    chain_differences = _compare_chains(chain.incarnation, chain.head, reply)
    differences += chain_differences
    if not chain_differences and state.acknowledged == chain.head:
        if reply.counters is not None:
            differences += _compare_counters(counters, reply.counters)
        if reply.entries != entries and reply.counters is not None:
            differences.append(f"HQ holds {reply.entries} entries of all incarnations, this store {entries}.")
    if reply.parked:
        differences.append(f"{reply.parked} entries are parked at HQ: held, but not applied.")
    return {
        "equal": not differences,
        "entries": entries if differences else reply.entries,
        "head_hash": chain.head.entry_hash.hex(),
        "differences": differences,
    }


def _compare_chains(incarnation: bytes, head: Head, reply: VerifyReply) -> list[str]:
    if reply.incarnation != incarnation and head.seq > 0:
        return [f"This store's incarnation is {format_id(incarnation)}, HQ's {format_id(reply.incarnation)}."]
    if reply.acknowledged.seq < head.seq:
        waiting = head.seq - reply.acknowledged.seq
        return [f"HQ lacks the last {waiting} entries; run: filial-branch sync run"]
    if reply.acknowledged.seq > head.seq:
        return [f"HQ holds {reply.acknowledged.seq} entries of this incarnation, this store {head.seq}."]
    if head.seq > 0 and reply.acknowledged.entry_hash != head.entry_hash:
        return [f"Entry {head.seq} has another hash at HQ: the histories differ."]
    return []


def _compare_counters(ours: Mapping[CounterKey, Counter], theirs: Mapping[CounterKey, Counter]) -> list[str]:
    """Kinds and business dates whose counters differ."""
    differences = [
        f"Kind {kind} on {day}: here {tuple(ours.get((kind, day), Counter()))}, "
        f"at HQ {tuple(theirs.get((kind, day), Counter()))} (records, fingerprint, amount). "
        "Run with --deep on both sides to name the records."
        for kind, day in sorted({*ours, *theirs})
        if ours.get((kind, day), Counter()) != theirs.get((kind, day), Counter())
    ]
    return differences[:COUNTERS_NAMED_MAX]
