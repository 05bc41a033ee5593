"""What waits to be told of alerts: a bounded queue on the disk, one message per recipient and pass, bounded retries."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, delete, func, select, update

from hq_server.operations.fleet_alerts import Event, note_delivery
from hq_server.operations.fleet_rules import Rules, Told, read_rules, read_told
from hq_server.operations.founding import read_chain
from hq_server.operations.mail_sending import Answer, Outcome
from hq_server.storage.branches import all_branches
from hq_server.storage.fleet_tables import fleet_message
from shared.clock import Ids
from shared.domain.business_time import MICROSECONDS, format_us
from shared.domain.identifiers import format_id, parse_id
from shared.domain.permissions import Actor, Permission, require
from shared.errors import InvalidInput

MESSAGES_WAITING_MAX: Final = 200
"""Messages that wait; when there are more, the oldest are given up."""

MESSAGES_PER_PASS_MAX: Final = 40
MESSAGE_ATTEMPTS_MAX: Final = 6
MESSAGES_KEPT_DAYS: Final = 90
"""So long a message that was delivered or given up is kept, days."""

MESSAGES_SHOWN_MAX: Final = 20
EVENTS_PER_MESSAGE_MAX: Final = 200
"""Of more events a message says only how many there were."""

MESSAGE_VERSION: Final = 1
"""Of the webhook's JSON."""

WORDS_CHARACTERS_MAX: Final = 300
_PAUSES_MINUTES: Final = (1, 5, 15, 60, 240)
_MINUTE_US: Final = 60 * MICROSECONDS
QUEUE_FULL: Final = "given up: more than 200 messages waited"


class Channel(StrEnum):
    """How a message goes out."""

    EMAIL = "email"
    WEBHOOK = "webhook"


class Message(NamedTuple):
    """One message to one recipient: an address or a URL; `alert_ids` are those it is about."""

    message_id: bytes
    channel: Channel
    target: str
    subject: str
    body: str
    alert_ids: tuple[bytes, ...]
    created_at_us: int
    attempts: int = 0
    next_attempt_us: int | None = None
    delivered_at_us: int | None = None
    words: str = ""


class Setting(NamedTuple):
    """What messages say of the chain; `branches` are codes and names by id, `language` is that of letters."""

    chain_id: bytes
    chain_name: str
    zone: str
    language: str
    branches: Mapping[bytes, tuple[str, str]]


def read_setting(connection: Connection, language: str) -> Setting:
    """As the chain is now."""
    chain = read_chain(connection)
    branches = {row.id: (row.code, row.name) for row in all_branches(connection)}
    return Setting(chain.chain_id, chain.name, chain.timezone, language, branches)


def document_of(events: Sequence[Event], setting: Setting, rules: Rules, now_us: int) -> str:
    """The webhook's JSON; without events it is a trial. docs/operating/fleet.md describes it."""
    shown = events[:EVENTS_PER_MESSAGE_MAX]
    document = {
        "version": MESSAGE_VERSION,
        "trial": not events,
        "chain": {"id": format_id(setting.chain_id), "name": setting.chain_name},
        "written_at": format_us(now_us),
        "events": [_document(each, setting, rules) for each in shown],
        "events_left": len(events) - len(shown),
    }
    return json.dumps(document, ensure_ascii=False)


def _document(event: Event, setting: Setting, rules: Rules) -> dict[str, Any]:
    alert = event.alert
    code, name = setting.branches.get(alert.branch_id, ("", ""))
    return {
        "event": event.saying.value,
        "alert": format_id(alert.alert_id),
        "branch": code,
        "branch_name": name,
        "kind": alert.kind.value,
        "figure": alert.figure,
        "threshold": rules[alert.kind].threshold,
        "raised_at": format_us(alert.raised_at_us),
        "cleared_at": None if alert.cleared_at_us is None else format_us(alert.cleared_at_us),
    }


def messages_to(
    ids: Ids, now_us: int, told: Told, letter: tuple[str, str], document: str, events: Sequence[Event] = ()
) -> list[Message]:
    """One message to everybody who is told."""
    about = tuple(dict.fromkeys(each.alert.alert_id for each in events))
    subject, body = letter
    targets = [(Channel.EMAIL, address, body) for address in told.recipients]
    if told.webhook_url:
        targets.append((Channel.WEBHOOK, told.webhook_url, document))
    return [Message(ids.new_id(), channel, target, subject, text, about, now_us) for channel, target, text in targets]


def queue_trial(connection: Connection, ids: Ids, now_us: int, actor: Actor, letter: tuple[str, str]) -> int:
    """A trial to everybody who is told; returns how many messages wait since. Raises InvalidInput, NotPermitted."""
    require(actor, Permission.FLEET_EDIT)
    told = read_told(connection)
    if not told.is_anybody:
        raise InvalidInput("Nobody is told yet.", "Write an address or a webhook first, and save.")
    document = document_of((), read_setting(connection, told.language), read_rules(connection), now_us)
    messages = messages_to(ids, now_us, told, letter, document)
    queue_messages(connection, messages)
    return len(messages)


def queue_messages(connection: Connection, messages: list[Message]) -> None:
    """Adds them to what waits; gives the oldest up when it is too much."""
    for each in messages:
        connection.execute(
            fleet_message.insert().values(
                id=each.message_id,
                channel=each.channel.value,
                target=each.target,
                subject=each.subject,
                body=each.body,
                alerts=json.dumps([format_id(alert_id) for alert_id in each.alert_ids]),
                created_at=each.created_at_us,
                attempts=0,
                next_attempt_at=each.created_at_us,
                words="",
            )
        )
    _give_up_oldest(connection)


def find_due(connection: Connection, now_us: int) -> list[Message]:
    """Messages whose turn it is, the oldest first."""
    rows = connection.execute(
        select(fleet_message)
        .where(fleet_message.c.next_attempt_at <= now_us)
        .order_by(fleet_message.c.created_at, fleet_message.c.id)
        .limit(MESSAGES_PER_PASS_MAX)
    )
    return [_message(row) for row in rows]


def list_messages(connection: Connection) -> list[Message]:
    """The newest first."""
    order = (fleet_message.c.created_at.desc(), fleet_message.c.id.desc())
    return [
        _message(row) for row in connection.execute(select(fleet_message).order_by(*order).limit(MESSAGES_SHOWN_MAX))
    ]


def conclude_message(connection: Connection, message: Message, outcome: Outcome, now_us: int) -> None:
    """Remembers what became of an attempt. What was not taken is tried again, a bounded number of times."""
    attempts = message.attempts + 1
    words = outcome.words[:WORDS_CHARACTERS_MAX]
    changes: dict[str, object] = {"attempts": attempts, "words": words, "next_attempt_at": None}
    if outcome.answer is Answer.TAKEN:
        changes["delivered_at"] = now_us
    elif outcome.answer is not Answer.REJECTED and attempts < MESSAGE_ATTEMPTS_MAX:
        changes["next_attempt_at"] = now_us + _PAUSES_MINUTES[attempts - 1] * _MINUTE_US
    connection.execute(update(fleet_message).where(fleet_message.c.id == message.message_id).values(changes))
    error = None if outcome.answer is Answer.TAKEN else words or "no answer"
    note_delivery(connection, list(message.alert_ids), now_us, error)


def forget_messages(connection: Connection, now_us: int) -> None:
    """Those that were delivered or given up long ago."""
    old = fleet_message.c.next_attempt_at.is_(None) & (
        fleet_message.c.created_at < now_us - MESSAGES_KEPT_DAYS * 1_440 * _MINUTE_US
    )
    connection.execute(delete(fleet_message).where(old))


def _give_up_oldest(connection: Connection) -> None:
    waits = fleet_message.c.next_attempt_at.is_not(None)
    count = int(connection.execute(select(func.count()).select_from(fleet_message).where(waits)).scalar_one())
    if count <= MESSAGES_WAITING_MAX:
        return
    oldest = (
        select(fleet_message.c.id)
        .where(waits)
        .order_by(fleet_message.c.created_at, fleet_message.c.id)
        .limit(count - MESSAGES_WAITING_MAX)
    )
    given_up = list(connection.execute(oldest).scalars())
    connection.execute(
        update(fleet_message).where(fleet_message.c.id.in_(given_up)).values(next_attempt_at=None, words=QUEUE_FULL)
    )


def _message(row: Any) -> Message:
    return Message(
        row.id, Channel(row.channel), row.target, row.subject, row.body,
        tuple(parse_id(text) for text in json.loads(row.alerts)), row.created_at,
        int(row.attempts), row.next_attempt_at, row.delivered_at, row.words,
    )  # fmt: skip
