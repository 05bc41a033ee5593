"""When to try again: exponential back-off with full jitter (Brooker, "Exponential Backoff And Jitter", AWS, 2015)."""

from __future__ import annotations

RETRY_DELAY_MS_MIN = 500
RETRY_DELAY_MS_MAX = 60_000
_EXPONENT_MAX = 10


class Backoff:
    """Counts failures and says how long to wait after each."""

    def __init__(self) -> None:
        self._failures = 0

    def record_success(self) -> None:
        self._failures = 0

    def record_failure(self, jitter: float) -> int:
        """Milliseconds to wait. `jitter` is in [0, 1); half of the delay is kept so that it never collapses to zero."""
        ceiling = min(RETRY_DELAY_MS_MAX, RETRY_DELAY_MS_MIN << min(self._failures, _EXPONENT_MAX))
        self._failures += 1
        return int(ceiling / 2 + ceiling / 2 * jitter)
