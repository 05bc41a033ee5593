"""What a card says of a file, and what bytes are: the laws that both sides go by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.attachments import (
    CHUNK_BYTES,
    FILE_BYTES_MAX,
    NAME_CHARACTERS_MAX,
    SHOWN_TYPES,
    UNKNOWN_TYPE,
    chunk_bytes,
    chunk_count,
    clean_name,
    fields_of_file,
    is_chunk,
    media_type_of,
    read_description,
    require_size,
)
from shared.domain.cards import can_hold
from shared.domain.records import RecordKind
from shared.errors import InvalidInput
from tests.support.files import bytes_of, chunks_of, describe


@given(st.integers(1, FILE_BYTES_MAX))
def test_the_chunks_of_a_file_come_to_its_size(size: int) -> None:
    lengths = [chunk_bytes(size, index) for index in range(chunk_count(size))]
    assert sum(lengths) == size
    assert all(0 < length <= CHUNK_BYTES for length in lengths)
    assert set(lengths[:-1]) <= {CHUNK_BYTES}


def test_a_card_says_of_the_largest_file_all_that_is_to_be_known() -> None:
    described = describe(bytes_of(FILE_BYTES_MAX))
    fields = fields_of_file(described)
    assert all(can_hold(RecordKind.ATTACHMENT, name, value) for name, value in fields.items())
    assert read_description(fields) == described


def test_a_byte_that_was_flipped_is_found() -> None:
    data = bytes_of(CHUNK_BYTES + 10)
    described = describe(data)
    first, last = chunks_of(data)
    assert is_chunk(described, 0, first)
    assert is_chunk(described, 1, last)
    assert not is_chunk(described, 1, last[:-1])
    assert not is_chunk(described, 0, bytes([first[0] ^ 1]) + first[1:])


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 0},
        {"size": FILE_BYTES_MAX + 1},
        {"size": CHUNK_BYTES + 1},
        {"size": None},
        {"sha256": "ab"},
        {"sha256": ""},
        {"chunks": "zz"},
        {"chunks": None},
        {"chunks": "00" * 31},
    ],
)
def test_a_card_that_cannot_be_true_describes_nothing(wrong: dict[str, str | int | None]) -> None:
    assert read_description({**fields_of_file(describe(b"x")), **wrong}) is None


@pytest.mark.parametrize(
    ("beginning", "name", "media_type"),
    [
        (b"%PDF-1.7 ...", "a.exe", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n", "", "image/png"),
        (b"\xff\xd8\xff\xe0", "", "image/jpeg"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "", "audio/wav"),
        (b"RIFF\x00\x00\x00\x00WEBP", "", "image/webp"),
        (b"RIFF\x00\x00\x00\x00AVI ", "", UNKNOWN_TYPE),
        (b"ID3\x04", "", "audio/mpeg"),
        (b"\xff\xfb\x90\x00", "", "audio/mpeg"),
        (b"OggS\x00", "", "audio/ogg"),
        (b"\x00\x00\x00\x20ftypM4A ", "", "audio/mp4"),
        (b"\x00\x00\x00\x20ftypisom", "", "video/mp4"),
        (b"PK\x03\x04....", "Договор.DOCX", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (b"PK\x03\x04....", "a.jar", "application/zip"),
        ("Привет".encode()[:-1], "a.txt", "text/plain"),
        (b"<!DOCTYPE html><script>alert(1)</script>", "a.png", UNKNOWN_TYPE),
        (b"  <svg xmlns='http://www.w3.org/2000/svg'>", "a.svg", UNKNOWN_TYPE),
        (b"MZ\x90\x00", "a.pdf", UNKNOWN_TYPE),
        (b"", "", UNKNOWN_TYPE),
    ],
)
def test_what_a_file_is_its_bytes_say(beginning: bytes, name: str, media_type: str) -> None:
    assert media_type_of(beginning, name) == media_type


@given(st.binary(max_size=64), st.sampled_from([b"<html", b"<SVG", b"<!doctype", b"<script"]))
def test_markup_is_never_shown_within_a_page(before: bytes, mark: bytes) -> None:
    assert media_type_of(b" \n" + mark + before, "photo.png") not in SHOWN_TYPES


@given(st.text(max_size=400))
def test_a_name_has_no_folders_and_nothing_that_deceives(name: str) -> None:
    kept = clean_name(name)
    assert 0 < len(kept) <= NAME_CHARACTERS_MAX
    assert not set(kept) & set("/\\\r\n\0\u202e")
    assert not kept.startswith(".")
    assert clean_name(kept) == kept


def test_a_long_name_keeps_its_ending() -> None:
    assert clean_name("C:\\scans\\" + "я" * 300 + ".pdf").endswith("я.pdf")


@pytest.mark.parametrize("size", [0, FILE_BYTES_MAX + 1])
def test_a_file_that_is_empty_or_too_large_is_refused(size: int) -> None:
    with pytest.raises(InvalidInput):
        require_size(size)
