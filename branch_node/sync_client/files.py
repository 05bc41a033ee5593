"""Asking the head office for the bytes of files: the calls of the service Files on a connection of their own."""

from __future__ import annotations

from typing import Any

import grpc

from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from branch_node.sync_client.channel import Identity, load_identity, open_blocking_channel, translate
from shared.sync.files import FileMissing, GetRequest, MissingRequest, PutRequest
from shared.wire import files
from shared.wire.methods import GET, MISSING, PUT

CALL_SECONDS_MAX = 60.0
"""For one chunk: a line of 64 kbit/s takes half of it."""


class FilesClient:
    """See shared.sync.files.FilesAtHq. Blocking, for one thread."""

    def __init__(self, address: str, identity: Identity) -> None:
        self._address = address
        self._channel = open_blocking_channel(address, identity)
        # Answers are decoded here: within a call gRPC would hide what is wrong with one.
        self._missing: Any = self._channel.unary_unary(MISSING, files.encode_missing_request)
        self._put: Any = self._channel.unary_unary(PUT, files.encode_put_request)
        self._get: Any = self._channel.unary_unary(GET, files.encode_get_request)

    def missing(self, request: MissingRequest) -> tuple[FileMissing, ...]:
        return files.decode_missing(self._call(self._missing, request))

    def put(self, request: PutRequest) -> bool:
        return files.decode_put(self._call(self._put, request))

    def get(self, request: GetRequest) -> bytes:
        return files.decode_get(self._call(self._get, request))

    def close(self) -> None:
        self._channel.close()

    def _call(self, call: Any, request: MissingRequest | PutRequest | GetRequest) -> bytes:
        try:
            answered: bytes = call(request, timeout=CALL_SECONDS_MAX)
        except grpc.RpcError as error:
            raise translate(error, self._address) from error
        return answered


def open_files(settings: Settings, store: BranchStore) -> FilesClient:
    """A connection for files. Raises NotAuthorised when a key file is missing."""
    return FilesClient(store.node()[0].hq_address, load_identity(settings))
