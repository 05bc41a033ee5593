"""Reading forms, and showing one again with what was typed when it is refused. Contains no rules."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations.paging import Page
from hq_server.web.context import context_of
from shared.domain.business_time import date_from_days, days_from_date, parse_date
from shared.domain.identifiers import parse_id
from shared.domain.money import format_minor, parse_major, require_minor
from shared.errors import FilialError, InvalidInput, NotFound, NotPermitted, StoreError
from shared.web.error_texts import translate_error
from shared.web.failures import status_of
from shared.web.security import form_of, text_of

View = Callable[[Request], Response]
FormPage = Callable[..., Response]


class Failure(NamedTuple):
    """Why a form is shown again."""

    message: str
    hint: str
    status_code: int


def or_again(page: FormPage) -> Callable[[View], View]:
    """A POST that is refused shows its form again, with why and with what was typed; `page(request, failure)`."""

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def answer(request: Request) -> Response:
            try:
                return view(request)
            except (NotPermitted, StoreError, NotFound):
                raise
            except FilialError as error:
                failure = Failure(translate_error(error.message), translate_error(error.hint), status_of(error))
                return page(request, failure)

        return answer

    return decorate


def status(failure: Failure | None) -> int:
    """The answer's status: 200 for a form that is shown for the first time."""
    return 200 if failure is None else failure.status_code


def typed(request: Request, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """What a form's fields show: what was typed when it is shown again, else these. Never a password."""
    form = form_of(request)
    if not form:
        return dict(defaults)
    shown: dict[str, Any] = {}
    for name, default in defaults.items():
        if isinstance(default, bool):
            shown[name] = is_ticked(request, name)
        elif isinstance(default, (tuple, list, set, frozenset)):
            shown[name] = tuple(texts_of(request, name))
        else:
            shown[name] = text_of(request, name)
    return shown


def is_ticked(request: Request, name: str) -> bool:
    """Whether a tick was set."""
    return bool(text_of(request, name))


def texts_of(request: Request, name: str) -> list[str]:
    """Every value of a field: ticks of one name, or texts separated by commas."""
    values = [value for value in form_of(request).getlist(name) if isinstance(value, str)]
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def day_of(request: Request, name: str, what: str = "The day") -> int | None:
    """A date field as days since 1970-01-01; None when it is empty. Raises InvalidInput."""
    return parse_day(text_of(request, name), what)


def parse_day(text: str, what: str = "The day") -> int | None:
    """`2026-12-31` as days since 1970-01-01; None for nothing. Raises InvalidInput."""
    if not text:
        return None
    day = parse_date(text, what)
    if day.year < 1970:
        raise InvalidInput(f"{what} lies before 1970.")
    return days_from_date(day)


def day_text(day: int | None) -> str:
    """What a date field shows."""
    return "" if day is None else date_from_days(day).isoformat()


def amount_of(request: Request, name: str, what: str) -> int | None:
    """An amount of the chain's currency as minor units; None when the field is empty. Raises InvalidInput."""
    text = text_of(request, name)
    return require_minor(parse_major(text, context_of(request).chain.currency), what) if text else None


def amount_text(request: Request, amount_minor: int | None) -> str:
    """What an amount's field shows."""
    return "" if amount_minor is None else format_minor(amount_minor, context_of(request).chain.currency)


def id_of_path(request: Request) -> bytes:
    """The id in the page's address. Raises NotFound."""
    try:
        return parse_id(request.path_params["id"])
    except InvalidInput:
        raise NotFound("There is no such page.", "Go back, or begin at the first page.") from None


def page_number(request: Request) -> int:
    """Which page of a list is asked for; 1 when none is."""
    text = request.query_params.get("page", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1


class Paging(NamedTuple):
    """Where one is in a list, and the addresses before and after; "" at its ends."""

    number: int
    pages: int
    total: int
    previous_url: str
    next_url: str


def paging_of(request: Request, page: Page[Any]) -> Paging:
    """For the foot of a list: the same question, another page."""

    def address(number: int) -> str:
        asked = {name: value for name, value in request.query_params.items() if name != "page" and value}
        return f"{request.url.path}?{urlencode({**asked, 'page': number})}"

    return Paging(
        page.number,
        page.pages,
        page.total,
        address(page.number - 1) if page.number > 1 else "",
        address(page.number + 1) if page.number < page.pages else "",
    )
