"""Letters: states, consent, what answers what, and bytes made and read."""

from __future__ import annotations

from email import message_from_bytes, policy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.cards import LONG_TEXT_CHARACTERS_MAX, can_hold
from shared.domain.mail import (
    ATTEMPTS_MAX,
    TRANSITIONS,
    ClientStanding,
    Draft,
    MailPurpose,
    MailState,
    Refusal,
    answered_ids,
    message_id,
    message_ids,
    parse_purpose,
    pause_after,
    refusal_of,
    reply_subject,
    require_draft,
    require_transition,
    state_of,
)
from shared.domain.mail_text import Envelope, compose, parse_letter, text_of_html, wire_address
from shared.domain.records import RecordKind
from shared.errors import InvalidInput, Refused

ANNA = ClientStanding("Анна", frozenset({"anna@example.org"}), consent_data=True, consent_advertising=True)
ADDRESS = "anna@example.org"
AT_US = 1_795_000_000_000_000


def envelope(**changes: object) -> Envelope:
    usual = Envelope(
        "<01@shop.example>",
        "shop@shop.example",
        "Магазин",
        ADDRESS,
        "Анна Петрова",
        "Ваш заказ",
        "Готов.\nЖдём.",
        AT_US,
    )
    return usual._replace(**changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "purpose", "may_override", "expected"),
    [
        ({}, "service", False, None),
        ({}, "advertising", False, None),
        ({"consent_advertising": False}, "advertising", True, Refusal.NO_CONSENT_ADVERTISING),
        ({"consent_advertising": False}, "service", False, None),
        ({"consent_data": False}, "service", False, Refusal.NO_CONSENT_DATA),
        ({"consent_data": False, "has_running_request": True}, "service", False, None),
        ({"consent_data": False, "consent_advertising": False, "has_running_request": True}, "advertising", False,
         Refusal.NO_CONSENT_ADVERTISING),
        ({"do_not_contact": True}, "service", False, Refusal.DO_NOT_CONTACT),
        ({"do_not_contact": True}, "service", True, None),
        ({"archived": True}, "service", True, Refusal.ARCHIVED),
        ({"emails": frozenset()}, "service", True, Refusal.NO_ADDRESS),
        ({"consent_advertising": False}, "of_a_newer_release", False, Refusal.NO_CONSENT_ADVERTISING),
    ],
)  # fmt: skip
def test_a_letter_is_refused_by_what_the_client_agreed_to(
    changes: dict[str, object], purpose: str, may_override: bool, expected: Refusal | None
) -> None:
    standing = ANNA._replace(**changes)  # type: ignore[arg-type]
    assert refusal_of(purpose, ADDRESS, standing, may_override) == expected


def test_nobody_is_written_to_who_is_not_there() -> None:
    assert refusal_of("service", ADDRESS, None, True) is Refusal.NO_CLIENT


def test_a_letter_that_was_sent_never_waits_again() -> None:
    reached = {MailState.SENT}
    while more := {after for state in reached for after in TRANSITIONS[state]} - reached:
        reached |= more
    assert reached == {MailState.SENT}
    with pytest.raises(Refused):
        require_transition(MailState.SENT, MailState.WAITING)
    require_transition(MailState.UNCERTAIN, MailState.WAITING)


def test_nothing_becomes_sending_but_what_waits() -> None:
    assert [state for state in MailState if MailState.SENDING in TRANSITIONS[state]] == [MailState.WAITING]


@pytest.mark.parametrize(
    ("stored", "direction", "archived", "expected"),
    [
        (None, "out", False, MailState.WAITING),
        (None, "out", True, MailState.TAKEN_BACK),
        (None, None, False, MailState.WAITING),
        (None, "in", False, MailState.RECEIVED),
        ("sent", "out", True, MailState.SENT),
        ("of a newer release", "out", False, MailState.UNCERTAIN),
    ],
)
def test_a_card_without_a_state_waits_until_it_is_taken_back(
    stored: str | None, direction: str | None, archived: bool, expected: MailState
) -> None:
    assert state_of(stored, direction, archived) is expected


def test_a_letter_is_tried_ever_more_seldom_and_not_for_ever() -> None:
    pauses = [pause_after(attempt) for attempt in range(1, ATTEMPTS_MAX + 1)]
    assert pauses[-1] is None
    known = [pause for pause in pauses if pause is not None]
    assert known == sorted(known)
    assert known[0] > 0


def test_a_draft_is_trimmed_and_bounded() -> None:
    draft = require_draft(Draft(MailPurpose.SERVICE, " Anna@Example.org ", " Заказ ", " Готов. ", "  "))
    assert draft == Draft(MailPurpose.SERVICE, ADDRESS, "Заказ", "Готов.", None)
    for wrong in (
        draft._replace(subject=""),
        draft._replace(body=" "),
        draft._replace(subject="two\nlines"),
        draft._replace(subject="x" * 201),
        draft._replace(body="x" * (LONG_TEXT_CHARACTERS_MAX + 1)),
        draft._replace(body="a\0b"),
        draft._replace(address="anna"),
        draft._replace(override_reason="x" * 201),
    ):
        with pytest.raises(InvalidInput):
            require_draft(wrong)
    with pytest.raises(InvalidInput):
        parse_purpose("spam")


def test_a_letter_answers_first_what_it_says_it_answers() -> None:
    references = message_ids("<1@a> <2@a>\r\n <3@a> nonsense <>")
    assert references == ("<1@a>", "<2@a>", "<3@a>")
    assert answered_ids(("<2@a>",), references) == ("<2@a>", "<3@a>", "<1@a>")
    assert reply_subject("Заказ") == "Re: Заказ"
    assert reply_subject("RE: Заказ") == "RE: Заказ"


def test_a_letter_that_is_made_reads_as_what_was_written() -> None:
    data = compose(envelope(answers=("<8@x>", "<9@x>")))
    assert data == compose(envelope(answers=("<8@x>", "<9@x>")))
    assert b"\n" not in data.replace(b"\r\n", b"")
    read = parse_letter(data)
    assert read.body == "Готов.\nЖдём."
    assert read.subject == "Ваш заказ"
    assert (read.address, read.name) == ("shop@shop.example", "Магазин")
    assert read.message_id == "<01@shop.example>"
    assert (read.in_reply_to, read.references) == (("<9@x>",), ("<8@x>", "<9@x>"))
    assert message_from_bytes(data, policy=policy.default)["To"].addresses[0].display_name == "Анна Петрова"


def test_no_header_can_be_written_into_a_letter() -> None:
    data = compose(envelope(subject="a\r\nBcc: evil@example.org", recipient_name="b\nX-Evil: 1"))
    names = {name.lower() for name in message_from_bytes(data)}
    assert "bcc" not in names
    assert "x-evil" not in names


def test_an_address_is_written_as_servers_take_it() -> None:
    assert wire_address("info@почта.рф") == "info@xn--80a1acny.xn--p1ai"
    for wrong in ("почта@example.org", "a,b@example.org", "<a>@example.org", "a@b", "a..b@example.org", "a@b c.org"):
        with pytest.raises(InvalidInput):
            wire_address(wrong)


def test_text_and_names_of_files_are_taken_out_of_many_parts() -> None:
    data = (
        b"From: =?utf-8?b?0JDQvdC90LA=?= <Anna@Example.ORG>\r\nSubject: =?koi8-r?B?79TXxdQ=?=\r\n"
        b"Message-ID: <x@y>\r\nIn-Reply-To: <00ff@shop.example>\r\n"
        b'Content-Type: multipart/mixed; boundary="m"\r\n\r\n'
        b'--m\r\nContent-Type: multipart/alternative; boundary="a"\r\n\r\n'
        b"--a\r\nContent-Type: text/plain; charset=windows-1251\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    ) + "Спасибо!\r\n".encode("cp1251") + (
        b"--a\r\nContent-Type: text/html\r\n\r\n<p>Thanks</p>\r\n--a--\r\n"
        b"--m\r\nContent-Type: application/pdf; name*=utf-8''%D1%87%D0%B5%D0%BA.pdf\r\n"
        b"Content-Disposition: attachment\r\n\r\nJVBERi0=\r\n--m--\r\n"
    )  # fmt: skip
    read = parse_letter(data)
    assert (read.address, read.name, read.subject) == ("anna@example.org", "Анна", "Ответ")
    assert (read.body, read.attachments) == ("Спасибо!", ("чек.pdf",))
    assert read.in_reply_to == ("<00ff@shop.example>",)


def test_a_letter_of_html_alone_is_read_as_text() -> None:
    html = "<head><title>no</title></head><style>p {}</style><p>Добрый&nbsp;день,<br>жду.</p><script>alert(1)</script>"
    assert text_of_html(html) == "Добрый день,\nжду."
    read = parse_letter(f"From: a@b.org\nContent-Type: text/html; charset=utf-8\n\n{html}".encode())
    assert read.body == "Добрый день,\nжду."


def test_a_letter_by_a_program_is_known() -> None:
    assert parse_letter(b"From: a@b.org\nAuto-Submitted: auto-replied\n\nI am away").is_automatic
    assert not parse_letter(b"From: a@b.org\nAuto-Submitted: no\n\nI am here").is_automatic


NAMES = (
    b"From", b"Subject", b"Message-ID", b"References", b"Content-Type", b"Content-Transfer-Encoding",
    b"Content-Disposition", b"Auto-Submitted",
)  # fmt: skip
VALUES = (
    b'multipart/mixed; boundary="b"', b"text/plain; charset=no-such", b"text/html; charset=\xff", b"base64",
    b"=?utf-8?b?////?=", b"=?nonsense?q?=FF?= <a@b.org>", b"attachment; filename*=no''%ff", b"message/rfc822",
    b'attachment; filename*0="a"; filename*x="b"', b"<a@b> <", b"quoted-printable", b"text/plain; charset*=''x",
)  # fmt: skip
_HEADERS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.one_of(st.binary(max_size=60), st.sampled_from(VALUES))), max_size=8
)


@settings(max_examples=150, deadline=None)
@given(_HEADERS, st.lists(st.one_of(st.binary(max_size=80), st.sampled_from([b"--b", b"--b--", b""])), max_size=8))
def test_any_bytes_are_read_and_what_comes_of_them_can_be_kept(
    headers: list[tuple[bytes, bytes]], lines: list[bytes]
) -> None:
    data = b"\r\n".join([*(name + b": " + value for name, value in headers), b"", *lines])
    read = parse_letter(data)
    for field, value in (("subject", read.subject), ("body", read.body), ("address", read.address)):
        assert can_hold(RecordKind.MAIL, field, value)
    assert all(can_hold(RecordKind.MAIL, "subject", name) for name in (*read.attachments, read.name))


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=60), st.text(max_size=300), st.text(max_size=40))
def test_whatever_is_written_arrives(subject: str, body: str, name: str) -> None:
    try:
        draft = require_draft(Draft(MailPurpose.SERVICE, ADDRESS, subject, body))
    except InvalidInput:
        return
    read = parse_letter(compose(envelope(subject=draft.subject, body=draft.body, recipient_name=name)))
    assert read.subject == " ".join(draft.subject.split())
    assert "".join(read.body.split()) == "".join("".join(c for c in draft.body if c >= " " or c in "\n\t\r").split())


def test_the_message_id_is_the_letters_own() -> None:
    assert message_id(bytes(range(16)), "shop.example") == "<000102030405060708090a0b0c0d0e0f@shop.example>"
