"""The records of a serialised entry as they were hashed: kind, id, salt and payload. Checks nothing."""

from __future__ import annotations

from typing import NamedTuple

from shared.wire.generated import sync_pb2 as pb


class RawRecord(NamedTuple):
    """`salt` is empty when the record was erased or pruned; a payload without one stands in for what was erased."""

    kind: int
    id: bytes
    salt: bytes
    payload: bytes


def raw_records(data: bytes) -> list[RawRecord]:
    """In the entry's order."""
    return [RawRecord(each.kind, each.id, each.salt, each.payload) for each in pb.Entry.FromString(data).records]
