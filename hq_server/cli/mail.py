"""`filial-hq mail`: letters to clients and from them – sending, reading, and what a person decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click
from sqlalchemy import Connection

from hq_server.bootstrap import HeadOffice, head_office
from hq_server.operations import letters
from hq_server.operations.letters import LISTED, UNMATCHED, LetterListed, UnmatchedLetter
from hq_server.storage.feed import number_feed
from shared.cli.commands import GlobalOptions, Group
from shared.cli.output import print_result, print_rows
from shared.domain.business_time import format_us
from shared.domain.identifiers import format_id, parse_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR

LISTS = (*(state.value for state in LISTED), UNMATCHED)


@click.group(cls=Group)
def mail() -> None:
    """Send letters that wait, read the mailbox, and decide about what is uncertain or nobody's."""


@mail.command("send")
@click.pass_obj
def send_command(options: GlobalOptions) -> None:
    """Send what waits, once. `filial-hq serve` does it by itself."""
    from hq_server.bootstrap.mailing import mail_room
    from hq_server.mail.passes import send_waiting

    with head_office(options.home) as office:
        counts = send_waiting(mail_room(office))
    _print_counts(options, counts, "Nothing waits that could be sent now.")


@mail.command("fetch")
@click.pass_obj
def fetch_command(options: GlobalOptions) -> None:
    """Read what arrived in the mailbox, once. `filial-hq serve` does it by itself."""
    from hq_server.bootstrap.mailing import mail_room
    from hq_server.mail.passes import read_mailbox

    with head_office(options.home) as office:
        counts = read_mailbox(mail_room(office))
    _print_counts(options, counts, "Nothing new is in the mailbox.")


@mail.command("list")
@click.argument("which", type=click.Choice(LISTS), default=LISTED[0].value)
@click.option("--after", metavar="LETTER", help="Go on after this letter.")
@click.pass_obj
def list_command(options: GlobalOptions, which: str, after: str | None) -> None:
    """List letters: those that wait, are uncertain, failed, were refused, or are unmatched. The oldest come first."""
    start = None if after is None else parse_id(after)
    with head_office(options.home) as office, office.store.read() as connection:
        if which == UNMATCHED:
            unmatched, _ = letters.list_unmatched(connection, LOCAL_ADMINISTRATOR, start)
            rows = [_unmatched_row(each) for each in unmatched]
            columns: tuple[str, ...] = ("id", "received_at", "address", "name", "subject", "candidates")
        else:
            listed, _ = letters.list_letters(connection, LOCAL_ADMINISTRATOR, letters.parse_listed(which), start)
            rows = [_row(each) for each in listed]
            columns = ("id", "written_at", "client", "address", "subject", "state", "detail")
    print_rows(options, "letters", columns, rows, "There is none.")


@mail.command("resend")
@click.argument("letter")
@click.pass_obj
def resend_command(options: GlobalOptions, letter: str) -> None:
    """Let a letter wait again that failed, was refused or is uncertain. Consent is asked again before it is sent."""
    letter_id = parse_id(letter)
    _decide(options, lambda office, connection, now_us: letters.resend(
        connection, office.ids, now_us, LOCAL_ADMINISTRATOR, letter_id
    ), {"letter": letter}, "The letter waits again.")  # fmt: skip


@mail.command("mark")
@click.argument("letter")
@click.argument("outcome", type=click.Choice(["sent", "failed"]))
@click.pass_obj
def mark_command(options: GlobalOptions, letter: str, outcome: str) -> None:
    """Say what became of an uncertain letter, once you found out."""
    letter_id = parse_id(letter)
    _decide(options, lambda office, connection, now_us: letters.mark(
        connection, office.ids, now_us, LOCAL_ADMINISTRATOR, letter_id, outcome == "sent"
    ), {"letter": letter, "state": outcome}, f"The letter is {outcome}.")  # fmt: skip


@mail.command("assign")
@click.argument("letter")
@click.argument("client")
@click.pass_obj
def assign_command(options: GlobalOptions, letter: str, client: str) -> None:
    """Say whose an unmatched letter is: CLIENT is an id or an external id."""
    letter_id = parse_id(letter)
    _decide(options, lambda office, connection, now_us: letters.assign(
        connection, office.ids, now_us, LOCAL_ADMINISTRATOR, letter_id, client
    ), {"letter": letter, "client": client}, "The letter is the client's.")  # fmt: skip


@mail.command("dismiss")
@click.argument("letter")
@click.pass_obj
def dismiss_command(options: GlobalOptions, letter: str) -> None:
    """Take a letter that is nobody's off the list of the unmatched."""
    letter_id = parse_id(letter)
    _decide(options, lambda _office, connection, now_us: letters.dismiss(
        connection, now_us, LOCAL_ADMINISTRATOR, letter_id
    ), {"letter": letter}, "The letter is dismissed.")  # fmt: skip


def _decide(
    options: GlobalOptions,
    act: Callable[[HeadOffice, Connection, int], object],
    document: Mapping[str, Any],
    sentence: str,
) -> None:
    with head_office(options.home) as office:
        now_us = office.clock.now_us()
        with office.store.write() as connection:
            act(office, connection, now_us)
        number_feed(office.store, now_us)
    print_result(options, document, sentence)


def _print_counts(options: GlobalOptions, counts: dict[str, int], nothing: str) -> None:
    said = ", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in counts.items())
    print_result(options, counts, f"{said}." if said else nothing)


def _row(listed: LetterListed) -> dict[str, Any]:
    letter = listed.letter
    return {
        "id": format_id(letter.letter_id),
        "written_at": format_us(letter.created_at_us),
        "client": listed.client,
        "client_id": format_id(letter.client_id) if letter.client_id else None,
        "address": letter.address,
        "subject": letter.subject,
        "state": letter.state.value,
        "detail": letter.detail,
        "next_attempt_at": format_us(listed.next_attempt_us) if listed.next_attempt_us else None,
    }


def _unmatched_row(letter: UnmatchedLetter) -> dict[str, Any]:
    return {
        "id": format_id(letter.letter_id),
        "received_at": format_us(letter.received_at_us),
        "address": letter.address,
        "name": letter.name,
        "subject": letter.subject,
        "candidates": ", ".join(format_id(client_id) for client_id, _ in letter.candidates),
    }
