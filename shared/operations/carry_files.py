"""Carry files: the stream's own messages in a signed file, for a branch without a network (docs/sync-protocol.md §10).

    magic, certificate, message, message, …, end mark, signature

Every part but magic and end mark is preceded by its length in 4 bytes, big-endian; the end mark is a length of nought.
The signature is ECDSA over SHA-256 of everything before it, by the key of the certificate. A file is read twice: once
for its signature, then message by message; nothing of it is believed before.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from shared.certificates import UNREADABLE
from shared.errors import AlreadyExists, InvalidInput
from shared.sync.limits import MESSAGE_BYTES_MAX

MAGIC_TO_HQ = b"filial/carry/up/1\n"
MAGIC_TO_BRANCH = b"filial/carry/dn/1\n"
CARRY_BYTES_MAX = 4_000_000_000
_CERTIFICATE_BYTES_MAX = 10_000
_SIGNATURE_BYTES_MAX = 200
_LENGTH = struct.Struct(">I")
_PREHASHED = ec.ECDSA(utils.Prehashed(hashes.SHA256()))
_DAMAGED = "The file was altered or cut short."
_AGAIN = "Export it again."
_NAME_AN_EXPORT = "Name a file that `sync export` wrote on the other side."


def write_carry_file(
    path: Path, magic: bytes, certificate: bytes, key: ec.EllipticCurvePrivateKey, messages: Iterable[bytes]
) -> int:
    """Writes a file beside its place and moves it there whole; returns how many messages. Raises AlreadyExists."""
    if path.exists():
        raise AlreadyExists(f"{path} exists already.", "Name another file.")
    unfinished = path.with_name(path.name + ".unfinished")
    digest = hashlib.sha256()
    count = 0
    try:
        opened = unfinished.open("wb")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}.", "Name another file.") from None
    with opened as file:

        def put(data: bytes) -> None:
            digest.update(data)
            file.write(data)

        put(magic)
        put(_LENGTH.pack(len(certificate)) + certificate)
        for message in messages:
            put(_LENGTH.pack(len(message)) + message)
            count += 1
        put(_LENGTH.pack(0))
        signature = key.sign(digest.digest(), _PREHASHED)
        file.write(_LENGTH.pack(len(signature)) + signature)
    unfinished.rename(path)
    return count


def read_carry_file(path: Path, magic: bytes, trust: Callable[[x509.Certificate], None]) -> Iterator[bytes]:
    """The messages of a file, after its signature was checked. `trust` raises when the signer may not speak.

    Raises InvalidInput when the file is not one of this direction, or was altered.
    """
    with _open_carry_file(path) as file:
        trust(_check_signature(file, magic))
        file.seek(len(magic))
        _take(file, _CERTIFICATE_BYTES_MAX)
        while message := _take(file, MESSAGE_BYTES_MAX):
            yield message


def _open_carry_file(path: Path) -> BinaryIO:
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise InvalidInput(f"{path} is no file.", _NAME_AN_EXPORT)
        if size > CARRY_BYTES_MAX:
            raise InvalidInput(f"{path} has {size} bytes; the limit is {CARRY_BYTES_MAX}.", _NAME_AN_EXPORT)
        return path.open("rb")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.", _NAME_AN_EXPORT) from None


def _check_signature(file: BinaryIO, magic: bytes) -> x509.Certificate:
    if file.read(len(magic)) != magic:
        raise InvalidInput("This is no carry file for this side.", "Import here what the other side exported.")
    digest = hashlib.sha256(magic)
    certificate = _take(file, _CERTIFICATE_BYTES_MAX, digest.update)
    while _take(file, MESSAGE_BYTES_MAX, digest.update):
        pass
    signature = _take(file, _SIGNATURE_BYTES_MAX)
    if file.read(1):
        raise InvalidInput(_DAMAGED, _AGAIN)
    try:
        signer = x509.load_der_x509_certificate(certificate)
        key = signer.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise InvalidInput(_DAMAGED, _AGAIN)
        key.verify(signature, digest.digest(), _PREHASHED)
    except UNREADABLE:
        raise InvalidInput(_DAMAGED, _AGAIN) from None
    return signer


def _take(file: BinaryIO, bytes_max: int, note: Callable[[bytes], object] = lambda data: None) -> bytes:
    length_bytes = file.read(_LENGTH.size)
    if len(length_bytes) != _LENGTH.size:
        raise InvalidInput(_DAMAGED, _AGAIN)
    (length,) = _LENGTH.unpack(length_bytes)
    if length > bytes_max:
        raise InvalidInput(_DAMAGED, _AGAIN)
    data = file.read(length)
    if len(data) != length:
        raise InvalidInput(_DAMAGED, _AGAIN)
    note(length_bytes + data)
    return data
