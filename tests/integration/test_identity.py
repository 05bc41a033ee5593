"""Who may speak, for whom, and over what: certificates, TLS versions, revocation, and the standard services."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from branch_node.sync_client.channel import Identity
from deploy.demo.chain import Branch, HeadOffice
from hq_server.operations.authority import VALID_FROM, VALID_TO
from shared.certificates import (
    SERVER_NAME,
    branch_uri,
    certificate_request,
    certificate_to_pem,
    key_der_to_pem,
    key_to_pem,
    new_key,
)
from shared.sync.messages import Ack, Goodbye, VerifyReply, Welcome
from shared.wire.enrolment import EnrolRequest, decode_enrol_reply, decode_token, encode_enrol_request
from shared.wire.methods import ENROL, SERVICES
from tests.support.chains import Chain
from tests.support.commands import branch as filial_branch
from tests.support.commands import hq as filial_hq
from tests.support.commands import require_done, require_refusal
from tests.support.deadlines import wait_until
from tests.support.journal import sale
from tests.support.rogue import CALL_SECONDS_MAX, Refusal, Rogue, branch_id_of, identity_of, open_channel, refusal_of
from tests.support.tills import asked_line

NOT_AUTHORISED = (grpc.StatusCode.PERMISSION_DENIED, "not_authorised")


@pytest.fixture
def rogue(chain: Chain, branch: Branch) -> Iterator[Rogue]:
    """A raw client with the branch's certificate and one sale to send."""
    client = Rogue.of(branch, chain.port)
    client.journal.add_sale(sale(1))
    yield client
    client.close()


def bootstrap_identity(chain: Chain, code: str) -> Identity:
    token = decode_token(chain.token(code))
    return Identity(
        certificate_to_pem(token.authority_certificate),
        certificate_to_pem(token.bootstrap_certificate),
        key_der_to_pem(token.bootstrap_key),
    )


def self_signed(chain: Chain, branch_id: bytes) -> Identity:
    """A certificate that says what a branch's says, signed by nobody but itself."""
    key = new_key()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "forged")])
    uri = x509.UniformResourceIdentifier(branch_uri(branch_id))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(VALID_FROM)
        .not_valid_after(VALID_TO)
        .add_extension(x509.SubjectAlternativeName([uri]), critical=False)
        .sign(key, hashes.SHA256())
    )
    authority = (chain.office.home / "authority.crt").read_bytes()
    return Identity(authority, certificate.public_bytes(serialization.Encoding.PEM), key_to_pem(key))


def require_not_authorised(refusal: Any) -> None:
    assert isinstance(refusal, Refusal), refusal
    assert (refusal.code, refusal.reason) == NOT_AUTHORISED, refusal


class TestSpeakingForOthers:
    def test_a_hello_in_another_branch_s_name_is_refused(self, chain: Chain, rogue: Rogue) -> None:
        other = chain.join()
        other_id = branch_id_of((other.home / "branch.crt").read_bytes())
        refusal = rogue.exchange(rogue.hello(branch_id=other_id)).end()
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "protocol_violation")
        assert chain.cursor(other.code).fence == 0
        assert chain.cursor(other.code).last_seen_at is None

    def test_a_bootstrap_certificate_may_not_exchange_nor_verify(self, chain: Chain, tmp_path: Path) -> None:
        rogue = Rogue(chain.port, bootstrap_identity(chain, f"I{tmp_path.name}"[:60]))
        require_not_authorised(rogue.exchange(rogue.hello()).end())
        require_not_authorised(rogue.verify())
        rogue.close()

    def test_a_branch_s_certificate_may_not_enrol(self, chain: Chain, branch: Branch, tmp_path: Path) -> None:
        secret = decode_token(chain.token(f"N{tmp_path.name}"[:60])).secret
        with closing(open_channel(chain.port, identity_of(branch))) as channel:
            call = channel.unary_unary(ENROL, encode_enrol_request, decode_enrol_reply)
            with pytest.raises(grpc.RpcError) as refused:
                call(EnrolRequest(secret, certificate_request(new_key())), timeout=CALL_SECONDS_MAX)
        require_not_authorised(refusal_of(refused.value))

    def test_an_unknown_method_is_unimplemented(self, rogue: Rogue) -> None:
        call: Any = rogue.channel.unary_unary("/filial.sync.v1.Sync/DropEverything")
        with pytest.raises(grpc.RpcError) as refused:
            call(b"", timeout=CALL_SECONDS_MAX)
        assert refusal_of(refused.value).code is grpc.StatusCode.UNIMPLEMENTED


class TestTransport:
    def test_a_client_without_a_certificate_cannot_connect(self, chain: Chain) -> None:
        authority = (chain.office.home / "authority.crt").read_bytes()
        options = (("grpc.ssl_target_name_override", SERVER_NAME),)
        credentials = grpc.ssl_channel_credentials(authority)
        with grpc.secure_channel(f"127.0.0.1:{chain.port}", credentials, options) as channel:
            self.require_no_service(channel)

    def test_a_client_without_tls_cannot_connect(self, chain: Chain) -> None:
        with grpc.insecure_channel(f"127.0.0.1:{chain.port}") as channel:
            self.require_no_service(channel)

    def test_a_certificate_of_another_chain_cannot_connect(
        self, chain: Chain, branch: Branch, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        folder = tmp_path_factory.mktemp("other")
        other = Chain(HeadOffice.found(folder / "hq"), folder)
        stranger = bootstrap_identity(other, "stranger")._replace(authority=identity_of(branch).authority)
        with closing(open_channel(chain.port, stranger)) as channel:
            self.require_no_service(channel)

    def test_a_self_signed_certificate_with_a_branch_s_name_cannot_connect(self, chain: Chain, rogue: Rogue) -> None:
        with closing(open_channel(chain.port, self_signed(chain, rogue.branch_id))) as channel:
            self.require_no_service(channel)

    def test_tls_1_3_is_spoken_and_the_server_is_known_by_its_fixed_name(self, chain: Chain, branch: Branch) -> None:
        assert handshake(chain.port, branch, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"

    def test_tls_1_2_is_refused(self, chain: Chain, branch: Branch) -> None:
        with pytest.raises(OSError, match=r"(?i)alert|handshake|reset|eof"):
            handshake(chain.port, branch, ssl.TLSVersion.TLSv1_2)

    @staticmethod
    def require_no_service(channel: grpc.Channel) -> None:
        stub = health_pb2_grpc.HealthStub(channel)
        with pytest.raises(grpc.RpcError) as refused:
            stub.Check(health_pb2.HealthCheckRequest(), timeout=CALL_SECONDS_MAX)
        assert refusal_of(refused.value).code is grpc.StatusCode.UNAVAILABLE


def handshake(port: int, branch: Branch, version: ssl.TLSVersion) -> str | None:
    """Speaks TLS of just that version; returns its name."""
    context = ssl.create_default_context(cafile=str(branch.home / "authority.crt"))
    context.minimum_version = context.maximum_version = version
    context.load_cert_chain(branch.home / "branch.crt", branch.home / "branch.key")
    context.set_alpn_protocols(["h2"])
    with socket.create_connection(("127.0.0.1", port), timeout=CALL_SECONDS_MAX) as raw:
        with context.wrap_socket(raw, server_hostname=SERVER_NAME) as secured:
            return secured.version()


class TestRevocation:
    def test_a_revoked_branch_is_refused_on_a_new_connection(self, chain: Chain, branch: Branch) -> None:
        branch.sell([asked_line("before")])
        branch.run("sync", "run")
        require_done(filial_hq(chain.office.home, "branch", "revoke", branch.code))
        (sold,) = branch.sell([asked_line("after")])
        assert sold["status"] == "committed"
        require_refusal(filial_branch(branch.home, "sync", "run"), "revoked")
        require_refusal(filial_branch(branch.home, "sync", "verify"), "revoked")
        assert len(chain.sales(branch.code)) == 1
        assert chain.standing(branch.code)["state"] == "revoked"
        require_refusal(filial_hq(chain.office.home, "branch", "revoke", branch.code), "already")

    def test_what_a_live_stream_sends_after_the_revocation_is_refused(
        self, chain: Chain, branch: Branch, rogue: Rogue
    ) -> None:
        stream = rogue.exchange(rogue.hello())
        stream.receive(Welcome)
        stream.send(rogue.journal.batch())
        stream.receive(Ack)
        require_done(filial_hq(chain.office.home, "branch", "revoke", branch.code))
        rogue.journal.add_sale(sale(2))
        stream.send(rogue.journal.batch(after_seq=1))
        require_not_authorised(stream.end())
        require_not_authorised(rogue.verify())
        assert len(chain.sales(branch.code)) == 1

    def test_sales_of_a_served_branch_after_its_revocation_never_arrive(self, chain: Chain, branch: Branch) -> None:
        branch.serve()
        till = branch.selling()
        till.sell(asked_line("before"))
        chain.wait_for_sales(branch.code, 1)
        require_done(filial_hq(chain.office.home, "branch", "revoke", branch.code))
        for number in range(20):
            assert till.sell(asked_line(f"after-{number}"))["status"] == "committed"
        till.close()
        wait_until(lambda: not chain.cursor(branch.code).connected, "the stream to be closed")
        require_refusal(filial_branch(branch.home, "sync", "run"))
        assert len(chain.sales(branch.code)) == 1
        assert branch.serving is not None
        assert branch.serving.process.poll() is None, "the web page of a revoked branch went away"

    def test_the_status_of_a_revoked_branch_says_that_it_is_revoked(self, chain: Chain, branch: Branch) -> None:
        require_done(filial_hq(chain.office.home, "branch", "revoke", branch.code))
        require_refusal(filial_branch(branch.home, "sync", "run"), "revoked")
        assert "revoked" in (branch.ask("sync", "status")["trouble"] or "")

    def test_a_new_enrolment_of_a_branch_ends_the_old_certificate(self, chain: Chain, branch: Branch) -> None:
        old = Rogue.of(branch, chain.port)
        stream = old.exchange(old.hello())
        stream.receive(Welcome)
        token = filial_hq(chain.office.home, "branch", "token", branch.code).out
        new_home = branch.home.with_name(f"{branch.code}-anew")
        address = f"127.0.0.1:{chain.port}"
        beside = filial_branch(new_home, "enrol", "--hq", address, "--token", "-", give=token)
        assert (beside.code, "enrol with --replace" in beside.err) == (1, True)
        require_done(filial_branch(new_home, "enrol", "--replace", "--hq", address, "--token", "-", give=token))
        old.journal.add_sale(sale(1))
        stream.send(old.journal.batch(), Goodbye())
        require_not_authorised(stream.end())
        require_not_authorised(old.verify())
        old.close()
        assert chain.sales(branch.code) == []


class TestStandardServices:
    @pytest.mark.parametrize("service", ["", *SERVICES])
    def test_health_is_answered_over_mutual_tls(self, rogue: Rogue, service: str) -> None:
        stub = health_pb2_grpc.HealthStub(rogue.channel)
        reply = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=CALL_SECONDS_MAX)
        assert reply.status == health_pb2.HealthCheckResponse.SERVING

    def test_reflection_lists_the_services_and_describes_them(self, rogue: Rogue) -> None:
        stub = reflection_pb2_grpc.ServerReflectionStub(rogue.channel)
        asked = (
            reflection_pb2.ServerReflectionRequest(list_services=""),
            reflection_pb2.ServerReflectionRequest(file_containing_symbol=SERVICES[0]),
        )
        listed, described = stub.ServerReflectionInfo(iter(asked), timeout=CALL_SECONDS_MAX)
        names = {service.name for service in listed.list_services_response.service}
        assert {*SERVICES, "grpc.health.v1.Health"} <= names
        assert described.file_descriptor_response.file_descriptor_proto

    def test_verification_is_answered_to_the_branch_itself(self, rogue: Rogue) -> None:
        reply = rogue.verify()
        assert isinstance(reply, VerifyReply)
        assert reply.entries == 0
