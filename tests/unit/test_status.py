"""Errors on their way through gRPC: the branch learns the same reason and hint that head office had."""

from __future__ import annotations

import grpc
import pytest

from shared import errors
from shared.errors import CallLost, FilialError, HqUnreachable, NotAuthorised, StoreBusy, StoreFull, SyncError
from shared.wire.methods import HINT_KEY, REASON_KEY
from shared.wire.status import error_from_status, status_of, trailing_metadata

ADDRESS = "hq:50051"
CARRIED = [
    errors.NotAuthorised,
    errors.TokenRefused,
    errors.SessionReplaced,
    errors.ProtocolViolation,
    errors.InvalidInput,
    errors.StoreBusy,
    errors.StoreError,
]


@pytest.mark.parametrize("error_type", CARRIED)
def test_an_error_arrives_as_it_was_raised(error_type: type[FilialError]) -> None:
    error = error_type("Что-то случилось.", "Подождите.")
    arrived = error_from_status(status_of(error), error.message, trailing_metadata(error), ADDRESS)
    assert (type(arrived), arrived.message, arrived.hint) == (error_type, error.message, error.hint)


def test_each_kind_of_refusal_has_a_status_of_its_own_kind() -> None:
    code = grpc.StatusCode
    assert status_of(NotAuthorised("no")) is code.PERMISSION_DENIED
    assert status_of(StoreBusy("busy")) is code.UNAVAILABLE
    assert status_of(StoreFull("full")) is code.INTERNAL
    assert status_of(errors.KeyReused("reused")) is code.INVALID_ARGUMENT
    assert status_of(FilialError("other")) is code.FAILED_PRECONDITION


@pytest.mark.parametrize("status", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED])
def test_no_answer_means_that_head_office_cannot_be_reached(status: grpc.StatusCode) -> None:
    arrived = error_from_status(status, "failed to connect to all addresses", None, ADDRESS)
    assert isinstance(arrived, HqUnreachable)
    assert ADDRESS in arrived.message
    assert "Selling goes on" in arrived.hint


@pytest.mark.parametrize(
    "details",
    [
        "failed to connect; last error: UNKNOWN: ipv4:1.2.3.4:5: Tls handshake failed (TSI_PROTOCOL_FAILURE)",
        "Failed to create security handshaker.",
    ],
)
def test_a_failed_handshake_is_a_question_of_authority(details: str) -> None:
    assert isinstance(error_from_status(grpc.StatusCode.UNAVAILABLE, details, None, ADDRESS), NotAuthorised)


def test_a_host_that_has_tls_in_its_name_is_only_not_there() -> None:
    details = "DNS resolution failed for hq.tls-shop.ru: no certificate of its existence"
    assert isinstance(error_from_status(grpc.StatusCode.UNAVAILABLE, details, None, ADDRESS), HqUnreachable)


def test_a_closed_connection_may_be_another_chain_s_server() -> None:
    arrived = error_from_status(grpc.StatusCode.UNAVAILABLE, "Socket closed", None, ADDRESS)
    assert isinstance(arrived, HqUnreachable)
    assert "another chain" in arrived.hint


def test_a_call_that_ended_before_its_status_could_be_read_is_made_again() -> None:
    error = error_from_status(grpc.StatusCode.INTERNAL, "Internal error from Core", None, ADDRESS)
    assert isinstance(error, CallLost)
    assert isinstance(error, HqUnreachable)


def test_any_other_answer_is_one_short_line() -> None:
    arrived = error_from_status(grpc.StatusCode.UNKNOWN, "Traceback:\n  " + "x" * 1_000, (), ADDRESS)
    assert type(arrived) is SyncError
    assert arrived.message.isprintable()
    assert len(arrived.message) < 300


@pytest.mark.parametrize("reason", ["made_up", b"not_authorised", ""])
def test_an_unknown_reason_falls_back_to_the_status(reason: str | bytes) -> None:
    metadata = ((REASON_KEY, reason), (HINT_KEY, b"\xff"))
    assert isinstance(error_from_status(grpc.StatusCode.UNAVAILABLE, "", metadata, ADDRESS), HqUnreachable)


def test_a_hint_that_is_not_utf_8_does_no_harm() -> None:
    metadata = ((REASON_KEY, "store_busy"), (HINT_KEY, b"wait\xff"))
    arrived = error_from_status(grpc.StatusCode.UNAVAILABLE, "busy", metadata, ADDRESS)
    assert isinstance(arrived, StoreBusy)
    assert arrived.hint.startswith("wait")
