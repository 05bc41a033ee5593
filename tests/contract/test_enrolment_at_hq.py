"""Tokens and certificates, on both databases."""

from __future__ import annotations

import pytest
from cryptography import x509
from sqlalchemy import select

from hq_server.operations.authority import Authority
from hq_server.operations.enrolment import enrol, issue_token
from hq_server.operations.fleet import revoke_branch
from hq_server.storage.tables import certificate
from hq_server.sync_server.identity import Peer, require_branch
from shared.certificates import branch_of_uri, certificate_request, new_key, uris_of
from shared.errors import InvalidInput, NotAuthorised, NotFound, Refused, TokenRefused
from shared.wire.enrolment import EnrolReply, EnrolRequest, Token, decode_token
from tests.support.office import Office

HOURS = 72


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.found("Chain")


def give_token(office: Office, authority: Authority, code: str) -> Token:
    with office.store.write() as connection:
        return decode_token(issue_token(connection, authority, office.ids, code, office.clock.now_us(), HOURS))


def use(office: Office, authority: Authority, secret: bytes, request: bytes, replace: bool = False) -> EnrolReply:
    with office.store.write() as connection:
        return enrol(connection, authority, EnrolRequest(secret, request, replace), office.clock.now_us())


def test_a_token_is_traded_for_a_certificate_of_its_branch(office: Office, authority: Authority) -> None:
    branch = office.add_branch("B1")
    token = give_token(office, authority, "B1")
    reply = use(office, authority, token.secret, certificate_request(new_key()))
    read = x509.load_der_x509_certificate(reply.certificate)
    read.verify_directly_issued_by(authority.certificate)
    assert [branch_of_uri(uri) for uri in uris_of(read)] == [branch.id]
    assert (reply.branch_code, reply.chain_id, reply.currency) == ("B1", office.chain.chain_id, "RUB")


def test_the_same_key_may_ask_again_and_gets_the_same_certificate(office: Office, authority: Authority) -> None:
    office.add_branch("B1")
    token = give_token(office, authority, "B1")
    request = certificate_request(new_key())
    first = use(office, authority, token.secret, request)
    assert use(office, authority, token.secret, request) == first


def test_a_used_token_is_refused_to_another_key(office: Office, authority: Authority) -> None:
    office.add_branch("B1")
    token = give_token(office, authority, "B1")
    use(office, authority, token.secret, certificate_request(new_key()))
    with pytest.raises(TokenRefused, match="used"):
        use(office, authority, token.secret, certificate_request(new_key()))


def test_a_branch_that_has_synchronised_is_enrolled_anew_only_in_the_place_of_its_store(
    office: Office, authority: Authority
) -> None:
    journal = office.journal("B1")
    office.open(journal)
    token = give_token(office, authority, "B1")
    request = certificate_request(new_key())
    with pytest.raises(TokenRefused, match="has synchronised before"):
        use(office, authority, token.secret, request)
    assert use(office, authority, token.secret, request, replace=True).branch_id == journal.branch_id


def test_an_expired_token_is_refused(office: Office, authority: Authority) -> None:
    office.add_branch("B1")
    token = give_token(office, authority, "B1")
    office.clock.advance(HOURS * 3_600)
    with pytest.raises(TokenRefused, match="expired"):
        use(office, authority, token.secret, certificate_request(new_key()))


def test_an_unknown_secret_is_refused(office: Office, authority: Authority) -> None:
    with pytest.raises(TokenRefused, match="not known"):
        use(office, authority, b"?" * 32, certificate_request(new_key()))


def test_a_request_that_proves_no_key_is_refused(office: Office, authority: Authority) -> None:
    office.add_branch("B1")
    token = give_token(office, authority, "B1")
    request = bytearray(certificate_request(new_key()))
    request[-1] ^= 1
    with pytest.raises(InvalidInput):
        use(office, authority, token.secret, bytes(request))


def test_a_new_enrolment_replaces_the_old_certificate(office: Office, authority: Authority) -> None:
    branch = office.add_branch("B1")
    serials = []
    for _ in range(2):
        token = give_token(office, authority, "B1")
        reply = use(office, authority, token.secret, certificate_request(new_key()))
        serials.append(f"{x509.load_der_x509_certificate(reply.certificate).serial_number:x}")
    with office.store.read() as connection:
        assert require_branch(connection, Peer(serials[1], branch.id, False)) == branch.id
        with pytest.raises(NotAuthorised):
            require_branch(connection, Peer(serials[0], branch.id, False))


def test_a_revoked_branch_has_no_certificate_and_no_token(office: Office, authority: Authority) -> None:
    branch = office.add_branch("B1")
    unused = give_token(office, authority, "B1")
    token = give_token(office, authority, "B1")
    use(office, authority, token.secret, certificate_request(new_key()))
    with office.store.write() as connection:
        revoke_branch(connection, "B1", office.clock.now_us())
    serials = [row[0] for row in office.rows(select(certificate.c.serial))]
    with office.store.read() as connection:
        for serial in serials:
            with pytest.raises(NotAuthorised):
                require_branch(connection, Peer(serial, branch.id, False))
    with pytest.raises(TokenRefused):
        use(office, authority, unused.secret, certificate_request(new_key()))
    with pytest.raises(Refused):
        give_token(office, authority, "B1")


def test_a_certificate_that_names_another_branch_than_its_serial_is_refused(
    office: Office, authority: Authority
) -> None:
    office.add_branch("B1")
    other = office.add_branch("B2")
    token = give_token(office, authority, "B1")
    reply = use(office, authority, token.secret, certificate_request(new_key()))
    serial = f"{x509.load_der_x509_certificate(reply.certificate).serial_number:x}"
    with office.store.read() as connection, pytest.raises(NotAuthorised):
        require_branch(connection, Peer(serial, other.id, False))


def test_a_branch_that_does_not_exist_gets_no_token(office: Office, authority: Authority) -> None:
    with pytest.raises(NotFound):
        give_token(office, authority, "nowhere")
