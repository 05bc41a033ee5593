"""Every limit of the protocol, with its unit in its name (DESIGN §4, rule 8)."""

from __future__ import annotations

from typing import NamedTuple

PROTOCOL_MIN = 1
PROTOCOL_MAX = 1
SCHEMA_VERSION = 1

PUSH_BATCHES_IN_FLIGHT_MAX = 4
PUSH_BATCH_ROWS_MAX = 4_000
PUSH_BATCH_BYTES_MAX = 1_500_000
PUSH_BATCH_ENTRIES_MAX = 2_000

FEED_BATCHES_IN_FLIGHT_MAX = 2
FEED_BATCH_RECORDS_MAX = 1_000
FEED_BATCH_BYTES_MAX = 1_000_000

FEED_FOLDED_BYTES_MAX = 500_000
"""The largest feed record that compaction makes of several; beyond it they stay as they are."""

CARD_STATE_BYTES_MAX = 500_000
"""The largest card that HQ keeps: it must fit into a message to a branch that begins to know it."""

MARKS_MAX = 64
"""How many points of its past a branch may ask about at once: two round trips find one entry among 4 000."""

HISTORY_BATCH_ENTRIES_MAX = 500
HISTORY_BATCH_BYTES_MAX = 1_000_000
PROPOSALS_PER_MESSAGE_MAX = 500
LEASES_PER_MESSAGE_MAX = 100
PROPOSALS_KEPT_MAX = 200_000
"""What HQ keeps of one branch's proposals; beyond it the branch is told to stop."""

FENCE_AHEAD_MAX = 2**32
"""How many sessions a restored HQ may have forgotten; a branch that claims more is not believed."""

MESSAGE_BYTES_MAX = 4_000_000
"""The largest protocol message either side accepts: a full batch and one entry of the largest size."""

TICK_INTERVAL_MS = 5_000
SILENCE_MS_MAX = 30_000
"""A stream that brought nothing for this long is taken for dead."""

GREETING_MS_MAX = 10_000
"""How long a hello may wait for its welcome."""


class Credits(NamedTuple):
    """What a branch may have in flight, and how large one batch may be."""

    batches: int = PUSH_BATCHES_IN_FLIGHT_MAX
    batch_rows: int = PUSH_BATCH_ROWS_MAX
    batch_bytes: int = PUSH_BATCH_BYTES_MAX


ORDERS_IN_WELCOME_MAX = 2_000
"""Orders to erase persons that a welcome brings, the newest first; the others come with the feed."""
