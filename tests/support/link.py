"""One stream without a network: both production cores over both production stores, driven step by step in one thread.

Everything that a shell does is one step here. What travels is encoded and decoded as on the wire. Whoever drives the
link decides which step comes next, what is lost and when a side dies.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress

from branch_node.sync_client.worker import StoreWorker
from hq_server.storage.branches import OpenedSession
from hq_server.sync_server.gateway import Gateway
from hq_server.sync_server.identity import Peer
from shared.errors import FilialError, StoreFull
from shared.sync import branch_commands as near
from shared.sync import hq_session as far
from shared.sync.branch_commands import FinishReason
from shared.sync.branch_session import BranchSession
from shared.sync.hq_session import HqSession
from shared.sync.limits import Credits
from shared.sync.messages import ResumeMode
from shared.wire.exchange import decode_branch_message, decode_hq_message, encode_branch_message, encode_hq_message


class Link:
    """A branch's store worker and HQ's gateway with a stream between them."""

    def __init__(
        self,
        worker: StoreWorker,
        gateway: Gateway,
        peer: Peer,
        monotonic_ms: Callable[[], int],
        on_feed: Callable[[int], None] = lambda position: None,
        credits: Credits | None = None,
    ) -> None:
        assert peer.branch_id is not None
        self.worker, self.gateway, self.peer, self.branch_id = worker, gateway, peer, peer.branch_id
        self._monotonic_ms = monotonic_ms
        self._on_feed = on_feed
        now_ms = monotonic_ms()
        self.branch = BranchSession(worker.hello(), now_ms)
        self.hq = HqSession(peer.branch_id, now_ms, credits)
        self.to_hq: deque[bytes] = deque()
        self.to_branch: deque[bytes] = deque()
        self._branch_work: deque[near.Command] = deque()
        self._hq_work: deque[far.Command] = deque()
        self._opened: OpenedSession | None = None
        self._left_even = False
        self.passes_done = 0
        self.finish: near.Finish | None = None
        self.hq_ended = False
        self.hq_finish: far.Finish | None = None
        self.error: FilialError | None = None
        self._departed = False
        self.on_merged: Callable[[tuple[bytes, ...]], None] = lambda entries: None

    # Steps.

    def ready(self) -> list[str]:
        """The steps that can be done now."""
        if self.is_over:
            return []
        self._branch_work += self.branch.commands()
        self._hq_work += self.hq.commands()
        steps = []
        if self._branch_work and not self.finish:
            steps.append("branch")
        if self._hq_work and not self.hq_ended:
            steps.append("hq")
        if self.to_hq and not self.hq_ended:
            steps.append("to_hq")
        if self.to_branch and not self.finish:
            steps.append("to_branch")
        if not steps and (self.finish or self.hq_ended):
            steps.append("end")
        return steps

    def do(self, step: str) -> None:
        """Does one step."""
        match step:
            case "branch":
                self._work_at_branch(self._branch_work.popleft())
            case "hq":
                self._work_at_hq(self._hq_work.popleft())
            case "to_hq":
                self.hq.receive_message(decode_branch_message(self.to_hq.popleft()), self._monotonic_ms())
            case "to_branch":
                self.branch.receive_message(decode_hq_message(self.to_branch.popleft()), self._monotonic_ms())
            case "end":
                self.cut()

    def run(self) -> None:
        """Does what is ready until nothing is."""
        for _ in range(1_000_000):
            steps = self.ready()
            if not steps:
                return
            self.do(steps[0])
        raise AssertionError("the stream never comes to rest")

    def cut(self) -> None:
        """The connection is gone. What is on its way is lost; HQ notices that the branch has left."""
        self.to_hq.clear()
        self.to_branch.clear()
        self.hq_ended = True
        if self.finish is None:
            self.finish = near.Finish(FinishReason.SILENCE)
        if not self._departed and self._opened is not None and self._opened.decision.resume is ResumeMode.INCREMENTAL:
            self._departed = True
            with suppress(StoreFull):
                self.gateway.store_departure(self.branch_id, self._opened.known.fence, self._left_even)

    @property
    def is_over(self) -> bool:
        return self.finish is not None and self.hq_ended

    # The two shells.

    def _work_at_branch(self, command: near.Command) -> None:
        match command:
            case near.Send(message):
                self.to_hq.append(encode_branch_message(message))
            case near.PassDone():
                self.passes_done += 1
            case near.Finish():
                self.finish = command
            case _:
                self.worker.perform(self.branch, command)

    def _work_at_hq(self, command: far.Command) -> None:
        match command:
            case far.Send(message):
                self.to_branch.append(encode_hq_message(message))
            case far.OpenSession(hello):
                now_us = self.gateway.now_us()
                opened = self._opened = self.gateway.open(hello, now_us)
                self.hq.record_opened(hello, opened.known, opened.decision, now_us)
            case far.StoreGoodbye():
                self._left_even = True
            case far.Finish():
                self.hq_ended, self.hq_finish = True, command
            case _:
                try:
                    merged = self.gateway.perform(self.peer, self.hq, self.branch_id, command)
                except FilialError as error:
                    self.error, self.hq_ended = error, True
                    return
                if merged is not None and isinstance(command, far.MergeBatch):
                    self.on_merged(command.batch.entries)
                if merged is not None and merged.feed_head is not None:
                    self._on_feed(merged.feed_head)
