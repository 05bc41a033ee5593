"""The plan of a practice chain: everything that is to happen, as plain values. Contains no chance and no store."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, NamedTuple

from deploy.practice.contacts import Contacts
from deploy.practice.goods import Product
from deploy.practice.letters import Correspondence
from deploy.practice.offers import PlannedPromotion
from deploy.practice.people import PlannedEmployee


class PlannedBranch(NamedTuple):
    """A shop of the chain."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class PlannedClient:
    """A client's card as it is imported. `household` is whose receipts it gets; two cards may be of one."""

    external_id: str
    name: str
    phone: str
    group: str
    household: int


class PlannedLine(NamedTuple):
    """A line of a sale, priced: paid for it after the discount, and the reason that is printed."""

    sku: str
    quantity_thousandths: int
    amount_minor: int
    discount_minor: int
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class OpenShift:
    """A till is opened. `at` is the branch's local time, as `2026-11-26T08:45:00`."""

    at: str
    register: str
    cashier: str
    float_minor: int


@dataclass(frozen=True, slots=True)
class Sell:
    """A receipt."""

    at: str
    register: str
    cashier: str
    key: str
    client: str | None
    lines: tuple[PlannedLine, ...]
    payments: tuple[tuple[str, int], ...]
    rounding_minor: int

    @property
    def net_minor(self) -> int:
        """What the lines come to."""
        return sum(line.amount_minor for line in self.lines)


@dataclass(frozen=True, slots=True)
class GiveBack:
    """Goods come back: `lines` are numbers of lines of the sale with that key, none of them everything."""

    at: str
    register: str
    cashier: str
    key: str
    sale_key: str
    lines: tuple[int, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class GiveBackLoose:
    """One product comes back without a receipt, for cash."""

    at: str
    register: str
    cashier: str
    key: str
    sku: str
    quantity_thousandths: int
    amount_minor: int
    reason: str
    authorised_by: str


@dataclass(frozen=True, slots=True)
class PickUp:
    """Cash is brought away; so much stays in the drawer."""

    at: str
    register: str
    cashier: str
    keep_minor: int
    reason: str


@dataclass(frozen=True, slots=True)
class CloseShift:
    """A till is closed; so much more is counted than should be there."""

    at: str
    register: str
    cashier: str
    variance_minor: int


Event = OpenShift | Sell | GiveBack | GiveBackLoose | PickUp | CloseShift
_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind for kind in (OpenShift, Sell, GiveBack, GiveBackLoose, PickUp, CloseShift)
}


class HeldBasket(NamedTuple):
    """A basket that waits at the first branch: what is scanned, and what it is called."""

    title: str
    cashier: str
    codes: tuple[str, ...]


class Truth(NamedTuple):
    """Something planted: what, where to find it, how it is measured, and what the measure gives on the plan."""

    name: str
    what: str
    how_to_find: str
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """A chain and its weeks up to `today`; `events` by branch in the order in which they happen."""

    seed: int
    today: date
    first_day: date
    language: str
    chain_name: str
    branches: tuple[PlannedBranch, ...]
    products: tuple[Product, ...]
    promotions: tuple[PlannedPromotion, ...]
    employees: tuple[PlannedEmployee, ...]
    clients: tuple[PlannedClient, ...]
    events: dict[str, tuple[Event, ...]]
    held: tuple[HeldBasket, ...]
    contacts: dict[str, Contacts]
    letters: dict[str, Correspondence]

    def to_bytes(self) -> bytes:
        """The same plan, the same bytes."""
        document = asdict(self)
        document["events"] = {code: [event_document(event) for event in made] for code, made in self.events.items()}
        return json.dumps(document, ensure_ascii=False, sort_keys=True, default=str).encode()

    def sales(self) -> Iterable[tuple[str, Sell]]:
        """Every receipt with its branch's code."""
        for code, made in self.events.items():
            for event in made:
                if isinstance(event, Sell):
                    yield code, event


def event_document(event: Event) -> dict[str, Any]:
    """An event as plain JSON."""
    return {"do": type(event).__name__, **asdict(event)}


def event_from(document: dict[str, Any]) -> Event:
    """The event of that document."""
    fields = {name: value for name, value in document.items() if name != "do"}
    if document["do"] == "Sell":
        fields["lines"] = tuple(PlannedLine(*_values(line)) for line in fields["lines"])
        fields["payments"] = tuple((method, amount) for method, amount in fields["payments"])
    elif document["do"] == "GiveBack":
        fields["lines"] = tuple(fields["lines"])
    event: Event = _KINDS[document["do"]](**fields)
    return event


def _values(line: Any) -> list[Any]:
    return list(line.values()) if isinstance(line, dict) else list(line)
