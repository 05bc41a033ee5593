"""HQ's own certificate authority: one key, made when the chain is founded, that signs everything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hq_server.settings import Settings
from shared.certificates import (
    ENROL_URI,
    SERVER_NAME,
    PrivateKey,
    branch_uri,
    key_from_pem,
    key_to_pem,
    new_key,
    write_secret,
)
from shared.domain.business_time import EPOCH
from shared.errors import AlreadyExists, InvalidInput, StoreMissing

# A branch with a wrong clock, or back after years, must still be let in far enough to say so; HQ's table of serials
# decides who is (DESIGN §8).
VALID_FROM = datetime(2000, 1, 1, tzinfo=UTC)
VALID_TO = datetime(2099, 12, 31, tzinfo=UTC)


WEB_VALID_DAYS = 800
"""Browsers of some makers take no server certificate of more than 825 days, whoever signed it."""


class Validity(NamedTuple):
    """From when until when a certificate holds."""

    begins: datetime
    ends: datetime


ALWAYS = Validity(VALID_FROM, VALID_TO)


class Issued(NamedTuple):
    """A certificate in DER and its serial number in hexadecimal."""

    certificate: bytes
    serial: str


class Authority:
    """The chain's certificate authority."""

    def __init__(self, key: PrivateKey, certificate: x509.Certificate) -> None:
        self._key = key
        self.certificate = certificate

    @classmethod
    def found(cls, chain_name: str) -> Authority:
        """A new authority with a certificate signed by itself."""
        key = new_key()
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Filial authority of {chain_name}"[:64])])
        certificate = (
            _builder(name, name, key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(key, certificate)

    @classmethod
    def load(cls, settings: Settings) -> Authority:
        """Raises StoreMissing or InvalidInput when a file is missing or damaged."""
        return cls(*_read_pair(settings.authority_key_path, settings.authority_certificate_path))

    @classmethod
    def load_or_found(cls, settings: Settings, chain_name: str) -> Authority:
        """The authority whose key and certificate were put into HQ's folder, or a new one when neither is there.

        Raises AlreadyExists when only one of them is there, InvalidInput when they are damaged or do not belong
        together: branches trust what such a file was part of, and nothing can make it again.
        """
        there = [p for p in (settings.authority_key_path, settings.authority_certificate_path) if p.exists()]
        if len(there) == 1:
            raise AlreadyExists(
                f"There is {there[0]}, but not the other half of the authority.",
                "Put authority.key and authority.crt there, both of one chain, or name another folder with --home.",
            )
        return cls.load(settings) if there else cls.found(chain_name)

    def save(self, settings: Settings) -> None:
        """Writes key and certificate into HQ's folder unless they are there, and a server certificate beside them."""
        if not settings.authority_key_path.exists():
            # The certificate first: without a key beside it, nothing was signed with it.
            write_secret(settings.authority_certificate_path, self.pem)
            write_secret(settings.authority_key_path, key_to_pem(self._key))
        server_key = new_key()
        issued = self._issue(server_key.public_key(), "filial-hq", x509.DNSName(SERVER_NAME), for_server=True)
        write_secret(settings.server_key_path, key_to_pem(server_key))
        pem = x509.load_der_x509_certificate(issued.certificate).public_bytes(serialization.Encoding.PEM)
        write_secret(settings.server_certificate_path, pem)

    def issue_branch(self, key: ec.EllipticCurvePublicKey, branch_id: bytes, code: str) -> Issued:
        """A certificate with which a branch speaks for itself."""
        return self._issue(key, code, x509.UniformResourceIdentifier(branch_uri(branch_id)))

    def issue_bootstrap(self, key: ec.EllipticCurvePublicKey) -> Issued:
        """A certificate that may only call Enrol."""
        return self._issue(key, "filial enrolment", x509.UniformResourceIdentifier(ENROL_URI))

    def issue_web(
        self, key: ec.EllipticCurvePublicKey, names: Sequence[x509.GeneralName], code: str, now_us: int
    ) -> bytes:
        """A PEM certificate for the web pages of a branch; `names` as `read_web_request` gives them."""
        issued_at = EPOCH + timedelta(microseconds=now_us)
        validity = Validity(issued_at - timedelta(days=1), issued_at + timedelta(days=WEB_VALID_DAYS))
        issued = self._issue(key, f"{code} web", *names, for_server=True, validity=validity)
        return x509.load_der_x509_certificate(issued.certificate).public_bytes(serialization.Encoding.PEM)

    @property
    def signing_key(self) -> PrivateKey:
        """The key that signs certificates, and files that are carried to branches."""
        return self._key

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def _issue(
        self,
        key: ec.EllipticCurvePublicKey,
        common_name: str,
        *names: x509.GeneralName,
        for_server: bool = False,
        validity: Validity = ALWAYS,
    ) -> Issued:
        usage = ExtendedKeyUsageOID.SERVER_AUTH if for_server else ExtendedKeyUsageOID.CLIENT_AUTH
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])
        certificate = (
            _builder(subject, self.certificate.subject, key, validity)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return Issued(certificate.public_bytes(serialization.Encoding.DER), f"{certificate.serial_number:x}")


def require_server_identity(settings: Settings) -> None:
    """Raises InvalidInput or StoreMissing when the server's key or certificate is missing or damaged."""
    _read_pair(settings.server_key_path, settings.server_certificate_path)


def _read_pair(key_path: Path, certificate_path: Path) -> tuple[PrivateKey, x509.Certificate]:
    hint = "Restore it from a backup."
    try:
        key, pem = key_from_pem(key_path.read_bytes()), certificate_path.read_bytes()
        certificate = x509.load_pem_x509_certificate(pem)
    except InvalidInput:
        raise InvalidInput(f"{key_path} cannot be read.", hint) from None
    except OSError as error:
        raise StoreMissing(f"{error.filename} cannot be read: {error.strerror}.", hint) from None
    except ValueError:
        raise InvalidInput(f"{certificate_path} cannot be read.", hint) from None
    if certificate.public_key() != key.public_key():
        raise InvalidInput(f"{certificate_path} belongs to another key than {key_path}.", hint)
    return key, certificate


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, validity: Validity = ALWAYS
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity.begins)
        .not_valid_after(validity.ends)
    )


def _key_usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
