"""Real mail servers: letters sent by SMTP with failures in every phase, answers read by IMAP, TLS that is checked."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hq_server.mail import smtp as smtp_module
from hq_server.mail.accounts import Account, Protection, imap_account, smtp_account
from hq_server.mail.imap import Mailbox
from hq_server.mail.passes import MailRoom, read_mailbox, send_waiting
from hq_server.mail.smtp import SmtpLine
from hq_server.operations.founding import found_chain
from hq_server.operations.mail_receiving import read_position
from hq_server.operations.mail_sending import Answer
from hq_server.settings import Settings
from hq_server.storage.mail_tables import unmatched_letter
from hq_server.storage.store import connect_store
from shared.domain.mail import Detail, MailState, message_id, split_detail
from shared.domain.mail_text import Envelope, compose
from shared.domain.records import RecordKind
from shared.errors import InvalidInput, MailServerFailed
from shared.operations.letters import find_letter
from tests.support.clock import FakeClock, SeededIds
from tests.support.letters import ADDRESS, AGREED
from tests.support.mail_servers import (
    HOST,
    SECRET,
    USER,
    Certificates,
    ImapMailbox,
    PostOffice,
    Took,
    imap_server,
    make_certificates,
    smtp_server,
)
from tests.support.office import Office

LETTER = b"l" * 16
FROM = "shop@shop.example"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("mail"))


@pytest.fixture
def post() -> Iterator[PostOffice]:
    with smtp_server() as served:
        yield served


@pytest.fixture
def mailbox() -> Iterator[ImapMailbox]:
    with imap_server() as served:
        yield served


@pytest.fixture
def office(tmp_path: Path, sqlite_template: Path) -> Iterator[Office]:
    shutil.copy(sqlite_template, tmp_path / "hq.db")
    clock = FakeClock()
    store = connect_store("sqlite:///hq.db", tmp_path, clock)
    ids = SeededIds(clock)
    yield Office(store, clock, ids, found_chain(store, "Сеть", "RUB", "Europe/Moscow", clock, ids))
    store.close()


def room_of(office: Office, home: Path, **settings: Any) -> MailRoom:
    usual = Settings(home=home, mail_from=FROM, smtp_tls="none", imap_tls="none", imap_user=USER, imap_secret=SECRET)
    return MailRoom(replace(usual, **settings), office.store, office.clock, office.ids)


def waiting(office: Office, *letters: bytes) -> bytes:
    """A client, and letters to him that came from a branch long enough ago."""
    journal = office.journal("B1")
    client_id = office.ids.new_id()
    journal.add_edit(RecordKind.CLIENT, client_id, {}, **AGREED)
    for letter_id in letters or (LETTER,):
        journal.add_edit(
            RecordKind.MAIL, letter_id, {}, client_id=client_id, direction="out", purpose="service", address=ADDRESS,
            subject="Ваш заказ", body="Готов.\n.\nЖдём.", created_at=office.clock.now_us(),
        )  # fmt: skip
    office.merge(journal, journal.batch())
    office.clock.advance(60)
    return client_id


def standing(office: Office, letter_id: bytes = LETTER) -> tuple[str, str, str]:
    """The letter's state, the code of its detail, and the server's words."""
    with office.store.read() as connection:
        found = find_letter(connection, letter_id)
    assert found is not None
    return (found.state.value, *split_detail(found.detail))


# ---- SMTP.


def test_a_letter_goes_over_the_wire_as_it_was_written(post: PostOffice, office: Office, tmp_path: Path) -> None:
    waiting(office)
    assert send_waiting(room_of(office, tmp_path, smtp_host=HOST, smtp_port=post.port)) == {"sent": 1}
    (took,) = post.took
    assert (took.sender, took.recipient) == (FROM, ADDRESS)
    # A line of a dot alone ends a letter on the wire, unless it is doubled there.
    assert took.letter.body == "Готов.\n.\nЖдём."
    assert (took.letter.subject, took.letter.name) == ("Ваш заказ", "Сеть")
    assert took.letter.message_id == message_id(LETTER, "shop.example")
    assert b"To: =?utf-8?" in took.data


@pytest.mark.parametrize(
    ("fault", "expected", "reached"),
    [
        ({"on_mail": "451 busy"}, ("waiting", Detail.PUT_OFF, "451 busy"), 0),
        ({"on_mail": "550 not you"}, ("failed", Detail.REJECTED, "550 not you"), 0),
        ({"on_rcpt": "550 no such user"}, ("failed", Detail.REJECTED, "550 no such user"), 0),
        ({"on_rcpt": "450 greylisted"}, ("waiting", Detail.PUT_OFF, "450 greylisted"), 0),
        ({"on_rcpt": None}, ("waiting", Detail.PUT_OFF, "Connection unexpectedly closed"), 0),
        ({"on_data": "451 disk is full"}, ("waiting", Detail.PUT_OFF, "451 disk is full"), 1),
        ({"on_data": "554 spam"}, ("failed", Detail.REJECTED, "554 spam"), 1),
        ({"on_data": None}, ("uncertain", Detail.NO_ANSWER, "Connection unexpectedly closed"), 1),
    ],
)
def test_a_failure_in_each_phase_is_what_it_is(
    post: PostOffice,
    office: Office,
    tmp_path: Path,
    fault: dict[str, str | None],
    expected: tuple[str, ...],
    reached: int,
) -> None:
    waiting(office)
    room = room_of(office, tmp_path, smtp_host=HOST, smtp_port=post.port)
    for name, said in fault.items():
        setattr(post, name, lambda _given, said=said: said)
    assert send_waiting(room) == {expected[0]: 1}
    assert standing(office) == expected
    assert len(post.took) == reached
    # Whatever it was, an uncertain or failed letter is not sent by itself; one that was put off is, and arrives once.
    post.on_mail = post.on_rcpt = post.on_data = None
    post.took.clear()
    office.clock.advance(86_400)
    send_waiting(room)
    assert len(post.took) == (1 if expected[0] == "waiting" else 0)


def test_a_refused_letter_does_not_hold_up_the_next(post: PostOffice, office: Office, tmp_path: Path) -> None:
    waiting(office, b"1" * 16, b"2" * 16, b"3" * 16)
    said = iter(["550 no", "250 OK", "450 later"])
    post.on_rcpt = lambda _address: next(said)
    room = room_of(office, tmp_path, smtp_host=HOST, smtp_port=post.port)
    assert send_waiting(room) == {"failed": 1, "sent": 1, "waiting": 1}


def test_after_a_lost_line_the_other_letters_wait_untouched(post: PostOffice, office: Office, tmp_path: Path) -> None:
    waiting(office, b"1" * 16, b"2" * 16)
    post.on_data = lambda _took: None
    assert send_waiting(room_of(office, tmp_path, smtp_host=HOST, smtp_port=post.port)) == {"uncertain": 1}
    assert standing(office, b"2" * 16) == ("waiting", "", "")


def test_a_server_that_falls_silent_after_the_letter_leaves_it_uncertain(
    post: PostOffice, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(office)
    monkeypatch.setattr(smtp_module, "ANSWER_SECONDS_MAX", 0.5)

    async def silent(*_: Any) -> str:
        await asyncio.Event().wait()
        return ""

    post.handle_DATA = silent  # type: ignore[method-assign, assignment]
    assert send_waiting(room_of(office, tmp_path, smtp_host=HOST, smtp_port=post.port)) == {"uncertain": 1}
    assert "timed out" in standing(office)[2]


def test_no_letter_is_begun_when_the_server_cannot_be_reached(office: Office, tmp_path: Path) -> None:
    waiting(office)
    with smtp_server() as gone:
        port = gone.port
    with pytest.raises(MailServerFailed, match="does not let us"):
        send_waiting(room_of(office, tmp_path, smtp_host=HOST, smtp_port=port))
    assert standing(office) == ("waiting", "", "")


CUT = """
import os, signal, sys
from pathlib import Path
from hq_server.bootstrap import head_office
from hq_server.bootstrap.mailing import mail_room
from hq_server.mail.passes import send_waiting
with head_office(Path(sys.argv[1])) as office:
    send_waiting(mail_room(office))
"""


def test_a_program_killed_while_the_server_answers_leaves_an_uncertain_letter_that_is_never_sent_again(
    post: PostOffice, office: Office, tmp_path: Path
) -> None:
    waiting(office)
    (tmp_path / "hq.toml").write_text('database = "sqlite:///hq.db"\n')
    environment = {
        **os.environ, "FILIAL_MAIL_FROM": FROM, "FILIAL_SMTP_HOST": HOST, "FILIAL_SMTP_PORT": str(post.port),
        "FILIAL_SMTP_TLS": "none",
    }  # fmt: skip
    running: list[subprocess.Popen[bytes]] = []

    def kill(_took: Took) -> str:
        running[0].send_signal(signal.SIGKILL)
        running[0].wait(30)
        return "250 Taken"

    post.on_data = kill
    running.append(subprocess.Popen([sys.executable, "-c", CUT, str(tmp_path)], env=environment))
    assert running[0].wait(60) == -signal.SIGKILL
    assert standing(office)[0] == "sending"
    room = room_of(office, tmp_path, smtp_host=HOST, smtp_port=post.port)
    post.on_data = None
    assert send_waiting(room) == {"uncertain": 1}
    office.clock.advance(7 * 86_400)
    assert send_waiting(room) == {}
    assert len(post.took) == 1
    assert standing(office) == ("uncertain", Detail.SENDER_DIED, "")


@pytest.mark.parametrize("protection", [Protection.IMPLICIT, Protection.STARTTLS])
def test_a_line_is_protected_and_the_server_must_prove_who_it_is(
    certificates: Certificates, tmp_path: Path, protection: Protection
) -> None:
    context = {"tls" if protection is Protection.IMPLICIT else "starttls": certificates.context()}
    with smtp_server(**context, needs_log_in=protection is Protection.STARTTLS) as post:
        account = Account(HOST, post.port, protection, USER, SECRET, certificates.authorities)
        if protection is Protection.IMPLICIT:
            account = replace(account, user="")
        with SmtpLine(account, FROM) as line:
            assert line.deliver(ADDRESS, b"Subject: x\r\n\r\nx\r\n").answer is Answer.TAKEN
        assert post.logged_in == ([USER] if protection is Protection.STARTTLS else [])
        with pytest.raises(MailServerFailed, match="certificate verify failed"):
            SmtpLine(replace(account, authorities=None), FROM)
        other = make_certificates(tmp_path, "127.0.0.2")
        with pytest.raises(MailServerFailed, match="certificate verify failed"):
            SmtpLine(replace(account, authorities=other.authorities), FROM)
    assert len(post.took) == 1


def test_a_wrong_password_is_told_without_the_password(certificates: Certificates) -> None:
    with smtp_server(starttls=certificates.context(), needs_log_in=True) as post:
        account = Account(HOST, post.port, Protection.STARTTLS, USER, "wrong-secret", certificates.authorities)
        with pytest.raises(MailServerFailed, match="535") as caught:
            SmtpLine(account, FROM)
    assert "wrong-secret" not in f"{caught.value} {caught.value.hint} {account!r}"


def test_a_server_that_offers_no_protection_is_given_nothing(post: PostOffice) -> None:
    account = Account(HOST, post.port, Protection.STARTTLS, USER, SECRET)
    with pytest.raises(MailServerFailed, match="STARTTLS"):
        SmtpLine(account, FROM)
    assert post.logged_in == []


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"smtp_tls": "none"}, "without protection"),
        ({"smtp_tls": "ssl"}, "SMTP_TLS"),
        ({"smtp_user": "me"}, "no password"),
        ({"smtp_port": 70_000}, "port"),
    ],
)
def test_settings_that_would_not_do_are_refused(tmp_path: Path, settings: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        smtp_account(replace(Settings(home=tmp_path, smtp_host="mail.example.org"), **settings))
    assert says in f"{caught.value} {caught.value.hint}"


def test_a_secret_comes_from_a_file_and_is_never_shown(tmp_path: Path) -> None:
    (tmp_path / "smtp.secret").write_text("from the file\n")
    settings = Settings(home=tmp_path, smtp_host="mail.example.org", smtp_user="me", imap_secret="from outside")
    account = smtp_account(settings)
    assert account is not None
    assert (account.secret, account.port) == ("from the file", 465)
    assert "from" not in repr(account)
    assert "from outside" not in repr(settings)
    assert imap_account(settings) is None


# ---- IMAP.


def answer(number: int, sender: str = ADDRESS, **changes: Any) -> bytes:
    usual = Envelope(f"<{number}@client.example>", sender, "Анна", FROM, "", f"Ответ {number}", "Спасибо!", 10**15)
    return compose(usual._replace(**changes))


def test_a_mailbox_is_read_once_and_nothing_in_it_is_touched(
    mailbox: ImapMailbox, office: Office, tmp_path: Path
) -> None:
    waiting(office)
    room = room_of(office, tmp_path, imap_host=HOST, imap_port=mailbox.port)
    assert read_mailbox(room) == {}
    mailbox.put(answer(1), answer(2, "who@knows.example"), answer(3, FROM))
    before = mailbox.flags()
    assert read_mailbox(room) == {"matched": 1, "unmatched": 1, "own": 1}
    assert read_mailbox(room) == {}
    assert mailbox.flags() == before
    mailbox.put(answer(4))
    assert read_mailbox(room) == {"matched": 1}


def test_a_mailbox_whose_uids_became_others_is_read_again_and_nothing_is_doubled(
    mailbox: ImapMailbox, office: Office, tmp_path: Path
) -> None:
    with mailbox.owner() as owner:
        owner.create("Answers")
    mailbox.name = "Answers"
    room = room_of(office, tmp_path, imap_host=HOST, imap_port=mailbox.port, imap_mailbox="Answers")
    mailbox.put(answer(1), answer(2))
    assert read_mailbox(room) == {"unmatched": 2}
    with office.store.read() as connection:
        first = read_position(connection, f"{USER}@{HOST}/Answers")
    mailbox.begin_anew()
    mailbox.put(answer(2), answer(3))
    assert read_mailbox(room) == {"known": 1, "unmatched": 1}
    with office.store.read() as connection:
        second = read_position(connection, f"{USER}@{HOST}/Answers")
    assert first is not None
    assert second is not None
    assert first.uid_validity != second.uid_validity
    assert office.count(unmatched_letter) == 3


def test_a_long_mailbox_is_read_in_passes_and_goes_on_where_it_was(
    mailbox: ImapMailbox, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hq_server.mail import passes

    monkeypatch.setattr(passes, "READ_PER_PASS_MAX", 2)
    room = room_of(office, tmp_path, imap_host=HOST, imap_port=mailbox.port)
    mailbox.put(*[answer(number) for number in range(5)])
    assert [read_mailbox(room).get("unmatched", 0) for _ in range(4)] == [2, 2, 1, 0]


def test_of_a_very_long_letter_the_text_alone_is_read(
    mailbox: ImapMailbox, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hq_server.mail import imap

    monkeypatch.setattr(imap, "LETTER_BYTES_MAX", 2_000)
    mailbox.put(answer(1, body="начало " + "длинно " * 2_000), b"\xff\xfe no letter at all\r\n\r\n\x00\x00")
    room = room_of(office, tmp_path, imap_host=HOST, imap_port=mailbox.port)
    assert read_mailbox(room) == {"unmatched": 2}
    (row,) = office.rows(unmatched_letter.select().where(unmatched_letter.c.address == ADDRESS))
    assert row.body.startswith("начало длинно")


@pytest.mark.parametrize("protection", [Protection.IMPLICIT, Protection.STARTTLS])
def test_a_mailbox_is_read_over_a_protected_line(certificates: Certificates, protection: Protection) -> None:
    context = {"tls" if protection is Protection.IMPLICIT else "starttls": certificates.context()}
    with imap_server(**context) as served:
        account = Account(HOST, served.port, protection, USER, SECRET, certificates.authorities, "INBOX")
        with Mailbox(account) as opened:
            assert opened.uids_after(0) == []
        with pytest.raises(MailServerFailed, match="certificate verify failed"):
            Mailbox(replace(account, authorities=None))


def test_a_mailbox_that_does_not_open_says_why_without_the_password(mailbox: ImapMailbox) -> None:
    account = Account(HOST, mailbox.port, Protection.NONE, USER, "wrong-secret", None, "INBOX")
    for wrong in (account, replace(account, secret=SECRET, mailbox="Nowhere")):
        with pytest.raises(MailServerFailed) as caught:
            Mailbox(wrong)
        assert wrong.secret not in str(caught.value)


def test_letter_and_answer_meet_over_both_servers(
    post: PostOffice, mailbox: ImapMailbox, office: Office, tmp_path: Path
) -> None:
    client_id = waiting(office)
    room = room_of(office, tmp_path, smtp_host=HOST, smtp_port=post.port, imap_host=HOST, imap_port=mailbox.port)
    send_waiting(room)
    sent = post.took[0].letter
    mailbox.put(answer(1, "anna@elsewhere.example", answers=(sent.message_id,)))
    assert read_mailbox(room) == {"matched": 1}
    from hq_server.operations.mail_receiving import clients_with
    from shared.operations.letters import letters_of

    with office.store.read() as connection:
        received = [letter for letter in letters_of(connection, client_id, 10) if letter.state is MailState.RECEIVED]
        assert clients_with(connection, ADDRESS) == [client_id]
    assert [(letter.address, letter.in_reply_to) for letter in received] == [("anna@elsewhere.example", LETTER)]


def test_the_letter_at_hand_is_the_last_when_the_program_ends(post: PostOffice, office: Office, tmp_path: Path) -> None:
    waiting(office, b"1" * 16, b"2" * 16)
    over: Callable[[], bool] = lambda: bool(post.took)  # noqa: E731
    room = replace(room_of(office, tmp_path, smtp_host=HOST, smtp_port=post.port), is_over=over)
    assert send_waiting(room) == {"sent": 1}
    assert standing(office, b"2" * 16)[0] == "waiting"
