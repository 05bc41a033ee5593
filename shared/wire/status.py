"""Domain errors as gRPC statuses and back. The stable reason and the hint travel as trailing metadata."""

from __future__ import annotations

from collections.abc import Iterable

import grpc

from shared.errors import (
    CallLost,
    FilialError,
    HqUnreachable,
    InvalidInput,
    NotAuthorised,
    NotFound,
    NotPermitted,
    ProtocolViolation,
    Refused,
    SessionReplaced,
    StoreBusy,
    StoreError,
    SyncError,
    TokenRefused,
)
from shared.wire.methods import HINT_KEY, REASON_KEY

_STATUS: tuple[tuple[type[FilialError], grpc.StatusCode], ...] = (
    (NotAuthorised, grpc.StatusCode.PERMISSION_DENIED),
    (TokenRefused, grpc.StatusCode.PERMISSION_DENIED),
    (SessionReplaced, grpc.StatusCode.ABORTED),
    (ProtocolViolation, grpc.StatusCode.INVALID_ARGUMENT),
    (InvalidInput, grpc.StatusCode.INVALID_ARGUMENT),
    (NotFound, grpc.StatusCode.NOT_FOUND),
    (StoreBusy, grpc.StatusCode.UNAVAILABLE),
    (StoreError, grpc.StatusCode.INTERNAL),
)

# gRPC's own words when the other side ends a call while this side begins to write.
_STATUS_LOST = "Internal error from Core"

_BY_REASON: dict[str, type[FilialError]] = {
    error_type.reason: error_type
    for error_type in (
        NotAuthorised,
        TokenRefused,
        SessionReplaced,
        ProtocolViolation,
        InvalidInput,
        NotFound,
        Refused,
        NotPermitted,
        StoreBusy,
        StoreError,
    )
}


def status_of(error: FilialError) -> grpc.StatusCode:
    """The status that tells a client what kind of refusal this is."""
    for error_type, status in _STATUS:
        if isinstance(error, error_type):
            return status
    return grpc.StatusCode.FAILED_PRECONDITION


def trailing_metadata(error: FilialError) -> tuple[tuple[str, str | bytes], ...]:
    """Reason and hint."""
    return ((REASON_KEY, error.reason), (HINT_KEY, error.hint.encode()))


def error_from_status(
    status: grpc.StatusCode, details: str, metadata: Iterable[tuple[str, str | bytes]] | None, address: str
) -> FilialError:
    """What a failed call means to the branch. `address` is HQ's, for the message."""
    known = dict(metadata or ())
    reason, hint = known.get(REASON_KEY), known.get(HINT_KEY, b"")
    if isinstance(reason, str) and reason in _BY_REASON:
        return _BY_REASON[reason](details, hint.decode(errors="replace") if isinstance(hint, bytes) else str(hint))
    if status is grpc.StatusCode.INTERNAL and details == _STATUS_LOST:
        return CallLost(f"The head office at {address} ended the call.", "Selling goes on.")
    lowered = details.lower()
    if "security handshaker" in lowered:
        return NotAuthorised(
            "This branch's key or certificate cannot be used.", "Restore them, or enrol this branch anew."
        )
    if "tls handshake failed" in lowered:
        return NotAuthorised(
            f"What answers at {address} is not this chain's head office.",
            "Check the address; the chain's certificate is in authority.crt.",
        )
    if status is grpc.StatusCode.UNAVAILABLE:
        # A server that does not know our authority closes the connection without a word, as a broken network does.
        closed = "; if this stays so, its certificate may be of another chain" if "socket closed" in lowered else ""
        return HqUnreachable(
            f"The head office at {address} cannot be reached.",
            f"Selling goes on; check the address, the network, and that `filial-hq serve` runs{closed}.",
        )
    if status is grpc.StatusCode.DEADLINE_EXCEEDED:
        return HqUnreachable(
            f"The head office at {address} did not answer in time.", "Selling goes on; try again later."
        )
    return SyncError(f"The head office answered {status.name}: {' '.join(details.split())[:200]}")
