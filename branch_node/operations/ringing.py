"""Calls that ring in the branch: what a telephone system has just reported, for a minute on the pages of the reps.

Kept in memory alone, and no more than a few: who called is in no file.
"""

from __future__ import annotations

import threading
from typing import Final, NamedTuple

from branch_node.operations.incoming_calls import Caller, find_caller
from branch_node.storage.store import BranchStore
from shared.clock import Clock, Ids
from shared.domain.business_time import MICROSECONDS
from shared.domain.client_masking import as_seen_by
from shared.domain.permissions import Actor, Permission, require
from shared.errors import NotFound

SHOWN_US: Final = 60 * MICROSECONDS
"""So long a call is shown, unless somebody says that he saw it."""

KEPT_US: Final = 10 * 60 * MICROSECONDS
"""So long the card can still be opened from a page that shows the call."""

KEPT_MAX: Final = 20
SHOWN_MAX: Final = 3


class _Ring(NamedTuple):
    phone: str
    at_us: int
    seen_by: frozenset[bytes] = frozenset()


class RingingCall(NamedTuple):
    """A call as somebody may see it: `phone` and `name` are empty when they are hidden from him or unknown."""

    call_id: bytes
    phone: str
    name: str
    task: str
    is_known: bool


class Ringing:
    """One for an application; any thread may ask."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock, self._ids = clock, ids
        self._lock = threading.Lock()
        self._rings: dict[bytes, _Ring] = {}

    def ring(self, phone: str) -> None:
        """A call with this phone comes in; the same phone once more takes its earlier call's place."""
        with self._lock:
            now_us = self._clock.now_us()
            kept = [(call_id, each) for call_id, each in self._rings.items() if each.phone != phone]
            kept = [(call_id, each) for call_id, each in kept if 0 <= now_us - each.at_us < KEPT_US]
            self._rings = {**dict(kept[1 - KEPT_MAX :]), self._ids.new_id(): _Ring(phone, now_us)}

    def shown_to(self, actor: Actor) -> list[bytes]:
        """Calls that ring for somebody now, the newest first. Raises NotPermitted."""
        require(actor, Permission.INTERACTION_LOG)
        with self._lock:
            now_us = self._clock.now_us()
            found = [
                call_id
                for call_id, each in self._rings.items()
                if 0 <= now_us - each.at_us < SHOWN_US and actor.employee_id not in each.seen_by
            ]
        return found[::-1][:SHOWN_MAX]

    def see(self, actor: Actor, call_id: bytes) -> None:
        """Somebody does not want to be shown a call any more; of one that is gone, nothing. Raises NotPermitted."""
        require(actor, Permission.INTERACTION_LOG)
        with self._lock:
            ring = self._rings.get(call_id)
            if ring is not None:
                self._rings[call_id] = ring._replace(seen_by=ring.seen_by | {actor.employee_id})

    def phone_of(self, call_id: bytes) -> str:
        """Raises NotFound for a call of long ago."""
        with self._lock:
            ring = self._rings.get(call_id)
        if ring is None:
            raise NotFound("That call is long over.", "Look for the client by phone or name.")
        return ring.phone


def read_ringing(
    ringing: Ringing, store: BranchStore, actor: Actor, country: str, calls: list[bytes]
) -> list[RingingCall]:
    """The calls with who it is, as the actor may see it. Raises NotPermitted."""
    found = []
    for call_id in calls:
        try:
            caller = find_caller(store, actor, ringing.phone_of(call_id), country)
        except NotFound:
            continue
        found.append(_as_seen(actor, call_id, caller))
    return found


def _as_seen(actor: Actor, call_id: bytes, caller: Caller) -> RingingCall:
    phones = as_seen_by(actor, "phones", (caller.phone,))
    phone = phones[0] if isinstance(phones, tuple) else ""
    client, task = caller.client, caller.task
    is_hidden = client is None or "name" in actor.hidden_fields
    return RingingCall(
        call_id,
        phone,
        "" if is_hidden or client is None else client.name,
        "" if task is None else task.title,
        client is not None,
    )
