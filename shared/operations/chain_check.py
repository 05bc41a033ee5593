"""A chain of stored entries, followed past whatever is wrong in it: each entry stands alone, each bad one is told once.

An entry is proven when its hash over its predecessor's is the stored one. Only proven entries say what rows should be.
"""

from __future__ import annotations

from typing import NamedTuple

from shared.errors import DecodeError
from shared.sync.chain import Head, hash_entry, hash_records
from shared.wire.entries import OpenedEntry, open_entry


class Followed(NamedTuple):
    """An entry that can be read, and whether the chain proves what it says."""

    opened: OpenedEntry
    is_proven: bool


class ChainCheck:
    """`problems` are sentences; `sound` is the last entry before the first of them. `whose` ends an entry's name."""

    def __init__(self, genesis_hash: bytes, whose: str = "") -> None:
        self.problems: list[str] = []
        self.sound = Head(0, genesis_hash)
        self._whose = whose
        self._seq = 0
        # What the next entry may cover: nothing is known of it after a gap, two hashes after an altered entry.
        self._previous: tuple[bytes, ...] = (genesis_hash,)

    @classmethod
    def after(cls, anchor: Head) -> ChainCheck:
        """Begins behind an entry that is taken for sound."""
        check = cls(anchor.entry_hash)
        check.sound, check._seq = anchor, anchor.seq
        return check

    def begin_life(self, genesis_hash: bytes) -> None:
        """The next entry is the first of another incarnation."""
        self._previous = (genesis_hash,)

    def follow(self, seq: int, stored_hash: object, data: object) -> Followed | None:
        """Takes the next stored entry; None when it cannot be read."""
        before = len(self.problems)
        self._note_gap(seq)
        previous, self._seq = self._previous, seq
        entry_hash = stored_hash if isinstance(stored_hash, bytes) else b""
        self._previous = (entry_hash,)
        try:
            opened = open_stored(data)
        except DecodeError as error:
            self.problems.append(f"Entry {seq}{self._whose} cannot be read: {error.message}")
            return None
        hashes = [hash_entry(each, opened.header_bytes, hash_records(opened.record_hashes)) for each in previous]
        is_proven = entry_hash in hashes
        if hashes and not is_proven:
            self.problems.append(f"Entry {seq}{self._whose} was altered: its hash is not what it was.")
            self._previous += tuple(hashes)
        elif is_proven and not self.problems:
            self.sound = Head(seq, entry_hash)
        return Followed(opened, is_proven and len(self.problems) == before)

    def _note_gap(self, seq: int) -> None:
        first, last = self._seq + 1, seq - 1
        if first > last:
            return
        missing = f"Entry {first}{self._whose} is" if first == last else f"Entries {first} to {last}{self._whose} are"
        self.problems.append(f"{missing} missing.")
        self._previous = ()


def open_stored(data: object) -> OpenedEntry:
    """An entry out of a database that may hold anything. Raises DecodeError."""
    if not isinstance(data, bytes):
        raise DecodeError("It is not bytes.")
    return open_entry(data)
