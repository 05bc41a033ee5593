"""Identities as 16 bytes, and how people see them."""

from __future__ import annotations

import hashlib
import re
import uuid

from shared.errors import InvalidInput

ID_BYTES = 16
NIL_ID = bytes(ID_BYTES)

CODE_CHARACTERS_MAX = 64
_USUAL_FORM = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


def format_id(identity: bytes) -> str:
    """The usual text of a UUID: `0190a5d4-…`."""
    # A page writes hundreds: uuid.UUID would take five times as long.
    digits = identity.hex()
    if len(digits) != 2 * ID_BYTES:
        raise ValueError(f"An id has {ID_BYTES} bytes, not {len(identity)}.")
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def name_value(value: object) -> str:
    """For people: an id in its usual form, other bytes as digits, a text without what cannot be printed."""
    if isinstance(value, bytes):
        return format_id(value) if len(value) == ID_BYTES else value.hex()
    return str(value).encode("utf-8", "backslashreplace").decode()


def parse_id(text: str) -> bytes:
    """16 bytes from a UUID's text. Raises InvalidInput."""
    if _USUAL_FORM.fullmatch(text) is not None:
        return bytes.fromhex(text.replace("-", ""))
    try:
        return uuid.UUID(text).bytes
    except ValueError:
        raise InvalidInput(
            f"“{shorten(text)}” is not an id.", "An id looks like 0190a5d4-7c3e-7d1f-9b2a-3c4d5e6f7a8b."
        ) from None


def is_id(text: str) -> bool:
    """Whether the text is the usual form of a UUID."""
    return _USUAL_FORM.fullmatch(text) is not None


def derived_id(purpose: str, *parts: bytes) -> bytes:
    """An id that every node computes alike from the same parts (a UUIDv8, RFC 9562 §5.8, over SHA-256)."""
    digest = hashlib.sha256(f"filial/{purpose}/1\0".encode())
    for part in parts:
        digest.update(len(part).to_bytes(4, "big") + part)
    value = bytearray(digest.digest()[:ID_BYTES])
    value[6] = (value[6] & 0x0F) | 0x80
    value[8] = (value[8] & 0x3F) | 0x80
    return bytes(value)


def require_code(text: object, what: str) -> str:
    """A short free code (a register, a cashier, a SKU): 1–64 printable characters. Raises InvalidInput."""
    if not isinstance(text, str) or not text:
        raise InvalidInput(f"{what} must be a text of 1 to {CODE_CHARACTERS_MAX} characters.")
    if len(text) > CODE_CHARACTERS_MAX:
        raise InvalidInput(f"{what} has {len(text)} characters; the limit is {CODE_CHARACTERS_MAX}.")
    if not text.isprintable() or text != text.strip():
        raise InvalidInput(f"{what} has characters that cannot be printed, or spaces around it.")
    return text


def is_encodable(text: str) -> bool:
    """Whether the text can be written at all: JSON may smuggle in half of a surrogate pair."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def shorten(text: str, characters_max: int = 60) -> str:
    """The text, or its beginning, for use inside a message."""
    flat = "".join(character if character.isprintable() else "·" for character in text)
    return flat if len(flat) <= characters_max else flat[: characters_max - 1] + "…"
