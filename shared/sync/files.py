"""What a branch and the head office say to each other about the bytes of clients' files."""

from __future__ import annotations

from typing import NamedTuple, Protocol

FILES_PER_QUESTION_MAX = 50
"""How many files are asked about at once."""


class MissingRequest(NamedTuple):
    """Files by the ids of their cards."""

    attachment_ids: tuple[bytes, ...]


class FileMissing(NamedTuple):
    """Chunks of one file that HQ lacks, by their places. `known` is false when HQ says nothing of it to this branch."""

    known: bool
    indexes: tuple[int, ...] = ()


class PutRequest(NamedTuple):
    """A chunk of a file, and its place in it, from 0."""

    attachment_id: bytes
    place: int
    data: bytes


class GetRequest(NamedTuple):
    """Which chunk of which file."""

    attachment_id: bytes
    place: int


class FilesAtHq(Protocol):
    """The head office's service Files. Every call raises HqUnreachable, StoreBusy, NotFound, and what HQ raises."""

    def missing(self, request: MissingRequest) -> tuple[FileMissing, ...]:
        """One answer for each file, in order."""

    def put(self, request: PutRequest) -> bool:
        """Whether HQ has the whole file now."""

    def get(self, request: GetRequest) -> bytes:
        """A chunk; empty when HQ lacks it."""

    def close(self) -> None:
        """Gives the connection back."""
