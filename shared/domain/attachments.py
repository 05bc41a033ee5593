"""Documents and recordings of a client: what the card of one says of the bytes, and what kind of file the bytes are.

A file is cut into chunks of one size, the last one shorter. The card names the SHA-256 of each and of the whole, so the
bytes can come piece by piece from anybody, and are known to be right.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping
from typing import Final, NamedTuple

from shared.domain.cards import Value
from shared.errors import InvalidInput

CHUNK_BYTES: Final = 262_144
FILE_BYTES_MAX: Final = 20 * 1_048_576
CHUNKS_MAX: Final = FILE_BYTES_MAX // CHUNK_BYTES
FILES_PER_CLIENT_MAX: Final = 200
NAME_CHARACTERS_MAX: Final = 200
HASH_BYTES: Final = 32
SNIFFED_BYTES: Final = 4_096
"""As much of a file's beginning says what it is."""

UNKNOWN_TYPE: Final = "application/octet-stream"

IMAGE_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
AUDIO_TYPES: Final = frozenset({"audio/mpeg", "audio/wav", "audio/ogg", "audio/flac", "audio/mp4"})
SHOWN_TYPES: Final = IMAGE_TYPES | AUDIO_TYPES
"""What a browser may show or play within a page. Everything else it is told to save."""

_OFFICE_TYPES: Final[dict[str, str]] = {
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
}
_BEGINNINGS: Final[tuple[tuple[bytes, str], ...]] = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
)
_RIFF_TYPES: Final[dict[bytes, str]] = {b"WAVE": "audio/wav", b"WEBP": "image/webp"}
_MARKUP: Final = (b"<!doctype", b"<html", b"<svg", b"<?xml", b"<script")


class FileDescription(NamedTuple):
    """What a card says of a file. `size` is in bytes; hashes are SHA-256, of the whole and of each chunk in order."""

    name: str
    media_type: str
    size: int
    sha256: bytes
    chunks: tuple[bytes, ...]


def chunk_count(size: int) -> int:
    """How many chunks a file of so many bytes has."""
    return -(-size // CHUNK_BYTES)


def chunk_bytes(size: int, index: int) -> int:
    """How long a chunk of a file of `size` bytes is."""
    return min(CHUNK_BYTES, size - index * CHUNK_BYTES)


def is_chunk(description: FileDescription, index: int, data: bytes) -> bool:
    """Whether bytes are what the card says of the chunk of that index, which there must be."""
    is_long_enough = len(data) == chunk_bytes(description.size, index)
    return is_long_enough and hashlib.sha256(data).digest() == description.chunks[index]


def fields_of_file(description: FileDescription) -> dict[str, Value]:
    """The card's fields that say what the bytes are."""
    return {
        "name": description.name,
        "media_type": description.media_type,
        "size": description.size,
        "sha256": description.sha256.hex(),
        "chunks": " ".join(chunk.hex() for chunk in description.chunks),
    }


def read_description(fields: Mapping[str, Value]) -> FileDescription | None:
    """What a card says of its file; None when that cannot be true: a branch of another make may have written it."""
    size, whole, chunks = fields.get("size"), fields.get("sha256"), fields.get("chunks")
    if not isinstance(size, int) or not 0 < size <= FILE_BYTES_MAX:
        return None
    hashes = read_hashes(chunks if isinstance(chunks, str) else "")
    whole_hashes = read_hashes(whole if isinstance(whole, str) else "")
    if hashes is None or whole_hashes is None or len(whole_hashes) != 1 or len(hashes) != chunk_count(size):
        return None
    name, media_type = fields.get("name"), fields.get("media_type")
    return FileDescription(
        clean_name(name if isinstance(name, str) else ""),
        media_type if isinstance(media_type, str) else UNKNOWN_TYPE,
        size,
        whole_hashes[0],
        hashes,
    )


def read_hashes(text: str) -> tuple[bytes, ...] | None:
    """Hashes in hexadecimal with spaces between them; None when they are none."""
    try:
        hashes = tuple(bytes.fromhex(word) for word in text.split(" ") if word)
    except ValueError:
        return None
    return hashes if all(len(each) == HASH_BYTES for each in hashes) else None


def require_size(size: int) -> int:
    """The size of a file that may be kept. Raises InvalidInput."""
    if size <= 0:
        raise InvalidInput("The file is empty.", "Choose another file.")
    if size > FILE_BYTES_MAX:
        raise InvalidInput("The file is too large.", f"At most {FILE_BYTES_MAX // 1_048_576} MiB are kept.")
    return size


def clean_name(name: str) -> str:
    """A file's name as it is kept: without folders, and without what could deceive whoever reads it."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    # Control and format characters: among them those that turn the direction of writing, and so hide an ending.
    kept = "".join(each for each in last if unicodedata.category(each) not in ("Cc", "Cf", "Cs", "Zl", "Zp"))
    kept = " ".join(kept.split()).lstrip(".")
    if len(kept) > NAME_CHARACTERS_MAX:
        stem, dot, ending = kept.rpartition(".")
        tail = dot + ending if dot and len(ending) <= 10 else ""
        kept = (stem if tail else kept)[: NAME_CHARACTERS_MAX - len(tail)] + tail
    return kept or "file"


def media_type_of(beginning: bytes, name: str = "") -> str:
    """What a file is, by its first bytes. The name only tells documents apart that are ZIP files all.

    Whatever a browser would run as a page of ours is of no type that is known.
    """
    for start, media_type in _BEGINNINGS:
        if beginning.startswith(start):
            return media_type
    if beginning.startswith(b"RIFF") and beginning[8:12] in _RIFF_TYPES:
        return _RIFF_TYPES[beginning[8:12]]
    if beginning[4:8] == b"ftyp":
        return "audio/mp4" if beginning[8:11] in (b"M4A", b"M4B") else "video/mp4"
    if len(beginning) > 1 and beginning[0] == 0xFF and beginning[1] & 0xE6 == 0xE2:
        return "audio/mpeg"  # a frame of layer III without tags before it
    if beginning.startswith(b"PK\x03\x04"):
        return _OFFICE_TYPES.get(name[name.rfind(".") :].lower(), "application/zip")
    return "text/plain" if _is_plain_text(beginning[:SNIFFED_BYTES]) else UNKNOWN_TYPE


def _is_plain_text(beginning: bytes) -> bool:
    if not beginning or b"\0" in beginning or any(mark in beginning.lower() for mark in _MARKUP):
        return False
    try:
        beginning.decode()
    except UnicodeDecodeError as error:
        # The last character may have been cut.
        return error.start >= len(beginning) - 3
    return True
