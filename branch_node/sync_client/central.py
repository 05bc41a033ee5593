"""Asking the head office to commit, with a deadline: the calls of the service Central, and what their failures mean."""

from __future__ import annotations

import queue
import time
from typing import Any

import grpc

from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from branch_node.sync_client.channel import Identity, load_identity, open_blocking_channel, translate
from shared.errors import DecodeError, FilialError, HqUnreachable, StoreError, SyncError
from shared.sync.central import Answer, CommitRequest, Findings, NeverAsked, NoAnswer, NotNow, Question, ResolveRequest
from shared.wire.central import (
    decode_findings,
    decode_outcome,
    encode_commit_request,
    encode_question,
    encode_resolve_request,
)
from shared.wire.methods import COMMIT, QUERY, RESOLVE

_FAILED = (grpc.ChannelConnectivity.TRANSIENT_FAILURE, grpc.ChannelConnectivity.SHUTDOWN)
# gRPC's words for a call that never had a connection. Should they change, such a call counts as one without an answer.
_NEVER_SENT = "failed to connect to all addresses"


class CentralClient:
    """One connection, kept between questions. Blocking; threads may share it."""

    def __init__(self, address: str, identity: Identity, deadline_seconds: float) -> None:
        """`deadline_seconds` is for a whole question, connecting included."""
        self._address, self._deadline_seconds = address, deadline_seconds
        self._channel = open_blocking_channel(address, identity)
        # Answers are decoded here: within a call gRPC would hide what is wrong with one.
        self._commit: Any = self._channel.unary_unary(COMMIT, encode_commit_request)
        self._resolve: Any = self._channel.unary_unary(RESOLVE, encode_resolve_request)
        self._query: Any = self._channel.unary_unary(QUERY, encode_question)
        # As far as is known: then a call is made at once, else it waits for the connection first.
        self._is_connected = False

    def commit(self, request: CommitRequest) -> Answer:
        """Asks HQ to commit an operation."""
        return self._ask(self._commit, request)

    def resolve(self, request: ResolveRequest) -> Answer:
        """Asks HQ what became of an operation; what has not been committed by then never will be."""
        return self._ask(self._resolve, request)

    def query(self, question: Question) -> Findings:
        """What HQ knows of the whole chain.

        Raises HqUnreachable when it does not say in time, DecodeError, and what HQ raises.
        """
        ends_at = time.monotonic() + self._deadline_seconds
        if not self._connect(ends_at):
            raise HqUnreachable(f"The head office at {self._address} cannot be reached.", "Check the network.")
        try:
            answered: bytes = self._query(question, timeout=_left(ends_at))
        except grpc.RpcError as error:
            self._is_connected = False
            raise translate(error, self._address) from error
        return decode_findings(answered)

    def close(self) -> None:
        """Gives the connection back."""
        self._channel.close()

    def _ask(self, call: Any, request: CommitRequest | ResolveRequest) -> Answer:
        ends_at = time.monotonic() + self._deadline_seconds
        if not self._connect(ends_at):
            return self._never_asked()
        try:
            return decode_outcome(call(request, timeout=_left(ends_at)))
        except DecodeError as error:
            return NoAnswer(error.message, error.hint)
        except grpc.RpcError as error:
            self._is_connected = False
            return self._read_failure(error)

    def _connect(self, ends_at: float) -> bool:
        """Waits until there is a connection; false when there is none, or not in time."""
        if self._is_connected:
            return True
        states: queue.SimpleQueue[grpc.ChannelConnectivity] = queue.SimpleQueue()
        tell = states.put
        self._channel.subscribe(tell, try_to_connect=True)
        try:
            while (state := states.get(timeout=_left(ends_at))) is not grpc.ChannelConnectivity.READY:
                if state in _FAILED:
                    return False
        except queue.Empty:
            return False
        finally:
            self._channel.unsubscribe(tell)
        self._is_connected = True
        return True

    def _never_asked(self) -> NeverAsked:
        return NeverAsked(f"The head office at {self._address} cannot be reached.", "Check the network.")

    def _read_failure(self, error: Any) -> Answer:
        """HQ's own words mean that it has decided nothing – unless its store failed, which may have been too late."""
        if error.code() is grpc.StatusCode.UNAVAILABLE and (error.details() or "").startswith(_NEVER_SENT):
            return self._never_asked()
        meant = translate(error, self._address)
        decided_nothing = not isinstance(meant, StoreError) and _is_hq_s_word(meant)
        kind = NotNow if decided_nothing else NoAnswer
        return kind(meant.message, meant.hint)


def open_central(settings: Settings, store: BranchStore) -> CentralClient:
    """A connection for questions to this branch's head office. Raises NotAuthorised when a key file is missing."""
    address = store.node()[0].hq_address
    return CentralClient(address, load_identity(settings), settings.commit_deadline_ms / 1_000)


def _left(ends_at: float) -> float:
    return max(0.001, ends_at - time.monotonic())


def _is_hq_s_word(error: FilialError) -> bool:
    """Whether HQ said so itself, not the network in its place."""
    return type(error) is not SyncError and not isinstance(error, HqUnreachable)
