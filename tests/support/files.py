"""Files for tests: bytes of a size, and what their cards say."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from branch_node.operations.file_carrying import FileCarrier
from hq_server.sync_server.files import FileCalls
from hq_server.sync_server.identity import Peer
from shared.domain.attachments import CHUNK_BYTES, FileDescription
from shared.errors import HqUnreachable
from shared.sync.files import FileMissing, GetRequest, MissingRequest, PutRequest
from shared.wire.files import (
    decode_get,
    decode_get_request,
    decode_missing,
    decode_missing_request,
    decode_put,
    decode_put_request,
    encode_get,
    encode_get_request,
    encode_missing,
    encode_missing_request,
    encode_put,
    encode_put_request,
)
from tests.support.pair import Node

STEPS_MAX = 1_000

SMALL_MP3 = b"ID3\x04\x00\x00\x00\x00\x00\x00" + bytes(range(256)) * 4


def bytes_of(size: int, seed: bytes = b"") -> bytes:
    """Bytes that repeat nowhere within a file: chunks are never alike by chance."""
    blocks = -(-size // 32)
    return b"".join(hashlib.sha256(seed + number.to_bytes(8)).digest() for number in range(blocks))[:size]


def chunks_of(data: bytes) -> list[bytes]:
    """The chunks of a file, in order."""
    return [data[start : start + CHUNK_BYTES] for start in range(0, len(data), CHUNK_BYTES)]


def describe(data: bytes, name: str = "scan.pdf", media_type: str = "application/pdf") -> FileDescription:
    """What a card says of these bytes."""
    hashes = tuple(hashlib.sha256(chunk).digest() for chunk in chunks_of(data))
    return FileDescription(name, media_type, len(data), hashlib.sha256(data).digest(), hashes)


@dataclass
class FilesWire:
    """The way of one branch to the head office's service Files: every message goes as bytes.

    `fault` says what becomes of the next call: "request lost", "answer lost", "flipped" – a byte of what is given –;
    with `fault_at` only of the call of that number, from 0, among those that move bytes.
    """

    node: Node
    fault: str | None = None
    fault_at: int | None = None
    puts: list[tuple[bytes, int]] = field(default_factory=list)
    gets: list[tuple[bytes, int]] = field(default_factory=list)
    questions: int = 0
    moves: int = 0

    def missing(self, request: MissingRequest) -> tuple[FileMissing, ...]:
        self.questions += 1
        asked = decode_missing_request(encode_missing_request(request))
        assert isinstance(asked, MissingRequest)
        return decode_missing(encode_missing(self._calls.missing(self._peer, asked)))

    def put(self, request: PutRequest) -> bool:
        asked = decode_put_request(encode_put_request(request))
        assert isinstance(asked, PutRequest)
        fault = self._fault()
        if fault == "request lost":
            raise HqUnreachable("The head office cannot be reached.")
        self.puts.append((asked.attachment_id, asked.place))
        answered = encode_put(self._calls.put(self._peer, asked))
        if fault == "answer lost":
            raise HqUnreachable("The head office did not answer in time.")
        return decode_put(answered)

    def get(self, request: GetRequest) -> bytes:
        asked = decode_get_request(encode_get_request(request))
        assert isinstance(asked, GetRequest)
        fault = self._fault()
        if fault == "request lost":
            raise HqUnreachable("The head office cannot be reached.")
        self.gets.append((asked.attachment_id, asked.place))
        data = decode_get(encode_get(self._calls.get(self._peer, asked)))
        if fault == "answer lost":
            raise HqUnreachable("The head office did not answer in time.")
        return data[:-1] + bytes([data[-1] ^ 1]) if fault == "flipped" else data

    def close(self) -> None:
        pass

    def _fault(self) -> str | None:
        number, self.moves = self.moves, self.moves + 1
        return self.fault if self.fault_at in (None, number) else None

    @property
    def _calls(self) -> FileCalls:
        return FileCalls(self.node.pair.gateway)

    @property
    def _peer(self) -> Peer:
        return Peer(self.node.code, self.node.branch_id, may_enrol=False)


def carry(node: Node, wire: FilesWire | None = None) -> FilesWire:
    """Carries files until there is nothing to be done now."""
    used = wire or FilesWire(node)
    carrier = FileCarrier(node.store, lambda: used)
    for _ in range(STEPS_MAX):
        if carrier.step() is None:
            return used
    raise AssertionError("there is no end to it")
