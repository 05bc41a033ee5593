"""What a report's number is added up from, one by one: what there is, and a page of it. Contains no queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from shared.domain.sales import format_receipt
from shared.reports.ground import Ground
from shared.reports.parameters import ReportParameters
from shared.reports.report import Report
from shared.reports.result import Completeness

BENEATH_ROWS_MAX = 100
"""Receipts, calls or whatever it is on one page."""


class Kind(StrEnum):
    """What one of them is. It says where it leads, and what its name means."""

    SALE = "sale"
    REFUND = "refund"
    CALL = "call"
    CONTACT = "contact"
    Z_REPORT = "z_report"
    TILL_ACT = "till_act"
    VOID = "void"
    CLIENT = "client"
    MOVEMENT = "movement"
    TASK = "task"
    NO_STEP = "no_step"
    MISSING = "missing"
    TWICE = "twice"


OF_CLIENTS: Final = frozenset({Kind.CLIENT, Kind.TASK, Kind.NO_STEP})
"""Whose names, or ways to a card, are for those who may see that client."""


class Item(NamedTuple):
    """One of what a number rests on, and what of it counts: `measures`, in the order of the list's; None is unknown.

    `name` is a receipt as printed – of a Z-report its last –, or a code: a call's outcome, a contact's channel, an
    act's action, a movement's reason, a task's title; of a client what reports call him. `who` is an employee's code.
    `of_id` is whose it is: the client's card, of a Z-report the shift.
    """

    kind: Kind
    branch: str
    record_id: bytes
    at_us: int | None
    name: str
    who: str
    of_id: bytes | None
    measures: tuple[int | None, ...]

    def hidden(self) -> Item:
        """The same without a name and a way to the client's card."""
        return self._replace(name="", of_id=None)


class Beneath(NamedTuple):
    """Some of what a number rests on, the newest first, clients by what they paid; how many there are; the measures
    over all of them, None where they do not add up."""

    rows: Sequence[Item]
    total: int
    sums: tuple[int | None, ...]


class Looked(NamedTuple):
    """What a row of a report was asked for, how complete that is, and a page of what it rests on."""

    parameters: ReportParameters
    completeness: Completeness
    found: Beneath


class Asked(NamedTuple):
    """What a list is asked for: a report's parameters without groups and teams, and which part of the list.

    `team` has the days of everybody who counts, by his code; no days are all of them, and without a team it is None.
    """

    report: Report
    parameters: ReportParameters
    team: Mapping[str, tuple[Any, ...]] | None
    after: int
    rows_max: int


def page_of(asked: Asked, items: Iterable[Item], width: int) -> Beneath:
    """A page of things that are all read, the newest first – what is of no moment before all –, and their sums."""
    every = sorted(
        items, key=lambda each: (each.at_us is not None, -(each.at_us or 0), each.branch, each.name, each.record_id)
    )
    sums = [0] * width
    for item in every:
        sums = [total + (added or 0) for total, added in zip(sums, item.measures, strict=True)]
    return Beneath(every[asked.after : asked.after + asked.rows_max], len(every), tuple(sums))


KEYS: Final = ("kind", "branch_id", "id", "at", "register", "number", "code", "who", "of_id")
"""The columns of a query that items are read from; measures stand behind them."""


def read_item(ground: Ground, row: Sequence[Any]) -> Item:
    """An item from a row of KEYS and measures."""
    kind, branch_id, record_id, at_us, register, number, code, who, of_id, *measures = row
    name = code or (format_receipt(register, number) if number is not None else register)
    branch = ground.branch_codes.get(branch_id, "")
    sums = tuple(int(value or 0) for value in measures)
    return Item(Kind(kind), branch, record_id, at_us, name or "", who or "", of_id, sums)
