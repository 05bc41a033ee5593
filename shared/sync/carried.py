"""How carried messages are placed. Pure: a file is no session – it may come late, twice, or before the one it follows.

A file never moves the fence of an incarnation that is known, quarantines nobody and re-homes nothing: whatever needs
that is refused with the advice to connect once. What the reader holds already is passed over; what does not continue
what it holds is refused.
"""

from __future__ import annotations

from dataclasses import replace

from shared.domain.identifiers import NIL_ID
from shared.errors import InvalidInput, Refused
from shared.sync.chain import Head
from shared.sync.messages import Batch, FeedBatch, FeedCursor, Hello, Welcome

CONNECT_ONCE = "Let the branch connect once."


def opens_life(
    hello: Hello, branch_id: bytes, incarnation: bytes, past: frozenset[bytes], quarantine: str | None
) -> bool:
    """Whether a carried hello begins an incarnation that HQ does not know; otherwise it is the present one.

    `past` are the incarnations HQ knows. Raises InvalidInput for another branch's hello, Refused when the branch is
    quarantined or has gone on as another incarnation since.
    """
    if hello.branch_id != branch_id:
        raise InvalidInput("The file names another branch than its certificate.")
    if quarantine is not None:
        raise Refused(quarantine, "See: filial-hq branch lives")
    if hello.incarnation == incarnation:
        return False
    if hello.incarnation in past:
        raise Refused(
            "The branch has begun a new incarnation since this file was written.", "Export anew at the branch."
        )
    return True


def rest_of_batch(batch: Batch, hello: Hello | None, acknowledged: Head) -> Batch | None:
    """What HQ does not hold of a carried batch; None when it holds as many entries already.

    Raises InvalidInput when the batch is of another incarnation than the hello, Refused when an earlier one is missing.
    """
    if hello is None or batch.incarnation != hello.incarnation:
        raise InvalidInput("The file holds entries of another incarnation than it names.")
    if batch.last_seq <= acknowledged.seq:
        return None
    if batch.first_seq > acknowledged.seq + 1:
        raise Refused(
            f"HQ holds {acknowledged.seq} entries of this branch; the file begins at {batch.first_seq}.",
            "Import the file before it first.",
        )
    skipped = acknowledged.seq + 1 - batch.first_seq
    return replace(batch, first_seq=acknowledged.seq + 1, entries=batch.entries[skipped:])


def require_same_entries(is_held: bool) -> None:
    """Raises Refused when HQ holds other entries than a carried batch under the same numbers."""
    if not is_held:
        raise Refused("The file holds other entries than HQ does: the store was restored from a copy.", CONNECT_ONCE)


class CarriedFeed:
    """The stretch of HQ's feed in one file, beside the cursor of the store that reads it.

    It is taken whole or not at all: a head office that was restored numbers its feed anew from where its backup ends,
    and what is passed over because its number is known may be another record. For the same reason the store's cursor
    moves only with a file that goes on from exactly that cursor. With any other (`overlaps`) it stays, and the store
    hands its cards back at its next connection.
    """

    def __init__(self, branch_id: bytes, own: FeedCursor) -> None:
        self._branch_id = branch_id
        self.cursor = own
        self._own = own
        self._end = 0
        self._taken: int | None = None  # up to which position, once it has begun
        self.overlaps = False

    def note_welcome(self, welcome: Welcome) -> None:
        """The first message names its branch in its reason, and where the file ends. Raises InvalidInput."""
        if welcome.reason != self._branch_id.hex():
            raise InvalidInput("The file is for another branch.")
        self._end = welcome.feed_head

    def takes(self, batch: FeedBatch) -> bool:
        """Whether a batch is to be applied, with `cursor`. Raises Refused when one before it is missing."""
        is_same_feed = self._own.epoch in (NIL_ID, batch.cursor.epoch)
        known = self._own.position if is_same_feed else 0
        if is_same_feed and self._end <= known:
            return False
        is_gap = batch.after_position > known if self._taken is None else batch.after_position != self._taken
        if is_gap:
            raise Refused(
                f"The feed was taken up to {self._taken or known}; this file goes on from {batch.after_position}.",
                "Import the file before it first, or export anew at the head office.",
            )
        if self._taken is None:
            self.overlaps = batch.after_position != known or (known > 0 and batch.after != self._own)
        self._taken = batch.cursor.position
        if not self.overlaps:
            self.cursor = batch.cursor
        return True
