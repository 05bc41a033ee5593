"""Letters at the head office on both databases: consent at sending, states, crashes, matching, what people decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from branch_node.operations.letters import read_letters, take_back
from hq_server.mail.passes import MailRoom, send_alone
from hq_server.operations import letters as desk
from hq_server.operations.backup import restore_backup, take_backup
from hq_server.operations.mail_receiving import _WITH_ADDRESS, Taken, clients_with, take_in
from hq_server.operations.mail_sending import Answer, Outcome, begin_sending, find_ready
from hq_server.settings import Settings
from hq_server.storage.feed import number_feed
from hq_server.storage.mail_lock import alone_with_mail
from hq_server.storage.mail_tables import unmatched_letter
from shared.domain.identifiers import format_id
from shared.domain.mail import ATTEMPTS_MAX, Detail, MailState, Refusal, message_id, split_detail
from shared.domain.mail_text import Envelope, compose, parse_letter
from shared.domain.permissions import LOCAL_ADMINISTRATOR, ROLES, Actor
from shared.errors import NotFound, NotPermitted, Refused
from shared.operations.letters import Letter, find_letter
from shared.storage.tables import mail
from shared.sync.messages import ProcessingMode, WhenUnreachable
from tests.support.letters import ADDRESS, AGREED, editing, write
from tests.support.office import Office
from tests.support.pair import Node, Pair

LETTER = b"l" * 16
FROM = "shop@shop.example"
TAKEN = Outcome(Answer.TAKEN, "250 OK")
PUT_OFF = Outcome(Answer.PUT_OFF, "451 later")


class Died(Exception):
    """The process was killed."""


class Script:
    """A line to a mail server that answers as it is told: an outcome, or death."""

    def __init__(self, *answers: Outcome | type[Exception]) -> None:
        self.answers = list(answers)
        self.took: list[bytes] = []
        self.is_open = True
        self.watch: Callable[[], None] = lambda: None

    @contextmanager
    def connect(self) -> Iterator[Script]:
        yield self

    def deliver(self, recipient: str, data: bytes) -> Outcome:
        self.watch()
        self.took.append(data)
        answer = self.answers.pop(0) if self.answers else TAKEN
        if isinstance(answer, Outcome):
            return answer
        raise answer


@pytest.fixture
def pair(office: Office, tmp_path: Path) -> Pair:
    return Pair(office, tmp_path)


@pytest.fixture
def room(office: Office, tmp_path: Path) -> MailRoom:
    return MailRoom(Settings(home=tmp_path, mail_from=FROM), office.store, office.clock, office.ids)


def run(room: MailRoom, script: Script | None = None, after_seconds: int = 60) -> dict[str, int]:
    room.clock.advance(after_seconds)  # type: ignore[attr-defined]
    return send_alone(room, FROM, (script or Script()).connect)


def client_of(node: Node) -> bytes:
    client_id = node.line().add_client(AGREED)
    node.sync()
    return client_id


def written(node: Node, client_id: bytes, letter_id: bytes = LETTER, **changes: Any) -> None:
    node.clock.advance(1)
    assert write(node.line().commit, client_id, letter_id, **changes)
    node.sync()


def letter_at(node: Node, client_id: bytes, number: int = 0) -> Letter:
    """As the branch's page shows it."""
    return read_letters(node.store, LOCAL_ADMINISTRATOR, client_id).letters[number]


def letter_at_hq(office: Office, letter_id: bytes = LETTER) -> Letter:
    with office.store.read() as connection:
        found = find_letter(connection, letter_id)
    assert found is not None
    return found


def test_a_letter_is_sent_once_and_both_branches_that_know_the_client_say_so(
    pair: Pair, room: MailRoom, office: Office
) -> None:
    north, south = pair.join("B1"), pair.join("B2")
    client_id = client_of(north)
    with north.store.read() as connection:
        assert connection is not None
    written(north, client_id)
    script = Script()
    script.watch = lambda: _assert_state(office, MailState.SENDING)
    assert run(room, script) == {"sent": 1}
    assert run(room, script) == {}
    (data,) = script.took
    assert parse_letter(data).message_id == message_id(LETTER, "shop.example") == letter_at_hq(office).message_id
    north.sync()
    assert letter_at(north, client_id).state is MailState.SENT
    south.sync()
    south.line().commit(editing(client_id, note="seen here"))
    south.sync()
    assert letter_at(south, client_id).state is MailState.SENT


def _assert_state(office: Office, state: MailState) -> None:
    """What is on the disk at this moment."""
    assert letter_at_hq(office).state is state


def test_consent_withdrawn_elsewhere_before_the_letter_goes_out_refuses_it_and_the_timeline_says_so(
    pair: Pair, room: MailRoom
) -> None:
    north, south = pair.join("B1"), pair.join("B2")
    client_id = client_of(north)
    south.line().commit(editing(client_id, note="he came here too"))
    south.sync()
    # Both without a network: the one writes, the other hears that he wants none.
    write(north.line().commit, client_id, LETTER, purpose="advertising")
    south.line().commit(editing(client_id, consent_advertising=False))
    assert letter_at(north, client_id).state is MailState.WAITING
    north.sync()
    south.sync()
    script = Script()
    assert run(room, script) == {"refused": 1}
    assert script.took == []
    for node in (north, south):
        node.sync()
        letter = letter_at(node, client_id)
        assert (letter.state, letter.detail) == (MailState.REFUSED, Refusal.NO_CONSENT_ADVERTISING)


def test_an_override_counts_only_from_who_may_give_one(pair: Pair, room: MailRoom, office: Office) -> None:
    node = pair.join("B1")
    client_id = client_of(node)
    node.line().commit(editing(client_id, do_not_contact=True))
    written(node, client_id, override_reason="он просил")
    rogue = Actor(b"r" * 16, "rogue", "Rogue", "manager", ROLES["manager"].permissions, ROLES["manager"].limits)
    write(node.line().commit, client_id, b"2" * 16, rogue, override_reason="nobody at the head office knows me")
    node.sync()
    assert run(room) == {"sent": 1, "refused": 1}
    assert letter_at_hq(office).state is MailState.SENT
    assert letter_at_hq(office, b"2" * 16).detail == Refusal.DO_NOT_CONTACT


def test_a_sender_that_died_leaves_the_letter_uncertain_and_nobody_sends_it_again(
    pair: Pair, room: MailRoom, office: Office
) -> None:
    node = pair.join("B1")
    client_id = client_of(node)
    written(node, client_id)
    script = Script(Died)
    with pytest.raises(Died):
        run(room, script)
    assert letter_at_hq(office).state is MailState.SENDING
    for _ in range(3):
        run(room, script, 86_400)
    assert len(script.took) == 1
    found = letter_at_hq(office)
    assert (found.state, found.detail) == (MailState.UNCERTAIN, Detail.SENDER_DIED)
    node.sync()
    assert letter_at(node, client_id).state is MailState.UNCERTAIN


def test_an_answer_that_never_came_leaves_the_letter_uncertain_until_a_person_decides(
    pair: Pair, room: MailRoom, office: Office
) -> None:
    node = pair.join("B1")
    client_id = client_of(node)
    for number in (b"1", b"2", b"3"):
        written(node, client_id, number * 16)
    lost = Outcome(Answer.NONE, "connection lost")
    assert run(room, Script(lost, lost, lost)) == {"uncertain": 3}
    assert run(room) == {}
    with office.store.write() as connection:
        now_us = office.clock.now_us()
        desk.resend(connection, office.ids, now_us, LOCAL_ADMINISTRATOR, b"1" * 16)
        desk.mark(connection, office.ids, now_us, LOCAL_ADMINISTRATOR, b"2" * 16, arrived=True)
        desk.mark(connection, office.ids, now_us, LOCAL_ADMINISTRATOR, b"3" * 16, arrived=False)
    script = Script()
    assert run(room, script) == {"sent": 1}
    assert parse_letter(script.took[0]).message_id == message_id(b"1" * 16, "shop.example")
    assert letter_at_hq(office, b"2" * 16).state is MailState.SENT
    assert letter_at_hq(office, b"3" * 16).state is MailState.FAILED
    with office.store.write() as connection, pytest.raises(Refused):
        desk.resend(connection, office.ids, office.clock.now_us(), LOCAL_ADMINISTRATOR, b"2" * 16)


def test_a_letter_that_is_put_off_waits_longer_each_time_and_fails_in_the_end(
    pair: Pair, room: MailRoom, office: Office
) -> None:
    node = pair.join("B1")
    written(node, client_of(node))
    assert run(room, Script(PUT_OFF)) == {"waiting": 1}
    assert split_detail(letter_at_hq(office).detail) == (Detail.PUT_OFF, "451 later")
    assert run(room, Script(), 1) == {}, "it is not its turn yet"
    for _ in range(ATTEMPTS_MAX - 2):
        assert run(room, Script(PUT_OFF), 86_400) == {"waiting": 1}
    assert run(room, Script(PUT_OFF), 86_400) == {"failed": 1}
    assert split_detail(letter_at_hq(office).detail) == (Detail.GAVE_UP, "451 later")
    assert run(room, Script(), 86_400) == {}


def test_a_rejected_letter_fails_with_the_servers_words(pair: Pair, room: MailRoom, office: Office) -> None:
    node = pair.join("B1")
    written(node, client_of(node))
    assert run(room, Script(Outcome(Answer.REJECTED, "550 no such user"))) == {"failed": 1}
    assert letter_at_hq(office).detail == "rejected: 550 no such user"
    assert run(room) == {}


def test_a_letter_lies_for_a_moment_and_one_that_is_taken_back_is_never_sent(
    pair: Pair, room: MailRoom, office: Office
) -> None:
    node = pair.join("B1")
    client_id = client_of(node)
    written(node, client_id)
    assert run(room, Script(), 1) == {}, "whoever wrote it may take it back"
    take_back(node.line().commit, LOCAL_ADMINISTRATOR, client_id, LETTER)
    assert letter_at(node, client_id).is_being_taken_back
    node.sync()
    script = Script()
    assert run(room, script) == {"taken_back": 1}
    assert script.took == []
    node.sync()
    assert (letter_at(node, client_id).state, letter_at(node, client_id).is_being_taken_back) == ("taken_back", False)
    with pytest.raises(Refused):
        take_back(node.line().commit, LOCAL_ADMINISTRATOR, client_id, LETTER)


def test_a_letter_that_was_put_off_can_still_be_taken_back(pair: Pair, room: MailRoom, office: Office) -> None:
    node = pair.join("B1")
    client_id = client_of(node)
    written(node, client_id)
    run(room, Script(PUT_OFF))
    node.sync()
    take_back(node.line().commit, LOCAL_ADMINISTRATOR, client_id, LETTER)
    node.sync()
    assert run(room, Script(), 86_400) == {"taken_back": 1}


def test_what_waited_in_a_restored_store_is_uncertain_since_it_may_have_been_sent(
    pair: Pair, room: MailRoom, office: Office, tmp_path: Path
) -> None:
    node = pair.join("B1")
    client_id = client_of(node)
    written(node, client_id)
    take_backup(office.store, tmp_path / "backup", office.clock, office.ids)
    script = Script()
    assert run(room, script) == {"sent": 1}
    restore_backup(office.store, tmp_path / "backup", office.clock, office.ids)
    assert letter_at_hq(office).state is MailState.WAITING
    assert run(room, script) == {"uncertain": 1}
    assert len(script.took) == 1
    assert letter_at_hq(office).detail == Detail.RESTORED
    with office.store.write() as connection:
        desk.resend(connection, office.ids, office.clock.now_us(), LOCAL_ADMINISTRATOR, LETTER)
    assert run(room, script) == {"sent": 1}


def test_in_centralized_mode_a_letter_is_written_through_the_head_office(
    pair: Pair, room: MailRoom, office: Office
) -> None:
    node = pair.join("B1")
    client_id = client_of(node)
    pair.set_mode("B1", ProcessingMode.CENTRALIZED, WhenUnreachable.REFUSE)
    node.sync()
    assert write(node.line().commit, client_id, LETTER)
    assert letter_at_hq(office).state is MailState.WAITING
    take_back(node.line().commit, LOCAL_ADMINISTRATOR, client_id, LETTER)
    assert letter_at_hq(office).is_being_taken_back
    assert run(room) == {"taken_back": 1}


def test_two_senders_never_work_at_once(office: Office, tmp_path: Path) -> None:
    with alone_with_mail(office.store, tmp_path, "sending"):
        with pytest.raises(Refused, match="Another process"), alone_with_mail(office.store, tmp_path, "sending"):
            pass
        if office.store.dialect == "postgresql":
            (tmp_path / "elsewhere").mkdir()
            with pytest.raises(Refused), alone_with_mail(office.store, tmp_path / "elsewhere", "sending"):
                pass
        with alone_with_mail(office.store, tmp_path, "reading"):
            pass
    with alone_with_mail(office.store, tmp_path, "sending"):
        pass


# ---- Letters that arrive.


def arriving(body: str = "Спасибо!", sender: str = ADDRESS, number: int = 1, **changes: object) -> bytes:
    usual = Envelope(
        f"<{number}@client.example>", sender, "Анна", FROM, "Магазин", "Re: Ваш заказ", body, 1_795_000_000_000_000
    )
    return compose(usual._replace(**changes))  # type: ignore[arg-type]


def take(office: Office, data: bytes) -> Taken:
    with office.store.write() as connection:
        taken = take_in(connection, office.ids, office.clock.now_us(), office.chain.chain_id, data, FROM)
    number_feed(office.store, office.clock.now_us())
    return taken


def test_an_answer_is_the_clients_whose_letter_it_answers_whoever_sends_it(
    pair: Pair, room: MailRoom, office: Office
) -> None:
    node = pair.join("B1")
    client_id = client_of(node)
    written(node, client_id)
    run(room)
    answer = arriving(sender="anna@work.example", answers=("<other@x>", message_id(LETTER, "shop.example")))
    assert [take(office, answer), take(office, answer)] == [Taken.MATCHED, Taken.KNOWN]
    node.sync()
    letter = letter_at(node, client_id)
    assert (letter.direction, letter.state, letter.body) == ("in", MailState.RECEIVED, "Спасибо!")
    assert (letter.address, letter.in_reply_to) == ("anna@work.example", LETTER)


def test_a_letter_from_a_known_address_is_that_clients_and_from_a_shared_one_nobodys(
    pair: Pair, office: Office
) -> None:
    node = pair.join("B1")
    client_id = client_of(node)
    assert take(office, arriving()) is Taken.MATCHED
    node.sync()
    assert letter_at(node, client_id).subject == "Re: Ваш заказ"
    other = node.line().add_client({"name": "Муж Анны", "emails": (ADDRESS,)})
    node.sync()
    assert take(office, arriving(number=2)) is Taken.UNMATCHED
    with office.store.read() as connection:
        ((found,), has_more) = desk.list_unmatched(connection, LOCAL_ADMINISTRATOR)
        assert clients_with(connection, "nna@example.org") == []
    assert {each for each, _ in found.candidates} == {client_id, other}
    assert not has_more


def test_our_own_letters_in_the_mailbox_are_left_alone(pair: Pair, office: Office) -> None:
    pair.join("B1")
    assert take(office, arriving(sender=FROM)) is Taken.OWN
    assert office.count(unmatched_letter) == 0


def test_an_unmatched_letter_is_assigned_or_dismissed_and_brought_back(pair: Pair, office: Office) -> None:
    node = pair.join("B1")
    client_id = client_of(node)
    for number in (1, 2):
        assert take(office, arriving(sender="who@knows.example", number=number)) is Taken.UNMATCHED
    first, second = (
        row.id for row in office.rows(select(unmatched_letter.c.id).order_by(unmatched_letter.c.message_id))
    )
    now_us = office.clock.now_us()
    with office.store.write() as connection:
        reference = format_id(client_id)
        assert desk.assign(connection, office.ids, now_us, LOCAL_ADMINISTRATOR, first, reference) == client_id
        desk.dismiss(connection, now_us, LOCAL_ADMINISTRATOR, second)
        with pytest.raises(Refused):
            desk.assign(connection, office.ids, now_us, LOCAL_ADMINISTRATOR, second, reference)
        desk.bring_back(connection, now_us, LOCAL_ADMINISTRATOR, second)
        desk.dismiss(connection, now_us, LOCAL_ADMINISTRATOR, second)
        assert desk.list_unmatched(connection, LOCAL_ADMINISTRATOR) == ([], False)
    number_feed(office.store, now_us)
    assert take(office, arriving(sender="who@knows.example", number=2)) is Taken.KNOWN
    node.sync()
    letter = letter_at(node, client_id)
    assert (letter.direction, letter.address) == ("in", "who@knows.example")


def test_an_answer_by_a_program_is_no_running_request(pair: Pair, office: Office) -> None:
    node = pair.join("B1")
    client_id = client_of(node)
    node.line().commit(editing(client_id, consent_data=False))
    away = b"Auto-Submitted: auto-replied\r\n" + arriving()
    assert take(office, away) is Taken.MATCHED
    node.sync()
    with pytest.raises(Refused, match="no request"):
        write(node.line().commit, client_id, LETTER)
    assert take(office, arriving(number=2)) is Taken.MATCHED
    node.sync()
    assert write(node.line().commit, client_id, LETTER)


def test_the_lists_are_for_who_reports_on_the_chain_and_are_paged(
    pair: Pair, room: MailRoom, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = pair.join("B1")
    client_id = client_of(node)
    for number in (b"1", b"2", b"3"):
        written(node, client_id, number * 16)
    monkeypatch.setattr(desk, "LETTERS_PER_PAGE_MAX", 2)
    with office.store.read() as connection:
        page, has_more = desk.list_letters(connection, LOCAL_ADMINISTRATOR, MailState.WAITING)
        assert ([each.letter.letter_id[:1] for each in page], has_more) == ([b"1", b"2"], True)
        assert page[0].client == "Анна Петрова"
        rest, has_more = desk.list_letters(connection, LOCAL_ADMINISTRATOR, MailState.WAITING, b"2" * 16)
        assert ([each.letter.letter_id[:1] for each in rest], has_more) == ([b"3"], False)
        assert desk.count_letters(connection, LOCAL_ADMINISTRATOR)["waiting"] == 3
        for role in ("manager", "auditor"):
            actor = Actor(b"e" * 16, role, role, role, ROLES[role].permissions, ROLES[role].limits)
            with pytest.raises(NotPermitted):
                desk.list_letters(connection, actor, MailState.WAITING)
    with office.store.write() as connection, pytest.raises(NotFound):
        desk.resend(connection, office.ids, office.clock.now_us(), LOCAL_ADMINISTRATOR, b"9" * 16)


def test_letters_are_found_by_indexes_however_many_there_are(office: Office) -> None:
    if office.store.dialect != "sqlite":
        return
    plans: list[str] = []
    with office.store.read() as connection:
        for condition in (
            "state IS NULL",
            "state = 'waiting'",
            "state = 'sending'",
            "client_id = x''",
            "message_id = ''",
        ):
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN SELECT id FROM mail WHERE {condition}")
            plans += [row[3] for row in rows]
        assert find_ready(connection, office.clock.now_us()) == []
    assert all("USING INDEX" in plan or "USING COVERING INDEX" in plan for plan in plans), plans


def test_whose_an_address_is_is_found_by_an_index_however_many_clients_there_are(office: Office) -> None:
    if office.store.dialect != "sqlite":
        return
    plan: list[str] = []
    with office.store.read() as connection:
        for statement in _WITH_ADDRESS:
            sql = statement.params({"code": ADDRESS}).compile(connection, compile_kwargs={"literal_binds": True})
            plan += [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}")]
    assert not [step for step in plan if step.startswith("SCAN")], plan


def test_a_letter_without_a_client_is_refused(office: Office, pair: Pair, room: MailRoom) -> None:
    node = pair.join("B1")
    written(node, client_of(node))
    with office.store.write() as connection:
        connection.execute(mail.update().values(client_id=None))
    assert run(room) == {"refused": 1}


def test_a_letter_that_somebody_else_decided_about_is_left_alone(office: Office, pair: Pair, room: MailRoom) -> None:
    node = pair.join("B1")
    written(node, client_of(node))
    run(room)
    from hq_server.operations.mail_sending import Sender

    with office.store.write() as connection:
        now_us = office.clock.now_us()
        assert begin_sending(connection, office.ids, now_us, LETTER, Sender(FROM, "", "UTC")) is None
