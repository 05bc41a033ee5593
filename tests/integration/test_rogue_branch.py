"""A branch that breaks the protocol: refused with a status and a stable reason, while every other branch is served."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import grpc
import pytest

from deploy.demo.chain import Selling
from hq_server.sync_server.server import STREAMS_PER_BRANCH_MAX
from shared.domain.records import Record, RecordKind
from shared.sync.chain import NO_HASH, Head, Parent
from shared.sync.limits import MESSAGE_BYTES_MAX, PUSH_BATCHES_IN_FLIGHT_MAX
from shared.sync.messages import Ack, Common, FeedAck, FeedCursor, Goodbye, Mark, Marks, ResumeMode, Tick, Welcome
from shared.wire.payloads import encode_sale
from tests.support.chains import Chain
from tests.support.deadlines import wait_until
from tests.support.journal import JournalWriter, sale
from tests.support.rogue import Refusal, Rogue, Stream
from tests.support.tills import asked_line

VIOLATION = (grpc.StatusCode.INVALID_ARGUMENT, "protocol_violation")
BREAKS = 60
HELLO_SECONDS = 0.03
GONE_SECONDS_MAX = 3
_keys = itertools.count(1)


class Honest:
    """A branch that is served all the while."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.branch = chain.join()
        self.branch.serve()
        self.till: Selling = self.branch.selling()
        self.sold = 0

    def require_served(self) -> None:
        """What it sells arrives."""
        self.till.sell(asked_line(f"honest-{next(_keys)}"))
        self.sold += 1
        self.chain.wait_for_sales(self.branch.code, self.sold)

    def close(self) -> None:
        self.till.kill()
        self.branch.kill()


@pytest.fixture(scope="module")
def honest(chain: Chain) -> Iterator[Honest]:
    served = Honest(chain)
    yield served
    served.close()


@pytest.fixture(autouse=True)
def others_are_served(honest: Honest) -> Iterator[None]:
    """Whatever a rogue did, HQ goes on serving."""
    yield
    honest.require_served()


@pytest.fixture
def rogue(chain: Chain) -> Iterator[Rogue]:
    """A branch of its own with three sales in its journal, none of them sent."""
    client = Rogue.of(chain.join(), chain.port)
    for number in range(1, 4):
        client.journal.add_sale(sale(number))
    yield client
    client.close()


@pytest.fixture
def code(chain: Chain, rogue: Rogue) -> str:
    """The rogue's branch code: the chain's newest branch."""
    return chain.branches[-1].code


def greet(rogue: Rogue) -> Stream:
    """A stream that HQ welcomed."""
    stream = rogue.exchange(rogue.hello())
    welcome = stream.receive(Welcome)
    assert welcome.resume is ResumeMode.INCREMENTAL, welcome.reason
    return stream


def push(rogue: Rogue) -> Stream:
    """A stream over which the whole journal was acknowledged."""
    stream = greet(rogue)
    stream.send(rogue.journal.batch())
    assert stream.receive(Ack).acknowledged == rogue.journal.head
    return stream


def require_violation(refusal: Refusal) -> None:
    assert (refusal.code, refusal.reason) == VIOLATION, refusal
    assert refusal.details
    assert "Traceback" not in refusal.details


def test_an_honest_batch_is_acknowledged(chain: Chain, rogue: Rogue, code: str) -> None:
    push(rogue).send(Goodbye())
    assert [held.receipt for held in chain.sales(code)] == ["1-000001", "1-000002", "1-000003"]


def test_a_batch_before_the_hello_is_a_violation(rogue: Rogue) -> None:
    require_violation(rogue.exchange(rogue.journal.batch()).end())


def test_a_second_hello_is_a_violation(rogue: Rogue) -> None:
    stream = greet(rogue)
    stream.send(rogue.hello())
    require_violation(stream.end())


def test_a_gap_is_a_violation_and_nothing_behind_it_is_taken(chain: Chain, rogue: Rogue, code: str) -> None:
    stream = greet(rogue)
    stream.send(rogue.journal.batch(after_seq=1))
    require_violation(stream.end())
    assert chain.sales(code) == []


def test_a_gap_inside_a_batch_is_a_violation(chain: Chain, rogue: Rogue, code: str) -> None:
    whole = rogue.journal.batch()
    stream = greet(rogue)
    stream.send(replace(whole, entries=(whole.entries[0], whole.entries[2])))
    require_violation(stream.end())
    assert chain.sales(code) == []


def test_entries_out_of_order_are_a_violation(chain: Chain, rogue: Rogue, code: str) -> None:
    whole = rogue.journal.batch()
    stream = greet(rogue)
    stream.send(replace(whole, entries=whole.entries[::-1]))
    require_violation(stream.end())
    assert chain.sales(code) == []


def test_a_replay_in_one_stream_is_a_violation_and_counts_once(chain: Chain, rogue: Rogue, code: str) -> None:
    stream = push(rogue)
    stream.send(rogue.journal.batch())
    require_violation(stream.end())
    assert len(chain.sales(code)) == 3


def test_a_replay_in_a_later_stream_is_a_violation_and_counts_once(chain: Chain, rogue: Rogue, code: str) -> None:
    push(rogue).send(Goodbye())
    stream = greet(rogue)
    stream.send(rogue.journal.batch())
    require_violation(stream.end())
    assert len(chain.sales(code)) == 3


def test_the_same_command_in_a_new_entry_counts_once(chain: Chain, rogue: Rogue, code: str) -> None:
    """An entry that is honest but repeats an operation is held, and applied to nothing."""
    stream = push(rogue)
    rogue.journal.add_sale(sale(1), command_id=rogue.journal.command_ids[0])
    stream.send(rogue.journal.batch(after_seq=3))
    ack = stream.receive(Ack)
    assert ack.acknowledged.seq == 4
    assert [outcome.duplicate for outcome in ack.outcomes] == [True]
    assert len(chain.sales(code)) == 3


def test_a_fork_at_the_acknowledged_entry_must_be_repaired_before_it_may_push(
    chain: Chain, rogue: Rogue, code: str
) -> None:
    push(rogue).send(Goodbye())
    stream = rogue.exchange(rogue.hello(head=Head(3, b"f" * 32)))
    welcome = stream.receive(Welcome)
    assert welcome.resume is ResumeMode.REPAIR
    assert welcome.reason
    stream.send(rogue.journal.batch())
    require_violation(stream.end())
    assert len(chain.sales(code)) == 3


def test_a_fork_below_the_acknowledged_entry_is_refused_by_its_hash(chain: Chain, rogue: Rogue, code: str) -> None:
    push(rogue).send(Goodbye())
    forked = JournalWriter(rogue.branch_id, rogue.journal.ids, rogue.clock, rogue.journal.incarnation)
    for number in range(1, 5):
        forked.add_sale(sale(number, cashier="eve"))
    stream = rogue.exchange(rogue.hello(head=forked.head))
    assert stream.receive(Welcome).acknowledged == rogue.journal.head
    stream.send(forked.batch(after_seq=3))
    require_violation(stream.end())
    assert len(chain.sales(code)) == 3


def test_a_branch_behind_what_it_sent_is_told_which_of_its_entries_are_held(rogue: Rogue) -> None:
    push(rogue).send(Goodbye())
    stream = rogue.exchange(rogue.hello(head=Head(1, rogue.journal.hashes[1])))
    assert stream.receive(Welcome).resume is ResumeMode.REPAIR
    incarnation = rogue.journal.incarnation
    stream.send(Marks((Mark(incarnation, 1, rogue.journal.hashes[1]), Mark(incarnation, 2, b"x" * 32))))
    assert stream.receive(Common) == Common(0)
    stream.send(Marks((Mark(incarnation, 3, b"x" * 32),)))
    assert stream.receive(Common) == Common(None)
    stream.send(Marks(()))
    require_violation(stream.end())


def test_an_unknown_incarnation_is_quarantined(rogue: Rogue) -> None:
    push(rogue).send(Goodbye())
    stream = rogue.exchange(rogue.hello(incarnation=b"n" * 16, head=Head(0, NO_HASH)))
    assert stream.receive(Welcome).resume is ResumeMode.QUARANTINE


def test_a_parent_that_never_was_is_not_taken_in(rogue: Rogue) -> None:
    stream = rogue.exchange(rogue.hello(parent=Parent(b"p" * 16, 7, b"h" * 32)))
    assert stream.receive(Welcome).resume is ResumeMode.REPAIR
    stream.send(rogue.journal.batch())
    require_violation(stream.end())


def test_a_future_protocol_is_asked_to_wait_for_an_upgrade(rogue: Rogue) -> None:
    stream = rogue.exchange(rogue.hello(protocol_min=99, protocol_max=120))
    welcome = stream.receive(Welcome)
    assert welcome.resume is ResumeMode.UPGRADE
    assert "99" in welcome.reason
    stream.send(rogue.journal.batch())
    stream.end()


def test_a_future_protocol_that_still_speaks_ours_is_served(rogue: Rogue) -> None:
    stream = rogue.exchange(rogue.hello(protocol_max=120, schema_version=99))
    welcome = stream.receive(Welcome)
    assert (welcome.resume, welcome.protocol) == (ResumeMode.INCREMENTAL, 1)


def test_an_altered_payload_is_a_violation_and_nothing_of_its_batch_is_taken(
    chain: Chain, rogue: Rogue, code: str
) -> None:
    whole = rogue.journal.batch()
    honest = encode_sale(sale(3))
    assert honest in whole.entries[2]
    altered = whole.entries[2].replace(b"anna", b"evil")
    stream = greet(rogue)
    stream.send(replace(whole, entries=(*whole.entries[:2], altered)))
    require_violation(stream.end())
    assert chain.sales(code) == []


def test_an_entry_of_another_branch_s_chain_is_a_violation(chain: Chain, rogue: Rogue, code: str) -> None:
    stranger = Rogue.of(chain.join(), chain.port)
    stranger.journal.add_sale(sale(1))
    stream = greet(rogue)
    stream.send(replace(stranger.journal.batch(), incarnation=rogue.journal.incarnation))
    require_violation(stream.end())
    stranger.close()
    assert chain.sales(code) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"incarnation": b"x" * 16},
        {"incarnation": b""},
        {"entries": ()},
        {"last_hash": b"short"},
        {"last_hash": b"h" * 32},
        {"first_seq": 0},
        {"first_seq": 2**63},
        {"entries": (b"",)},
        {"entries": (b"\xff" * 100,)},
        {"entries": (b"x",) * 3_000},
    ],
    ids=[
        "of another incarnation",
        "of no incarnation",
        "without entries",
        "with a short hash",
        "with another hash",
        "from entry 0",
        "from far away",
        "with an empty entry",
        "with noise for an entry",
        "with too many entries",
    ],
)
def test_a_batch_that_is_none_is_a_violation(chain: Chain, rogue: Rogue, code: str, changes: dict[str, Any]) -> None:
    stream = greet(rogue)
    stream.send(replace(rogue.journal.batch(), **changes))
    require_violation(stream.end())
    assert chain.sales(code) == []


@pytest.mark.parametrize("noise", [b"", b"\xff\xff\xff\xff", b"\x7a\x03abc", b"{}" * 500], ids=repr)
def test_bytes_that_are_no_message_are_a_violation(rogue: Rogue, noise: bytes) -> None:
    for begun in (rogue.exchange(), greet(rogue)):
        begun.send(noise[:2_000])
        require_violation(begun.end())


def test_a_frame_beyond_the_limit_is_refused_by_its_size(rogue: Rogue) -> None:
    stream = greet(rogue)
    stream.send(bytes(MESSAGE_BYTES_MAX + 1_000_000))
    assert stream.end().code is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_an_entry_beyond_the_limit_is_a_violation(rogue: Rogue) -> None:
    stream = greet(rogue)
    entry = rogue.journal.entries[0] + bytes(1_100_000)
    stream.send(replace(rogue.journal.batch(to_seq=1), entries=(entry,)))
    require_violation(stream.end())


def test_an_ack_of_a_feed_that_was_not_sent_is_a_violation(rogue: Rogue) -> None:
    stream = push(rogue)
    stream.send(FeedAck(FeedCursor(b"e" * 16, 10**9, b"h" * 32)))
    require_violation(stream.end())


def flood(rogue: Rogue, batches: int) -> Stream:
    """Sends that many batches of one entry at once, and reads nothing meanwhile."""
    for number in range(4, batches + 1):
        rogue.journal.add_sale(sale(number))
    stream = greet(rogue)
    stream.send(*(rogue.journal.batch(seq, seq + 1) for seq in range(batches)))
    return stream


def test_a_flood_of_batches_does_no_harm(chain: Chain, rogue: Rogue, code: str) -> None:
    stream = flood(rogue, 10 * PUSH_BATCHES_IN_FLIGHT_MAX)
    stream.send(Goodbye())
    stream.end()
    held = [found.receipt for found in chain.sales(code)]
    assert held == [f"1-{number:06}" for number in range(1, len(held) + 1)]
    assert chain.cursor(code).acknowledged_seq == len(held)


def test_what_cannot_be_applied_is_parked_and_the_rest_flows(chain: Chain, rogue: Rogue, code: str) -> None:
    rogue.journal.add([Record(RecordKind.SALE, rogue.journal.ids.new_id(), b"\xff\xff")])
    rogue.journal.add([Record(9_999, rogue.journal.ids.new_id(), b"from the future")])
    rogue.journal.add_sale(sale(5, cashier="nul\0byte"))
    rogue.journal.add_sale(sale(6))
    stream = greet(rogue)
    stream.send(rogue.journal.batch())
    ack = stream.receive(Ack)
    assert ack.acknowledged == rogue.journal.head
    assert [held.receipt for held in chain.sales(code)][-1] == "1-000006"
    parked = [row for row in chain.office.ask("sync", "parked")["parked"] if row["branch"] == code]
    assert {row["seq"] for row in parked} >= {4, 5}
    assert len(parked) == len(ack.outcomes)
    assert all(row["reason"] and row["parked_at"] for row in parked)
    report = chain.office.ask("report", "run", "sales", "--branch", code)
    assert report["completeness"]["branches"][0]["complete"] is False


def test_of_two_live_sessions_the_older_is_refused_and_the_newer_goes_on(chain: Chain, rogue: Rogue, code: str) -> None:
    older, newer = greet(rogue), greet(rogue)
    older.send(rogue.journal.batch(to_seq=1))
    refusal = older.end()
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ABORTED, "session_replaced")
    assert chain.cursor(code).connected
    newer.send(rogue.journal.batch())
    assert newer.receive(Ack).acknowledged == rogue.journal.head
    assert len(chain.sales(code)) == 3


def test_an_older_session_cannot_move_the_watermark(chain: Chain, rogue: Rogue, code: str) -> None:
    older, newer = push(rogue), greet(rogue)
    before = chain.cursor(code).watermark
    older.send(Tick(1, rogue.clock.now_us() + 10**9, 3))
    assert older.end().reason == "session_replaced"
    assert chain.cursor(code).watermark == before
    newer.send(Goodbye())


def test_a_watermark_never_lies_ahead_of_the_head_office_s_clock(chain: Chain, rogue: Rogue, code: str) -> None:
    stream = push(rogue)
    stream.send(Tick(1, rogue.clock.now_us() + 10**12, 3), Goodbye())
    stream.end()
    row = chain.cursor(code)
    assert row.watermark is None or row.watermark <= row.last_seen_at


def test_a_stream_opened_and_left_alone_does_not_count_as_connected(chain: Chain, rogue: Rogue, code: str) -> None:
    stream = rogue.exchange()
    assert not chain.cursor(code).connected
    stream.finish_sending()
    assert stream.end().code is grpc.StatusCode.OK


def test_a_stream_that_breaks_off_while_its_batch_is_merged_leaves_the_branch_offline(
    chain: Chain, rogue: Rogue, code: str
) -> None:
    for number in range(4, 4 + BREAKS):
        rogue.journal.add_sale(sale(number))
        stream = greet(rogue)
        stream.send(rogue.journal.batch(chain.cursor(code).acknowledged_seq))
        stream.break_off()
        require_offline(chain, code)


def test_a_stream_that_breaks_off_while_its_hello_is_answered_leaves_the_branch_offline(
    chain: Chain, rogue: Rogue, code: str
) -> None:
    for number in range(BREAKS):
        stream = rogue.exchange(rogue.hello())
        time.sleep(number / BREAKS * HELLO_SECONDS)  # the moment itself is what the test varies
        stream.break_off()
        require_offline(chain, code)


def test_a_branch_may_not_open_streams_without_end(rogue: Rogue) -> None:
    streams = [greet(rogue) for _ in range(STREAMS_PER_BRANCH_MAX)]
    refusal = rogue.exchange(rogue.hello()).end()
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "store_busy")
    for stream in streams:
        stream.break_off()


@pytest.mark.parametrize("last_fence", [2**62, 2**63 - 2, 2**64 - 1])
def test_a_session_from_the_far_future_does_not_lock_the_branch_out(rogue: Rogue, last_fence: int) -> None:
    refusal = rogue.exchange(rogue.hello(last_fence=last_fence)).end()
    assert (refusal.code, refusal.reason) == VIOLATION
    assert greet(rogue) is not None


def require_offline(chain: Chain, code: str) -> None:
    wait_until(lambda: not chain.cursor(code).connected, "the branch to be offline", GONE_SECONDS_MAX)
