"""How HQ recognises who says hello: the same store going on, an older copy of it, a copy beside it, or a stranger.

    known incarnation, newest chain ............ INCREMENTAL   plain resume
    known incarnation, chain shorter or other .. REPAIR        the store was restored: find the last common entry,
                                                               go on as a new incarnation
    known incarnation, older session ........... REPAIR        the store is an older copy, whatever its chain says
    closed incarnation, its newest session ..... QUARANTINE    two stores live under one identity: name the heir
    new incarnation with a parent HQ holds ..... INCREMENTAL   a restored store after its re-homing
    new incarnation with another parent ........ REPAIR        HQ itself was restored and has lost the parent
    new incarnation without a parent ........... INCREMENTAL   the first, one enrolled in place of a lost store, or
                                                               one that a restored HQ has forgotten;
                                                 QUARANTINE    otherwise

An incarnation is *closed* when another one continues it, and *disowned* when an administrator named another heir. Every
session has a fence, a number that grows; the store keeps the fence of its incarnation's newest session, and HQ the one
it issued last and the newest that a message proved to have reached the store's disk. A store that comes with less than
that is a copy from before; one that comes with more than HQ ever issued shows that HQ itself was restored.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from shared.sync.chain import NO_HASH, NO_PARENT, Head, hash_genesis
from shared.sync.limits import PROTOCOL_MAX, PROTOCOL_MIN
from shared.sync.messages import FeedCursor, Hello, ProcessingMode, ResumeMode, WhenUnreachable


class LifeState(IntEnum):
    """What HQ thinks of an incarnation. An heir goes on beside others that once were the same store."""

    LIVE = 0
    CLOSED = 1
    DISOWNED = 2
    HEIR = 3


@dataclass(frozen=True, slots=True)
class KnownLife:
    """What HQ holds of one incarnation.

    `issued_fence` is that of its newest session, `confirmed_fence` of the newest known to be on the store's disk.
    """

    acknowledged: Head
    confirmed_fence: int
    state: LifeState = LifeState.LIVE
    issued_fence: int = 0


@dataclass(frozen=True, slots=True)
class KnownBranch:
    """What HQ holds of a branch when it says hello, and of the incarnation and the parent that the hello names.

    `is_new` before the branch's first session; `holds_parent` when HQ has the very entry that the parent names.
    """

    branch_id: bytes
    is_new: bool
    life: KnownLife | None
    holds_parent: bool
    fence: int
    mode: ProcessingMode
    when_unreachable: WhenUnreachable
    feed_head: FeedCursor
    quarantine: str | None = None
    is_replacing: bool = False
    backup_seq: int = 0
    foreign_entries: int = 0
    commits_digest: bytes = b""
    # Orders to erase persons of which the branch may not have heard, as feed records.
    orders: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class HelloDecision:
    """How a hello is treated. `feed` is where the feed goes on from.

    `is_first` marks an incarnation HQ sees for the first time: the others close, or are disowned (`disowns_others`).
    `quarantines` says that the branch is to be refused until an administrator has decided.
    """

    resume: ResumeMode
    acknowledged: Head
    feed: FeedCursor
    reason: str = ""
    is_first: bool = False
    disowns_others: bool = False
    quarantines: bool = False
    hq_restored: bool = False
    feed_lost: bool = False
    protocol: int = PROTOCOL_MAX


def decide_hello(hello: Hello, known: KnownBranch, is_on_feed: bool) -> HelloDecision:
    """Compares the branch's claim with HQ's memory. `is_on_feed`: the branch's feed cursor is one of HQ's feed."""
    feed, feed_lost = _resume_feed(hello.feed, known.feed_head, is_on_feed)
    genesis = Head(0, hash_genesis(hello.branch_id, hello.incarnation, hello.parent))
    recognition = _Recognition(hello, known, genesis, feed, feed_lost)
    if hello.protocol_max < PROTOCOL_MIN or hello.protocol_min > PROTOCOL_MAX:
        return recognition.answer(
            ResumeMode.UPGRADE,
            f"The branch speaks protocol {hello.protocol_min}–{hello.protocol_max}, HQ {PROTOCOL_MIN}–{PROTOCOL_MAX}.",
        )
    if known.quarantine is not None:
        return recognition.answer(ResumeMode.QUARANTINE, known.quarantine)
    if known.life is None:
        return recognition.treat_new_life()
    return recognition.treat_known_life(known.life)


def goes_on(resume: ResumeMode) -> bool:
    """Whether a stream goes on after a welcome of this kind."""
    return resume in (ResumeMode.INCREMENTAL, ResumeMode.REPAIR)


@dataclass(frozen=True, slots=True)
class _Recognition:
    hello: Hello
    known: KnownBranch
    genesis: Head
    feed: FeedCursor
    feed_lost: bool

    def answer(
        self,
        resume: ResumeMode,
        reason: str = "",
        is_first: bool = False,
        disowns_others: bool = False,
        quarantines: bool = False,
    ) -> HelloDecision:
        hello, known = self.hello, self.known
        return HelloDecision(
            resume,
            known.life.acknowledged if known.life else self.genesis,
            self.feed,
            reason,
            is_first,
            disowns_others,
            quarantines,
            hq_restored=hello.last_fence > self._newest_fence_known(),
            feed_lost=self.feed_lost,
            protocol=min(hello.protocol_max, PROTOCOL_MAX),
        )

    def _newest_fence_known(self) -> int:
        """Of this incarnation's sessions. One that followed a loss counts only once the store has confirmed it."""
        life = self.known.life
        return max(life.issued_fence, life.confirmed_fence) if life else 0

    def treat_new_life(self) -> HelloDecision:
        hello, known = self.hello, self.known
        if hello.parent != NO_PARENT:
            if known.holds_parent:
                return self.answer(ResumeMode.INCREMENTAL, is_first=True)
            return self.answer(ResumeMode.REPAIR, "HQ does not hold the entry that this incarnation goes on from.")
        if known.is_new or hello.last_fence > 0:
            # The first store; or HQ was restored and has forgotten this one.
            return self.answer(ResumeMode.INCREMENTAL, is_first=True)
        if known.is_replacing:
            return self.answer(ResumeMode.INCREMENTAL, is_first=True, disowns_others=True)
        return self.answer(
            ResumeMode.QUARANTINE,
            "The branch comes with a new store, but HQ holds entries of an earlier one; "
            "if that one is lost, enrol with --replace.",
        )

    def treat_known_life(self, life: KnownLife) -> HelloDecision:
        hello = self.hello
        if life.state is LifeState.DISOWNED:
            return self.answer(ResumeMode.REPAIR, "Another store is this incarnation's heir.")
        # Nought: a store from before its first session, or a release that keeps no fences; its head decides.
        if 0 < hello.last_fence < life.confirmed_fence:
            return self.answer(ResumeMode.REPAIR, "The store is an older copy: it has taken part in later sessions.")
        if life.state is LifeState.CLOSED and not hello.last_fence:
            return self.answer(ResumeMode.REPAIR, "Another incarnation has gone on from this one.")
        if life.state is LifeState.CLOSED:
            return self.answer(
                ResumeMode.QUARANTINE,
                "Two stores live under this branch's identity; HQ must say which one is the heir.",
                quarantines=True,
            )
        if hello.head.seq < life.acknowledged.seq:
            return self.answer(
                ResumeMode.REPAIR,
                f"The journal ends at entry {hello.head.seq}, but HQ holds {life.acknowledged.seq} entries: "
                "the store was restored from an older copy.",
            )
        if hello.head.seq == life.acknowledged.seq and hello.head.entry_hash != life.acknowledged.entry_hash:
            return self.answer(ResumeMode.REPAIR, f"The branch holds another entry {hello.head.seq} than HQ does.")
        return self.answer(ResumeMode.INCREMENTAL)


def _resume_feed(claimed: FeedCursor, head: FeedCursor, is_on_feed: bool) -> tuple[FeedCursor, bool]:
    """The branch's own cursor when HQ's feed knows it, else the beginning: feed records may be applied twice."""
    if claimed.position == 0:
        return FeedCursor(head.epoch, 0, NO_HASH), False
    return (claimed, False) if is_on_feed else (FeedCursor(head.epoch, 0, NO_HASH), True)
