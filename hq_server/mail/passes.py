"""One pass over the letters that wait, and one over the mailbox: bounded, alone, and safe to be killed at any point."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol

from hq_server.mail.accounts import imap_account, sender_address, smtp_account
from hq_server.mail.imap import Mailbox
from hq_server.mail.smtp import SmtpLine
from hq_server.operations.founding import ChainRow, read_chain
from hq_server.operations.mail_receiving import Position, Taken, read_position, save_position, take_in
from hq_server.operations.mail_sending import (
    Outcome,
    Prepared,
    Sender,
    begin_sending,
    conclude,
    doubt_lost,
    find_ready,
)
from hq_server.settings import Settings
from hq_server.storage.feed import number_feed
from hq_server.storage.mail_lock import alone_with_mail
from hq_server.storage.store import HqStore
from shared.clock import Clock, Ids
from shared.domain.business_time import from_us
from shared.domain.mail import MailState
from shared.errors import InvalidInput

SENDING: Final = "sending"
READING: Final = "reading"
READ_PER_PASS_MAX: Final = 100
FIRST_READ_DAYS: Final = 14
"""How far back a mailbox is read that was never read before, or whose UIDs became others."""


class Line(Protocol):
    """A line to the server that takes letters."""

    @property
    def is_open(self) -> bool: ...

    def deliver(self, recipient: str, data: bytes) -> Outcome: ...


def _go_on() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class MailRoom:
    """What the passes need. `is_over` says that the program ends: the letter at hand is the last."""

    settings: Settings
    store: HqStore
    clock: Clock
    ids: Ids
    is_over: Callable[[], bool] = field(default=_go_on)

    def chain(self) -> ChainRow:
        with self.store.read() as connection:
            return read_chain(connection)

    def number_feed(self) -> None:
        """Branches are told of what was decided."""
        number_feed(self.store, self.clock.now_us())


def send_waiting(room: MailRoom) -> dict[str, int]:
    """Sends what waits, one letter after the other; returns how many have which state since.

    Raises Refused when another process is sending, InvalidInput without settings, MailServerFailed when no letter
    could be begun.
    """
    account, address = smtp_account(room.settings), sender_address(room.settings)
    if account is None:
        raise InvalidInput("No server is set that takes letters.", "Set FILIAL_SMTP_HOST.")
    with alone_with_mail(room.store, room.settings.home, SENDING):
        return send_alone(room, address, lambda: SmtpLine(account, address))


def send_alone(room: MailRoom, address: str, connect: Callable[[], AbstractContextManager[Line]]) -> dict[str, int]:
    """The pass itself; the caller is the only sender."""
    counts: dict[str, int] = {}
    with room.store.write() as connection:
        lost = doubt_lost(connection, room.ids, room.clock.now_us())
    if lost:
        counts[MailState.UNCERTAIN.value] = lost
        room.number_feed()
    with room.store.read() as connection:
        waiting = find_ready(connection, room.clock.now_us())
    if not waiting:
        return counts
    chain = room.chain()
    sender = Sender(address, room.settings.mail_from_name or chain.name, chain.timezone)
    with connect() as line:
        for letter_id in waiting:
            if room.is_over() or not line.is_open:
                break
            state = _send(room, line, letter_id, sender)
            if state is not None:
                counts[state.value] = counts.get(state.value, 0) + 1
    return counts


def _send(room: MailRoom, line: Line, letter_id: bytes, sender: Sender) -> MailState | None:
    """One letter. That it is being sent is on the disk before the server hears of it."""
    with room.store.write() as connection:
        prepared = begin_sending(connection, room.ids, room.clock.now_us(), letter_id, sender)
    if isinstance(prepared, Prepared):
        outcome = line.deliver(prepared.recipient, prepared.data)
        with room.store.write() as connection:
            state = conclude(connection, room.ids, room.clock.now_us(), letter_id, outcome)
    else:
        state = prepared
    room.number_feed()
    return state


def read_mailbox(room: MailRoom) -> dict[str, int]:
    """Takes in what arrived since the last time; returns how many letters became what.

    Raises Refused when another process is reading, InvalidInput without settings, MailServerFailed.
    """
    account = imap_account(room.settings)
    if account is None:
        raise InvalidInput("No mailbox is set that answers arrive in.", "Set FILIAL_IMAP_HOST.")
    own = sender_address(room.settings) if room.settings.mail_from else ""
    with alone_with_mail(room.store, room.settings.home, READING), Mailbox(account) as mailbox:
        return read_alone(room, account.name, mailbox, own)


def read_alone(room: MailRoom, account: str, mailbox: Mailbox, own_address: str) -> dict[str, int]:
    """The pass itself; the caller is the only reader."""
    with room.store.read() as connection:
        position = read_position(connection, account)
    chain_id = room.chain().chain_id
    last_uid = position.last_uid if position is not None and position.uid_validity == mailbox.uid_validity else None
    if last_uid is None:
        first_day = from_us(room.clock.now_us()).date() - timedelta(days=FIRST_READ_DAYS)
        uids = mailbox.uids_since(first_day)
    else:
        uids = mailbox.uids_after(last_uid)
    counts: dict[str, int] = {}
    for uid in uids[:READ_PER_PASS_MAX]:
        if room.is_over():
            break
        data = mailbox.fetch(uid)
        with room.store.write() as connection:
            now_us = room.clock.now_us()
            if data is not None:
                taken = take_in(connection, room.ids, now_us, chain_id, data, own_address)
                counts[taken.value] = counts.get(taken.value, 0) + 1
            save_position(connection, account, Position(mailbox.uid_validity, uid), now_us)
    if counts.get(Taken.MATCHED):
        room.number_feed()
    return counts
