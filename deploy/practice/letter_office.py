"""What the practice chain's head office did with letters, by the product's own operations, without a mail server.

Each letter gets its planned answer of a mail server that is not there; each one in the mailbox is taken in as bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from deploy.practice.letters import (
    FAILED,
    MAIL_DOMAIN,
    PUT_OFF,
    REFUSED,
    SENT,
    UNCERTAIN,
    Correspondence,
    PlannedMail,
    letter_id,
)
from hq_server.bootstrap import head_office
from hq_server.operations.founding import read_chain
from hq_server.operations.mail_receiving import Taken, take_in
from hq_server.operations.mail_sending import Answer, Outcome, Prepared, Sender, begin_sending, conclude
from hq_server.storage.feed import number_feed
from shared.clock import Ids
from shared.domain.business_time import from_us, parse_local
from shared.domain.mail import message_id

OWN_ADDRESS: Final = f"shop@{MAIL_DOMAIN}"
MINUTE_US: Final = 60_000_000
OUTCOMES: Final[dict[str, Outcome]] = {
    SENT: Outcome(Answer.TAKEN),
    FAILED: Outcome(Answer.REJECTED, "550 5.1.1 No such mailbox here"),
    UNCERTAIN: Outcome(Answer.NONE),
    PUT_OFF: Outcome(Answer.PUT_OFF, "451 4.7.1 Greylisted, try again later"),
    # It never comes so far: consent was withdrawn.
    REFUSED: Outcome(Answer.TAKEN),
}
"""By fate what the mail server says; one that is not here is not sent yet."""


def send_and_receive(home: Path, made: Mapping[str, Correspondence]) -> dict[str, int]:
    """Decides about the branches' letters and takes the mailbox in; returns how many were sent and received."""
    sums = {"sent": 0, "received": 0, "unmatched": 0}
    with head_office(home) as opened:
        with opened.store.write() as connection:
            chain = read_chain(connection)
            sender = Sender(OWN_ADDRESS, chain.name, chain.timezone)
            for code, each in made.items():
                for number, letter in enumerate(each.letters):
                    at_us = parse_local(letter.at, chain.timezone, "at").at_us + MINUTE_US
                    if letter.fate in OUTCOMES:
                        outcome = OUTCOMES[letter.fate]
                        sums["sent"] += _send(connection, opened.ids, at_us, letter_id(code, number), sender, outcome)
                for number, mail in enumerate(each.mailbox):
                    at_us = parse_local(mail.at, chain.timezone, "at").at_us
                    data = _bytes_of(code, number, mail, at_us)
                    taken = take_in(connection, opened.ids, at_us, chain.chain_id, data, OWN_ADDRESS)
                    sums["received"] += 1
                    sums["unmatched"] += taken is Taken.UNMATCHED
        number_feed(opened.store, opened.clock.now_us())
    return sums


def _send(connection: Connection, ids: Ids, now_us: int, letter: bytes, sender: Sender, outcome: Outcome) -> bool:
    """Whether the mail server heard of it: of a letter that was never written, or must not be sent, it does not."""
    prepared = begin_sending(connection, ids, now_us, letter, sender)
    if not isinstance(prepared, Prepared):
        return False
    conclude(connection, ids, now_us, letter, outcome)
    return True


def _bytes_of(branch: str, number: int, mail: PlannedMail, at_us: int) -> bytes:
    message = EmailMessage()
    message["From"] = mail.address
    message["To"] = OWN_ADDRESS
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(from_us(at_us))
    message["Message-ID"] = f"<{branch.lower()}-{number}@{MAIL_DOMAIN}>"
    if mail.answers >= 0:
        message["In-Reply-To"] = message_id(letter_id(branch, mail.answers), MAIL_DOMAIN)
    if mail.is_automatic:
        message["Auto-Submitted"] = "auto-replied"
    message.set_content(mail.body)
    return message.as_bytes()
