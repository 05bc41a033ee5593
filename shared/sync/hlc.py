"""Hybrid logical clocks: 48 bits of milliseconds and 16 bits of counter in one integer.

After Kulkarni et al., "Logical Physical Clocks and Consistent Snapshots in Globally Distributed Databases" (2014).
"""

from __future__ import annotations

COUNTER_BITS = 16
SKEW_MS_MAX = 300_000
"""A stamp further ahead of our own clock than this does not move it (DESIGN §4, rule 7)."""

HLC_MAX = 2**63 - 1


def from_wall(now_us: int) -> int:
    """The first stamp of that millisecond."""
    return (now_us // 1_000) << COUNTER_BITS


def wall_ms(hlc: int) -> int:
    """The milliseconds inside a stamp."""
    return hlc >> COUNTER_BITS


def next_stamp(last: int, now_us: int) -> int:
    """A stamp after `last`, at or after the wall clock."""
    return max(last + 1, from_wall(now_us))


def is_plausible(remote: int, now_us: int) -> bool:
    """Whether a stamp from outside may move our clock."""
    return 0 <= wall_ms(remote) <= now_us // 1_000 + SKEW_MS_MAX


def observe(last: int, remote: int, now_us: int) -> int:
    """Our clock after seeing a remote stamp: the larger of the two, unless the remote one is implausible."""
    return remote if remote > last and is_plausible(remote, now_us) else last
