"""What HQ has decided at once, as rows: one answer for ever; what no journal has brought comes by whole moments."""

from __future__ import annotations

from hq_server.storage import central
from hq_server.storage.central import committed_row, rejected_row
from hq_server.storage.questions import ask, ask_together
from shared.storage.fact_rows import Row
from shared.sync.central import Committed, Rejected
from tests.support.office import Office

BRANCH = b"B" * 16
GIVEN_UP = Rejected("given_up", "Nobody waits any more.", "Ask again.")


def command(number: int) -> bytes:
    return number.to_bytes(16)


def keep(office: Office, *rows: Row) -> None:
    with office.store.write() as connection:
        central.keep(connection, office.store.bulk, rows)


def committed(number: int, at_us: int) -> Row:
    return committed_row(BRANCH, command(number), b"h" * 32, b"entry %d" % number, at_us)


def test_a_decision_is_read_as_it_was_taken_and_only_for_its_branch(office: Office) -> None:
    keep(office, committed(1, 10), rejected_row(BRANCH, command(2), GIVEN_UP, 11))
    with office.store.read() as connection:
        keys = [(BRANCH, command(1)), (BRANCH, command(2)), (BRANCH, command(3)), (b"C" * 16, command(1))]
        known = {keys[0]: Committed(10), keys[1]: GIVEN_UP}
        assert ask(connection, central.decisions_on(keys)) == known
        assert ask_together(connection, [central.decisions_on(keys), central.decisions_on(keys[2:])]) == [known, {}]


def test_commits_of_one_moment_come_together(office: Office) -> None:
    keep(office, *(committed(number, 10) for number in range(5)), committed(9, 20), committed(8, 30))
    with office.store.read() as connection:
        for commits_max in (2, 5, 6):
            moments = [at_us for at_us, _ in central.commits_after(connection, BRANCH, 0, commits_max)]
            assert moments[:5] == [10] * 5
        assert [at_us for at_us, _ in central.commits_after(connection, BRANCH, 0, 5)] == [10] * 5
        assert central.commits_after(connection, BRANCH, 10, 1) == [(20, b"entry 9")]
        assert central.commits_after(connection, BRANCH, 20, 5) == [(30, b"entry 8")]
        assert central.commits_after(connection, BRANCH, 30, 5) == []


def test_what_a_journal_has_brought_waits_no_more(office: Office) -> None:
    keep(office, *(committed(number, number) for number in (1, 2, 3)))
    with office.store.write() as connection:
        assert set(central.unlinked_commits(connection, BRANCH, [command(2), command(7)])) == {command(2)}
        central.link(connection, BRANCH, [command(2)], 50)
    with office.store.read() as connection:
        assert sorted(central.ids_waiting(connection, BRANCH)) == [command(1), command(3)]
        assert list(central.commits_waiting(connection, BRANCH)) == [
            (command(1), b"entry 1"),
            (command(3), b"entry 3"),
        ]
        assert ask(connection, central.decisions_on([(BRANCH, command(2))])) == {(BRANCH, command(2)): Committed(2)}
