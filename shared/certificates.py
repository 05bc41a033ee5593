"""Keys and certificates as both programs use them: ECDSA P-256, names in the subject alternative name.

A branch's certificate carries the URI `filial:branch:<uuid>`, a bootstrap certificate `filial:enrol`. HQ's server
certificate carries the DNS name `filial-hq`, whatever its address: a chain has one head office.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shared.domain.identifiers import format_id, is_id, parse_id, shorten
from shared.errors import InvalidInput

UNREADABLE = (ValueError, TypeError, x509.InvalidVersion, InvalidSignature, UnsupportedAlgorithm)
"""What cryptography raises of a key or a certificate that is none, or none that it knows."""

SERVER_NAME = "filial-hq"
ENROL_URI = "filial:enrol"
_BRANCH_URI = "filial:branch:"

WEB_HOSTS_MAX = 20
_HOST = re.compile(r"(?!.{254})[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", re.ASCII)

PrivateKey = ec.EllipticCurvePrivateKey


def new_key() -> PrivateKey:
    """A key on P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def branch_uri(branch_id: bytes) -> str:
    """How a certificate names a branch."""
    return _BRANCH_URI + format_id(branch_id)


def branch_of_uri(uri: str) -> bytes | None:
    """The branch that a certificate's URI names."""
    text = uri.removeprefix(_BRANCH_URI)
    return parse_id(text) if uri.startswith(_BRANCH_URI) and is_id(text) else None


def uris_of(certificate: x509.Certificate) -> list[str]:
    """The URIs of a certificate."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return names.value.get_values_for_type(x509.UniformResourceIdentifier)


def certificate_request(key: PrivateKey) -> bytes:
    """A DER certificate signing request that proves possession of the key; HQ decides the names."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "filial branch")])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.DER)


def read_request(data: bytes) -> ec.EllipticCurvePublicKey:
    """The public key of a request whose signature holds. Raises InvalidInput."""
    try:
        request = x509.load_der_x509_csr(data)
        key = request.public_key()
        valid = request.is_signature_valid
    except UNREADABLE:
        raise InvalidInput("The certificate request cannot be read.") from None
    if not valid or not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise InvalidInput("The certificate request does not carry a proven P-256 key.")
    return key


def web_request(key: PrivateKey, hosts: Sequence[str]) -> bytes:
    """A PEM request for a certificate of a branch's web pages, for the names and addresses that browsers ask for.

    Raises InvalidInput.
    """
    if not 1 <= len(hosts) <= WEB_HOSTS_MAX:
        raise InvalidInput(f"A web certificate is for 1 to {WEB_HOSTS_MAX} names and addresses.")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "filial web")])
    names = x509.SubjectAlternativeName([_web_name(host) for host in hosts])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject).add_extension(names, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def read_web_request(data: bytes) -> tuple[ec.EllipticCurvePublicKey, list[x509.GeneralName]]:
    """The key and the names of such a request whose signature holds. Raises InvalidInput."""
    try:
        request = x509.load_pem_x509_csr(data)
        names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (*UNREADABLE, x509.ExtensionNotFound):
        raise InvalidInput("The request cannot be read.", "Make one: filial-branch web-request HOST…") from None
    key = read_request(request.public_bytes(serialization.Encoding.DER))
    hosts = [str(name.value) if isinstance(name, x509.DNSName | x509.IPAddress) else "" for name in names]
    if not 1 <= len(hosts) <= WEB_HOSTS_MAX:
        raise InvalidInput(f"A web certificate is for 1 to {WEB_HOSTS_MAX} names and addresses.")
    return key, [_web_name(host) for host in hosts]


def _web_name(host: str) -> x509.GeneralName:
    """A name or an address; never the head office's own, which branches trust to be the head office."""
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    lowered = host.lower()
    if lowered == SERVER_NAME or not _HOST.fullmatch(lowered):
        raise InvalidInput(
            f"“{shorten(host)}” is no name for a branch's pages.", "Write it as till.shop or 192.168.1.5."
        )
    return x509.DNSName(lowered)


def public_key_hash(key: ec.EllipticCurvePublicKey) -> bytes:
    """SHA-256 over the key's SubjectPublicKeyInfo."""
    info = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(info).digest()


def key_to_pem(key: PrivateKey) -> bytes:
    """PKCS #8, not encrypted: the file's mode protects it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def key_from_pem(data: bytes) -> PrivateKey:
    """Raises InvalidInput."""
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError):
        raise InvalidInput("The key file cannot be read.", "Restore it from a backup.") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise InvalidInput("The key file holds a key of another kind.")
    return key


def key_to_der(key: PrivateKey) -> bytes:
    """PKCS #8."""
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def key_der_to_pem(data: bytes) -> bytes:
    """A DER key as PEM, as gRPC wants it. Raises InvalidInput."""
    try:
        key = serialization.load_der_private_key(data, password=None)
    except UNREADABLE:
        raise InvalidInput("The key cannot be read.") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise InvalidInput("The key is not one on an elliptic curve.")
    return key_to_pem(key)


def certificate_to_pem(der: bytes) -> bytes:
    """A DER certificate as PEM. Raises InvalidInput."""
    try:
        return x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM)
    except UNREADABLE:
        raise InvalidInput("The certificate cannot be read.") from None


def write_secret(path: Path, data: bytes) -> None:
    """Writes a file that only its owner may read, durably, replacing it in one step."""
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes renames and new files in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sign_statement(key: PrivateKey, statement: bytes) -> bytes:
    """A signature over a statement that somebody will want to prove."""
    return key.sign(statement, ec.ECDSA(hashes.SHA256()))


def is_signed_by(certificate: x509.Certificate, signature: bytes, statement: bytes) -> bool:
    """Whether the holder of a certificate's key signed exactly this."""
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    try:
        key.verify(signature, statement, ec.ECDSA(hashes.SHA256()))
    except UNREADABLE:
        return False
    return True
