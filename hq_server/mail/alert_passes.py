"""One look at the fleet, and one pass over what waits to be told: bounded, alone, and safe to be killed at any point.

A message may arrive twice – when a process died after it was taken – and says so by its id; none is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from sqlalchemy import Connection

from hq_server.mail.accounts import sender_address, smtp_account
from hq_server.mail.alert_texts import letter_of
from hq_server.mail.smtp import SmtpLine
from hq_server.mail.webhooks import post_message
from hq_server.operations import fleet_history
from hq_server.operations.fleet_alerts import forget_old, step_alerts
from hq_server.operations.fleet_messages import (
    Channel,
    Message,
    conclude_message,
    document_of,
    find_due,
    forget_messages,
    messages_to,
    queue_messages,
    read_setting,
)
from hq_server.operations.fleet_overview import FleetBranch, Judged, judge, read_fleet
from hq_server.operations.fleet_rules import read_rules, read_told
from hq_server.operations.founding import read_chain
from hq_server.operations.mail_sending import Answer, Outcome
from hq_server.settings import Settings
from hq_server.storage.mail_lock import alone_with_mail
from hq_server.storage.store import HqStore
from shared.certificates import write_secret
from shared.clock import Clock, Ids
from shared.domain.business_time import MICROSECONDS
from shared.domain.identifiers import format_id
from shared.domain.mail import domain_of, message_id
from shared.domain.mail_text import Envelope, compose
from shared.errors import FilialError, InvalidInput, MailServerFailed

WATCHING: Final = "watching"
TELLING: Final = "telling"
SECRET_CHARACTERS_MIN: Final = 16


def _go_on() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class WatchRoom:
    """What the passes need. `is_over` says that the program ends: the message at hand is the last."""

    settings: Settings
    store: HqStore
    clock: Clock
    ids: Ids
    is_over: Callable[[], bool] = field(default=_go_on)


def watch_fleet(room: WatchRoom) -> dict[str, int]:
    """Counts Z-reports, samples every branch, and queues what is to be told; returns how much of each.

    Raises Refused when another process is at it.
    """
    with alone_with_mail(room.store, room.settings.home, WATCHING):
        audited = _audit(room)
        now_us = room.clock.now_us()
        with room.store.write() as connection:
            fleet = read_fleet(connection)
            sampled = fleet_history.take_samples(connection, fleet, now_us)
            fleet_history.thin_samples(connection, now_us)
            events = _judge(room, connection, fleet, now_us)
            forget_old(connection, now_us)
            forget_messages(connection, now_us)
    return {"sampled": sampled, "audited": audited, "events": events}


def _audit(room: WatchRoom) -> int:
    """Each branch in a snapshot of its own: what is merged meanwhile is counted by the next pass."""
    with room.store.read() as connection:
        zone = read_chain(connection).timezone
        stale = fleet_history.branches_to_audit(connection, read_fleet(connection), room.clock.now_us())
    audited = 0
    for each in stale:
        if room.is_over():
            break
        with room.store.read() as connection:
            counted = fleet_history.count_shifts(connection, each.row.id, zone, room.clock.now_us())
        with room.store.write() as connection:
            fleet_history.save_shifts(connection, each, counted)
        audited += 1
    return audited


def _judge(room: WatchRoom, connection: Connection, fleet: list[FleetBranch], now_us: int) -> int:
    rules, told = read_rules(connection), read_told(connection)
    judged = [Judged(each, judge(each, rules, now_us)) for each in fleet]
    events = step_alerts(connection, room.ids, judged, now_us, told.is_anybody)
    if events:
        setting = read_setting(connection, told.language)
        document = document_of(events, setting, rules, now_us)
        queue_messages(connection, messages_to(room.ids, now_us, told, letter_of(events, setting), document, events))
    return len(events)


def tell_waiting(room: WatchRoom) -> dict[str, int]:
    """Sends what waits; returns how many messages were delivered and how many were not.

    Raises Refused when another process is at it.
    """
    counts: dict[str, int] = {}
    with room.store.read() as connection:
        due = find_due(connection, room.clock.now_us())
    if not due:
        return counts
    with alone_with_mail(room.store, room.settings.home, TELLING):
        with room.store.read() as connection:
            due = find_due(connection, room.clock.now_us())
        for channel, deliver in ((Channel.EMAIL, _by_mail), (Channel.WEBHOOK, _by_webhook)):
            messages = [each for each in due if each.channel is channel]
            if messages:
                deliver(room, messages, partial(_conclude, room, counts))
    return counts


Conclude = Callable[[Message, Outcome], None]


def _conclude(room: WatchRoom, counts: dict[str, int], message: Message, outcome: Outcome) -> None:
    with room.store.write() as connection:
        conclude_message(connection, message, outcome, room.clock.now_us())
    name = "delivered" if outcome.answer is Answer.TAKEN else "failed"
    counts[name] = counts.get(name, 0) + 1


def _by_mail(room: WatchRoom, messages: list[Message], conclude: Conclude) -> None:
    """One line for all of them; when there is none, each is put off with the reason."""
    left = list(messages)
    try:
        account, address = smtp_account(room.settings), sender_address(room.settings)
        if account is None:
            raise InvalidInput("No server is set that takes letters.", "Set FILIAL_SMTP_HOST.")
        with SmtpLine(account, address) as line:
            while left and line.is_open and not room.is_over():
                message = left.pop(0)
                conclude(message, line.deliver(message.target, _letter(room, message, address)))
    except (InvalidInput, MailServerFailed) as error:
        for message in left:
            conclude(message, Outcome(Answer.PUT_OFF, error.message))


def _by_webhook(room: WatchRoom, messages: list[Message], conclude: Conclude) -> None:
    try:
        secret = webhook_secret(room.settings, room.ids)
    except FilialError as error:
        for message in messages:
            conclude(message, Outcome(Answer.PUT_OFF, error.message))
        return
    for message in messages:
        if room.is_over():
            break
        seconds = room.clock.now_us() // MICROSECONDS
        known_as = format_id(message.message_id)
        conclude(message, post_message(message.target, message.body.encode(), secret, seconds, known_as))


def webhook_secret(settings: Settings, ids: Ids) -> bytes:
    """From the environment, else the first line of webhook.secret in the folder, which is made at first need.

    Raises InvalidInput when it is too short to protect anything.
    """
    path = settings.home / "webhook.secret"
    text = settings.webhook_secret
    if not text:
        if not path.exists():
            write_secret(path, f"{(ids.new_salt() + ids.new_salt()).hex()}\n".encode())
        lines = path.read_text("utf-8", errors="replace").splitlines()
        text = lines[0].strip() if lines else ""
    if len(text) < SECRET_CHARACTERS_MIN:
        raise InvalidInput(
            f"The webhook’s secret has fewer than {SECRET_CHARACTERS_MIN} characters.",
            "Remove webhook.secret from the folder: a new one is made.",
        )
    return text.encode()


def _letter(room: WatchRoom, message: Message, address: str) -> bytes:
    known_as = message_id(message.message_id, domain_of(address))
    name = room.settings.mail_from_name
    return compose(
        Envelope(known_as, address, name, message.target, "", message.subject, message.body, message.created_at_us)
    )
