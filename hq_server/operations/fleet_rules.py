"""From which figure on a branch needs somebody: kinds of trouble, their thresholds, and who is told of them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from sqlalchemy import Connection, select

from hq_server.operations.fleet_log import FleetAct, note_act
from hq_server.storage.fleet_tables import fleet_alert_rule, fleet_alert_setting
from shared.clock import Ids
from shared.domain.clients import normalize_email
from shared.domain.identifiers import shorten
from shared.domain.mail_text import wire_address
from shared.domain.permissions import Actor, Permission, require
from shared.errors import InvalidInput
from shared.storage.card_rows import upsert

RECIPIENTS_MAX: Final = 20
URL_CHARACTERS_MAX: Final = 500
THRESHOLD_MAX: Final = 1_000_000_000
LANGUAGES: Final = ("ru", "en")


class Trouble(StrEnum):
    """What can be wrong with a branch, the worst first. The value is what the store and the webhook hold."""

    QUARANTINED = "quarantined"
    UNSOUND = "unsound"
    SHIFTS_DIFFER = "shifts_differ"
    PARKED = "parked"
    SKEW = "skew"
    CERTIFICATE = "certificate"
    UNHEARD = "unheard"
    WAITING = "waiting"
    FEED_LAG = "feed_lag"


WITHOUT_THRESHOLD: Final = frozenset({Trouble.QUARANTINED, Trouble.UNSOUND})
"""These are there or are not."""


class Rule(NamedTuple):
    """From which figure on a trouble counts. Minutes not heard, entries that wait or are parked, seconds of a clock,
    Z-reports that differ, days that a certificate still holds, records of the feed."""

    is_on: bool
    threshold: int


DEFAULTS: Final[Mapping[Trouble, Rule]] = {
    Trouble.QUARANTINED: Rule(True, 1),
    Trouble.UNSOUND: Rule(True, 1),
    Trouble.SHIFTS_DIFFER: Rule(True, 1),
    Trouble.PARKED: Rule(True, 1),
    Trouble.SKEW: Rule(True, 120),
    Trouble.CERTIFICATE: Rule(True, 30),
    Trouble.UNHEARD: Rule(True, 1_440),
    Trouble.WAITING: Rule(True, 1_000),
    Trouble.FEED_LAG: Rule(True, 10_000),
}

Rules = Mapping[Trouble, Rule]


class Told(NamedTuple):
    """Who is told: addresses, and a webhook's URL, which is "" without one; the language of the letters."""

    recipients: tuple[str, ...] = ()
    webhook_url: str = ""
    language: str = "ru"
    changed_at_us: int | None = None
    changed_by: str = ""

    @property
    def is_anybody(self) -> bool:
        return bool(self.recipients or self.webhook_url)


def read_rules(connection: Connection) -> dict[Trouble, Rule]:
    """Every kind with its rule, the worst first."""
    stored = {
        row.kind: Rule(bool(row.is_on), int(row.threshold)) for row in connection.execute(select(fleet_alert_rule))
    }
    return {kind: stored.get(kind.value, rule) for kind, rule in DEFAULTS.items()}


def read_told(connection: Connection) -> Told:
    """Who is told; nobody until somebody was named."""
    row = connection.execute(select(fleet_alert_setting)).one_or_none()
    if row is None:
        return Told()
    return Told(tuple(row.recipients.split()), row.webhook_url, row.language, row.changed_at, row.changed_by)


def save_alerts(
    connection: Connection, ids: Ids, now_us: int, actor: Actor, rules: Rules, recipients: str, url: str, language: str
) -> None:
    """Sets thresholds and recipients. `recipients` are separated by spaces, commas or lines.

    Raises InvalidInput, NotPermitted.
    """
    require(actor, Permission.FLEET_EDIT)
    if language not in LANGUAGES:
        raise InvalidInput("There is no such language.", "Choose one of those that the page offers.")
    addresses = _addresses(recipients)
    url = require_url(url) if url else ""
    for kind, rule in rules.items():
        if not 1 <= rule.threshold <= THRESHOLD_MAX:
            raise InvalidInput(f"A threshold is a whole number from 1 to {THRESHOLD_MAX}.", "Correct the number.")
        row = {"kind": kind.value, "is_on": rule.is_on, "threshold": rule.threshold}
        connection.execute(upsert(fleet_alert_rule, connection), row)
    setting = {
        "id": 1,
        "recipients": "\n".join(addresses),
        "webhook_url": url,
        "language": language,
        "changed_at": now_us,
        "changed_by": actor.code,
    }
    connection.execute(upsert(fleet_alert_setting, connection), setting)
    note_act(connection, ids, now_us, actor, FleetAct.ALERTS)


def require_url(url: str) -> str:
    """The address of a webhook: http or https, a host, and nobody's password. Raises InvalidInput."""
    hint = "Write it as https://alerts.example/filial."
    if len(url) > URL_CHARACTERS_MAX or not url.isascii() or not url.isprintable() or " " in url:
        raise InvalidInput(f"A webhook’s address has at most {URL_CHARACTERS_MAX} ASCII characters.", hint)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidInput(f"“{shorten(url)}” is no address of a webhook.", hint) from None
    if parts.scheme not in ("http", "https"):
        raise InvalidInput("A webhook’s address begins with http:// or https://.", hint)
    if not parts.hostname or port == 0:
        raise InvalidInput(f"“{shorten(url)}” names no server.", hint)
    if parts.username is not None or parts.password is not None:
        raise InvalidInput("A webhook’s address holds no user and no password.", "Messages are signed instead.")
    return url


def _addresses(text: str) -> list[str]:
    addresses = list(dict.fromkeys(normalize_email(each) for each in text.replace(",", " ").replace(";", " ").split()))
    if len(addresses) > RECIPIENTS_MAX:
        raise InvalidInput(f"{len(addresses)} people are named; at most {RECIPIENTS_MAX} are told.", "Name a list.")
    for address in addresses:
        wire_address(address)
    return addresses
