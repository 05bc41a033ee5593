"""What a report is asked for: period, branches, dimensions, filters, whom, compared with what, and as known when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

from shared.domain.business_time import format_us, parse_date, parse_local
from shared.domain.identifiers import shorten
from shared.errors import InvalidInput
from shared.reports.periods import Compare, named_period

FILTER_VALUES_MAX = 200

Filters = tuple[tuple[str, tuple[str, ...]], ...]
"""By dimension: the values of which one must be met. An empty text stands for no value."""


class Option(NamedTuple):
    """A whole number that a report may be given besides, between `least` and `most`."""

    name: str
    default: int
    least: int
    most: int
    meaning: str


@dataclass(frozen=True, slots=True)
class ReportParameters:
    """`date_from` and `date_to` are business dates, both included; None is open. Empty `branches` are all.

    `team` is the code of an employee: only what he did, or who stood below him on that day. `like_for_like` leaves
    only branches that sold in both periods. `options` are a report's own numbers, by name.
    """

    by: tuple[str, ...] = ()
    date_from: date | None = None
    date_to: date | None = None
    branches: tuple[str, ...] = ()
    as_of_us: int | None = None
    filters: Filters = ()
    team: str = ""
    compare: Compare | None = None
    like_for_like: bool = False
    options: tuple[tuple[str, int], ...] = ()

    def filter_of(self, dimension: str) -> tuple[str, ...]:
        """The values asked for along a dimension; none is all."""
        return dict(self.filters).get(dimension, ())

    def option(self, name: str) -> int:
        """A number of the report's own."""
        return dict(self.options)[name]

    def grouped(self, by: Sequence[str]) -> ReportParameters:
        """The same by other dimensions."""
        return replace(self, by=tuple(by))

    def as_json(self) -> dict[str, Any]:
        """As the report's document shows them; what was not asked for is left out, but for the oldest five."""
        document: dict[str, Any] = {
            "from": self.date_from.isoformat() if self.date_from else None,
            "to": self.date_to.isoformat() if self.date_to else None,
            "branches": list(self.branches),
            "by": list(self.by),
            "as_of": format_us(self.as_of_us) if self.as_of_us is not None else None,
        }
        if self.filters:
            document["filters"] = {name: list(values) for name, values in self.filters}
        if self.team:
            document["team"] = self.team
        if self.compare is not None:
            document |= {"compare": self.compare.value, "like_for_like": self.like_for_like}
        if self.options:
            document["options"] = dict(self.options)
        return document


@dataclass(frozen=True, slots=True)
class ReportAsk:
    """What a person typed, as texts. `filters` are written `dimension=value`, `options` `name=number`."""

    by: Sequence[str] = ()
    date_from: str | None = None
    date_to: str | None = None
    branches: Sequence[str] = ()
    as_of: str | None = None
    period: str | None = None
    filters: Sequence[str] = ()
    team: str = ""
    compare: str | None = None
    like_for_like: bool = False
    options: Sequence[str] = ()


def parse_ask(
    ask: ReportAsk, dimensions: Sequence[str], options: Sequence[Option], zone: str, today: date
) -> ReportParameters:
    """Checks what a person typed against what a report has. Raises InvalidInput."""
    date_from, date_to = ask.date_from, ask.date_to
    if ask.period:
        if date_from or date_to:
            raise InvalidInput("A period is given by its name or by its days, not by both.")
        first, last = named_period(ask.period, today)
        date_from, date_to = first.isoformat() if first else None, last.isoformat() if last else None
    asked = parse_parameters(ask.by, dimensions, date_from, date_to, ask.branches, ask.as_of, zone)
    compare = _compare(ask.compare, asked)
    if ask.like_for_like and compare is None:
        raise InvalidInput("Like for like is for a comparison.", "Say with what the period is compared.")
    return replace(
        asked,
        filters=_filters(ask.filters, dimensions),
        team=ask.team.strip(),
        compare=compare,
        like_for_like=ask.like_for_like,
        options=_options(ask.options, options),
    )


def parse_parameters(
    by: Sequence[str],
    dimensions: Sequence[str],
    date_from: str | None,
    date_to: str | None,
    branches: Sequence[str],
    as_of: str | None,
    zone: str,
) -> ReportParameters:
    """Checks the first five. Raises InvalidInput."""
    for dimension in by:
        _require_dimension(dimension, dimensions)
    if len(set(by)) != len(by):
        raise InvalidInput("A dimension is named twice.")
    start = parse_date(date_from, "--from") if date_from else None
    end = parse_date(date_to, "--to") if date_to else None
    if start and end and start > end:
        raise InvalidInput(f"The period begins on {start}, after its end on {end}.")
    as_of_us = parse_local(as_of, zone, "--as-of").at_us if as_of else None
    return ReportParameters(tuple(by), start, end, tuple(dict.fromkeys(branches)), as_of_us)


def _require_dimension(dimension: str, dimensions: Sequence[str]) -> None:
    if dimension not in dimensions:
        raise InvalidInput(f"The report has no dimension “{shorten(dimension)}”.", f"It has: {', '.join(dimensions)}.")


def _compare(text: str | None, asked: ReportParameters) -> Compare | None:
    if not text:
        return None
    if text not in list(Compare):
        raise InvalidInput(f"Nothing can be compared with “{shorten(text)}”.", f"There are: {', '.join(Compare)}.")
    if asked.date_from is None or asked.date_to is None:
        raise InvalidInput("A comparison needs a period with a first and a last day.")
    return Compare(text)


def _filters(texts: Sequence[str], dimensions: Sequence[str]) -> Filters:
    found: dict[str, list[str]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise InvalidInput(f"The filter “{shorten(text)}” names no value.", "Write it as category=Milk.")
        _require_dimension(name, dimensions)
        found.setdefault(name, []).append(value)
    if sum(map(len, found.values())) > FILTER_VALUES_MAX:
        raise InvalidInput(f"More than {FILTER_VALUES_MAX} values are filtered by.", "Filter by something coarser.")
    return tuple((name, tuple(dict.fromkeys(values))) for name, values in sorted(found.items()))


def _options(texts: Sequence[str], options: Sequence[Option]) -> tuple[tuple[str, int], ...]:
    """Every number that the report knows: as it was given, else as it is by default."""
    known: Mapping[str, Option] = {option.name: option for option in options}
    given = {name: known[name].default for name in known}
    for text in texts:
        name, _, value = text.partition("=")
        if name not in known:
            hint = f"It has: {', '.join(known)}." if known else "It has none."
            raise InvalidInput(f"The report has no option “{shorten(name)}”.", hint)
        if not (value.isascii() and value.isdigit()) or len(value) > 12:
            raise InvalidInput(f"The option {name} is a whole number.", f"Such as {name}={known[name].default}.")
        if not known[name].least <= int(value) <= known[name].most:
            raise InvalidInput(f"The option {name} is from {known[name].least} to {known[name].most}.")
        given[name] = int(value)
    return tuple(given.items())
