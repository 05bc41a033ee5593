"""The branch's side of a stream when its store was restored or copied: finding the last common entry, history."""

from __future__ import annotations

from shared.sync.branch_commands import ApplyHistory, FinishReason, ReadMarks, Rehome, Send, StoreWelcome
from shared.sync.limits import MARKS_MAX
from shared.sync.locating import Search
from shared.sync.messages import Common, HistoryBatch, HistoryCursor, HistoryRequest, Mark, Marks, ResumeMode
from tests.unit.test_branch_session import INCARNATION, greeting, streaming, welcome


def marks(*positions: int) -> tuple[Mark, ...]:
    return tuple(Mark(INCARNATION, position, bytes([position]) * 32) for position in positions)


def test_a_store_that_must_be_repaired_looks_for_the_last_common_entry_and_is_rehomed() -> None:
    repaired = welcome(resume=ResumeMode.REPAIR)
    play = greeting(3) >> repaired << StoreWelcome(repaired) << ReadMarks(())
    asked = marks(0, 1, 2, 3)
    play = play >> (lambda session: session.record_head_position(3)) << ReadMarks((0, 1, 2, 3))
    play = play >> (lambda session: session.record_marks(asked)) << Send(Marks(asked))
    play = play >> Common(1) << Rehome(asked[1], 1)
    (finish,) = play.put(lambda session: session.record_rehomed())
    assert finish.reason is FinishReason.REHOMED


def test_a_store_of_which_hq_holds_nothing_is_rehomed_whole() -> None:
    play = (greeting(1) >> welcome(resume=ResumeMode.REPAIR)).skip() >> (lambda s: s.record_head_position(1))
    play = play.skip() >> (lambda session: session.record_marks(marks(0, 1)))
    assert play.skip() >> Common(None) << Rehome(None, -1)


def test_hq_cannot_answer_a_mark_that_was_not_asked() -> None:
    play = (greeting(1) >> welcome(resume=ResumeMode.REPAIR)).skip() >> (lambda s: s.record_head_position(1))
    play = play.skip() >> (lambda session: session.record_marks(marks(0, 1)))
    (finish,) = play.skip().put(Common(2))
    assert finish.reason is FinishReason.VIOLATION


def test_history_is_asked_for_until_it_is_done_and_a_pass_waits_for_it() -> None:
    after, further = HistoryCursor(0, 0), HistoryCursor(1, 5)
    play = streaming(0).skip() >> (lambda session: session.record_history_wanted(after))
    play = play << Send(HistoryRequest(after))
    more = HistoryBatch((b"entry",), further, done=False)
    play = play >> more << ApplyHistory(more)
    play = play >> (lambda session: session.record_history_applied(more, 0)) << Send(HistoryRequest(further))
    last = HistoryBatch((), further, done=True)
    assert play >> last << ApplyHistory(last) >> (lambda session: session.record_history_applied(last, 0))


def test_a_search_finds_the_newest_common_position_in_few_questions() -> None:
    for head, common in [(0, -1), (0, 0), (5, 3), (1_000, 0), (200_000, 199_999), (200_000, 77_777), (10**6, -1)]:
        search = Search(head)
        questions = 0
        while positions := search.next_positions():
            assert len(positions) <= MARKS_MAX
            held = [index for index, position in enumerate(positions) if position <= common]
            asked = tuple(Mark(INCARNATION, position, b"") for position in positions)
            assert search.record_answer(asked, held[-1] if held else None)
            questions += 1
        assert search.common_position == common
        assert search.common == (None if common < 0 else Mark(INCARNATION, common, b""))
        assert questions <= 5
