"""The certificate of a branch's pages: asked for at the branch, given by the head office, good for browsers alone."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from branch_node.bootstrap.web_certificate import request_web_certificate
from hq_server.operations.authority import WEB_VALID_DAYS, Authority
from shared.certificates import SERVER_NAME, WEB_HOSTS_MAX, new_key, read_web_request, web_request
from shared.errors import InvalidInput
from tests.support.clock import START_US

HOSTS = ("Till.shop", "192.168.1.5", "fd00::5")


def test_the_head_office_certifies_what_the_branch_asked_for(tmp_path: Path) -> None:
    authority = Authority.found("Chain")
    request = request_web_certificate(tmp_path / "web.key", HOSTS)
    key, names = read_web_request(request)
    certificate = x509.load_pem_x509_certificate(authority.issue_web(key, names, "B7", START_US))
    certificate.verify_directly_issued_by(authority.certificate)
    assert certificate.public_key() == key
    held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert held.get_values_for_type(x509.DNSName) == ["till.shop"]
    assert held.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address(host) for host in HOSTS[1:]]
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    span = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert timedelta(days=WEB_VALID_DAYS) < span <= timedelta(days=825)


def test_the_key_stays_the_same_and_is_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "web.key"
    first = read_web_request(request_web_certificate(path, HOSTS))[0]
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_web_request(request_web_certificate(path, ["till"]))[0] == first


@pytest.mark.parametrize(
    "host", [SERVER_NAME, "FILIAL-HQ", "", "a b", "*", "*.shop", "till.", "-till", "till\n", "ё", "x" * 64]
)
def test_no_page_is_certified_under_such_a_name(tmp_path: Path, host: str) -> None:
    path = tmp_path / "web.key"
    with pytest.raises(InvalidInput):
        request_web_certificate(path, ["till.shop", host])
    assert not path.exists()


def test_the_head_office_checks_the_names_itself() -> None:
    key = new_key()
    wrong: tuple[list[x509.GeneralName], ...] = (
        [x509.DNSName(SERVER_NAME)],
        [x509.DNSName("*.shop")],
        [x509.UniformResourceIdentifier("filial:enrol")],
        [x509.DNSName(f"till{number}") for number in range(WEB_HOSTS_MAX + 1)],
    )
    for names in wrong:
        with pytest.raises(InvalidInput):
            read_web_request(_forged(key, names))


def test_what_is_no_request_is_refused() -> None:
    good = web_request(new_key(), ["till"])
    for data in (b"", b"nonsense", good[:100], good.replace(b"CERTIFICATE REQUEST", b"CERTIFICATE")):
        with pytest.raises(InvalidInput):
            read_web_request(data)


def _forged(key: object, names: list[x509.GeneralName]) -> bytes:
    from cryptography.hazmat.primitives import hashes, serialization

    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)  # type: ignore[arg-type]
