"""The supervisor's day: what everybody in the shop did with clients, today or within the last hours; it prints."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from branch_node.operations.team_day import TeamDay, read_team_day
from branch_node.web.context import context_of
from branch_node.web.people import guarded, signed_in
from shared.domain.business_time import local_moment, parse_date
from shared.domain.permissions import Permission
from shared.web.pages import render

HOURS_OFFERED: Final = (1, 2, 4, 8)
HOURS_DIGITS_MAX: Final = 2


def page(request: Request) -> Response:
    """`/team`: today, a day (`day`), or the last `hours`."""
    return render(request, "team.html", **_view(request))


def figures(request: Request) -> Response:
    """The same without the page around it: what an open page asks for once a minute."""
    return render(request, "team_figures.html", **_view(request))


def _view(request: Request) -> dict[str, Any]:
    context, actor = context_of(request), signed_in(request)
    hours, day = _hours_asked(request), _day_asked(request)
    found = read_team_day(context.store, actor, hours, day)
    return {
        "found": found,
        "hours": hours,
        "hours_offered": HOURS_OFFERED,
        "is_today": found.since_us is None and day is None,
        "query": request.url.query,
        "may_have_more": _may_have_more(found),
        "shares": {hour: _share(work.calls + work.contacts + work.receipts, found) for hour, work in found.hours},
    }


def _hours_asked(request: Request) -> int | None:
    text = request.query_params.get("hours", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= HOURS_DIGITS_MAX else None


def _day_asked(request: Request) -> date | None:
    text = request.query_params.get("day", "")
    return parse_date(text, "day") if text else None


def _may_have_more(found: TeamDay) -> bool:
    """Whether what is told still grows."""
    return found.since_us is not None or found.day == local_moment(found.until_us, found.zone).business_date


def _share(count: int, found: TeamDay) -> int:
    """Of the busiest hour, in per cent: how long the hour's bar is."""
    most = max((work.calls + work.contacts + work.receipts for _, work in found.hours), default=0)
    return round(100 * count / most) if most else 0


ROUTES: tuple[Any, ...] = (
    guarded("/team", page, Permission.TEAM_VIEW, of_one_moment=True),
    guarded("/team/figures", figures, Permission.TEAM_VIEW, asks_by_itself=True, of_one_moment=True),
)
