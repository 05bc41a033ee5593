"""What both sides of gRPC must agree on."""

from __future__ import annotations

from shared.sync.limits import MESSAGE_BYTES_MAX, SILENCE_MS_MAX
from shared.wire import methods


def test_procedures_are_named_by_their_service() -> None:
    services = (methods.SYNC_SERVICE, methods.ENROLMENT_SERVICE, methods.CENTRAL_SERVICE, methods.FILES_SERVICE)
    assert services == methods.SERVICES
    assert methods.EXCHANGE == "/filial.sync.v1.Sync/Exchange"
    assert methods.VERIFY == "/filial.sync.v1.Sync/Verify"
    assert methods.COMMIT == "/filial.sync.v1.Central/Commit"
    assert methods.RESOLVE == "/filial.sync.v1.Central/Resolve"
    assert methods.QUERY == "/filial.sync.v1.Central/Query"
    assert methods.ENROL == "/filial.sync.v1.Enrolment/Enrol"


def test_both_sides_accept_the_largest_message() -> None:
    for options in (methods.SERVER_OPTIONS, methods.CHANNEL_OPTIONS):
        known = dict(options)
        assert known["grpc.max_receive_message_length"] == MESSAGE_BYTES_MAX
        assert known["grpc.max_send_message_length"] == MESSAGE_BYTES_MAX


def test_a_server_allows_the_pings_that_clients_send() -> None:
    client, server = dict(methods.CHANNEL_OPTIONS), dict(methods.SERVER_OPTIONS)
    allowed, sent = server["grpc.http2.min_recv_ping_interval_without_data_ms"], client["grpc.keepalive_time_ms"]
    assert isinstance(allowed, int)
    assert isinstance(sent, int)
    assert allowed < sent <= SILENCE_MS_MAX


def test_grpc_does_not_retry_behind_our_back() -> None:
    assert dict(methods.CHANNEL_OPTIONS)["grpc.enable_retries"] == 0
