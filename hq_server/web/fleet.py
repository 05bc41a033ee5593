"""The branches: which of them need somebody, how one stands and stood, and what is done about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations.authority import Authority
from hq_server.operations.fleet_acts import choose_heir, find_branch, new_token, revoke
from hq_server.operations.fleet_alerts import list_alerts
from hq_server.operations.fleet_checks import Check, CheckKind, CheckState, ask_check, count_checks, list_checks
from hq_server.operations.fleet_history import HOURLY_SAMPLE_DAYS, SHIFT_AUDIT_DAYS, Sample, read_samples
from hq_server.operations.fleet_log import list_acts
from hq_server.operations.fleet_overview import FleetBranch, Judged, branch_overview, fleet_overview, list_lives
from hq_server.operations.paging import page_of
from hq_server.web.check_words import say_found
from hq_server.web.context import context_of
from hq_server.web.fleet_names import ACTS, CHECKS, LIFE_STATES, MODES
from hq_server.web.forms import Failure, id_of_path, or_again, page_number, paging_of, status
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.business_time import MICROSECONDS, SECONDS_PER_DAY
from shared.domain.identifiers import format_id
from shared.domain.permissions import Permission
from shared.sync.recognition import LifeState
from shared.web.fleet_words import TROUBLES, say_trouble
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import text_of
from shared.web.site import see_other
from shared.web.translations import lazy_plural as plural
from shared.web.translations import lazy_text as _

SPANS: Final = (("day", 1), ("week", 7), ("month", HOURLY_SAMPLE_DAYS))
"""What the history shows, days."""

HISTORY_ROWS_MAX: Final = 48
"""Rows of the history's table; each stands for an equal part of the span."""

CHART_WIDTH, CHART_HEIGHT = 600, 60
_DAY_US: Final = SECONDS_PER_DAY * MICROSECONDS


class Shown(NamedTuple):
    """A branch as a row of the list, or at the head of its page."""

    url: str
    branch: FleetBranch
    needs: tuple[str, ...]
    mode: Any


def page(request: Request, failure: Failure | None = None) -> Response:
    """`/fleet?show=all|needs|offline`: every branch, the worst first."""
    context, actor = context_of(request), actor_of(request)
    with context.store.read() as connection:
        found = fleet_overview(connection, context.clock.now_us(), actor)
        progress = count_checks(connection, actor)
    needing = [each for each in found if each.findings]
    offline = [each for each in found if _is_offline(each.branch)]
    show = request.query_params.get("show", "all")
    chosen = {"needs": needing, "offline": offline}.get(show, found)
    paged = page_of(chosen, page_number(request))
    return render(
        request,
        "fleet.html",
        status_code=status(failure),
        failure=failure,
        rows=[_shown(each) for each in paged.rows],
        paging=paging_of(request, paged),
        show=show,
        lists=(("all", _("All"), len(found)), ("needs", _("Need somebody"), len(needing)),
               ("offline", _("Offline"), len(offline))),
        total=len(found),
        needing=len(needing),
        offline=len(offline),
        progress=progress,
        days=SHIFT_AUDIT_DAYS,
        **_around(request),
    )  # fmt: skip


def progress(request: Request) -> Response:
    """`/fleet/progress`: how many checks are left, for htmx."""
    context = context_of(request)
    with context.store.read() as connection:
        left = count_checks(connection, actor_of(request))
    return render(request, "fleet.html", block="progress", progress=left, **_around(request))


def check_all(request: Request) -> Response:
    """POST `kind`: every branch is verified, one after the other."""
    context, actor, kind = context_of(request), actor_of(request), _kind(request)
    count = context.change(lambda connection, now_us: ask_check(connection, context.ids, now_us, actor, None, kind))
    text = plural(
        "%(count)s check waits; they run by themselves.", "%(count)s checks wait; they run by themselves.", count
    )
    return see_other(request, "/fleet", Notice(text if count else _("These checks wait already.")))


def one(request: Request, failure: Failure | None = None, token: str = "") -> Response:
    """`/fleet/branch/{id}?span=day|week|month`: how a branch stands and stood. `token` is shown this once."""
    context, actor, branch_id = context_of(request), actor_of(request), id_of_path(request)
    span, days = next((each for each in SPANS if each[0] == request.query_params.get("span")), SPANS[0])
    now_us = context.clock.now_us()
    with context.store.read() as connection:
        judged = branch_overview(connection, now_us, actor, branch_id)
        samples = read_samples(connection, actor, branch_id, now_us - days * _DAY_US)
        alerts = list_alerts(connection, actor, branch_id, 20)
        acts = list_acts(connection, branch_id)
        lives = list_lives(connection, actor, branch_id)
        checks = list_checks(connection, actor, branch_id)
    return render(
        request,
        "fleet_branch.html",
        status_code=status(failure),
        failure=failure,
        token=token,
        token_hours=context.settings.token_valid_hours,
        each=_shown(judged),
        quarantine=say_found(judged.branch.quarantine or ""),
        span=span,
        spans=_span_names(),
        charts=_charts(samples, now_us - days * _DAY_US, now_us),
        history=_thinned(samples),
        alerts=[(TROUBLES[each.alert.kind.value], say_trouble(each.alert.kind.value, each.alert.figure), each.alert)
                for each in alerts],
        acts=[(act, ACTS.get(act.act, act.act)) for act in acts],
        lives=[(format_id(life.id), LIFE_STATES[LifeState(life.state)], life.first_seen_at) for life in lives],
        days=SHIFT_AUDIT_DAYS,
        **_checks(checks),
        **_around(request),
    )  # fmt: skip


def checks_of(request: Request) -> Response:
    """`/fleet/branch/{id}/checks`: the results of its checks, for htmx."""
    context, actor, branch_id = context_of(request), actor_of(request), id_of_path(request)
    with context.store.read() as connection:
        checks = list_checks(connection, actor, branch_id)
    return render(
        request,
        "fleet_branch.html",
        block="checks",
        branch_id=format_id(branch_id),
        **_checks(checks),
        **_around(request),
    )


@or_again(one)
def check(request: Request) -> Response:
    """POST `kind`: verify or deep."""
    return _ask(request, _kind(request), _("The check waits; its result appears below."))


def repairing(request: Request, failure: Failure | None = None) -> Response:
    """`/fleet/branch/{id}/repair`: what a repair does, before it is done."""
    context, actor, branch_id = context_of(request), actor_of(request), id_of_path(request)
    with context.store.read() as connection:
        row = find_branch(connection, actor, branch_id)
        checks = list_checks(connection, actor, branch_id)
    last = next((each for each in checks if each.kind is CheckKind.DEEP and each.state is CheckState.UNSOUND), None)
    return render(
        request,
        "fleet_repair.html",
        status_code=status(failure),
        failure=failure,
        row=row,
        found=[say_found(sentence) for sentence in last.sentences] if last else [],
        **_around(request),
    )


@or_again(repairing)
def repair(request: Request) -> Response:
    """POST: the repair waits as a check does."""
    return _ask(request, CheckKind.REPAIR, _("The repair waits; what it did appears below."))


@or_again(one)
def token(request: Request) -> Response:
    """POST: a new enrolment token, on the answer's page alone."""
    context, actor, branch_id = context_of(request), actor_of(request), id_of_path(request)
    hours = context.settings.token_valid_hours
    made = context.change(
        lambda connection, now_us: new_token(
            connection, authority_of(request), context.ids, now_us, actor, branch_id, hours
        )
    )
    return one(request, None, made)


@or_again(one)
def heir(request: Request) -> Response:
    """POST `life`: which copy of the branch's store goes on."""
    context, actor, branch_id = context_of(request), actor_of(request), id_of_path(request)
    life = text_of(request, "life")
    context.change(lambda connection, now_us: choose_heir(connection, context.ids, now_us, actor, branch_id, life))
    return _back(request, Notice(_("The branch goes on with the copy that you chose.")))


@or_again(one)
def revoke_one(request: Request) -> Response:
    """POST `code`, typed by hand: the branch is refused for good."""
    context, actor, branch_id = context_of(request), actor_of(request), id_of_path(request)
    typed = text_of(request, "code")
    context.change(lambda connection, now_us: revoke(connection, context.ids, now_us, actor, branch_id, typed))
    return _back(request, Notice(_("The branch is revoked: it is refused from now on.")))


def authority_of(request: Request) -> Callable[[], Authority]:
    """How the chain's authority is found when somebody may use it."""
    return lambda: Authority.load(context_of(request).settings)


def served(request: Request, path: str) -> bool:
    """Whether this program has such a page."""
    return any(getattr(route, "path", "") == path for route in request.app.routes)


def _around(request: Request) -> dict[str, Any]:
    """What every template of the fleet needs."""
    context = context_of(request)
    return {
        "zone": context.chain.timezone,
        "may_edit": actor_of(request).may(Permission.FLEET_EDIT),
        "parked_url": "/parked" if served(request, "/parked") else "",
        "conflicts_url": "/conflicts" if served(request, "/conflicts") else "",
        "settings_url": "/branches" if served(request, "/branches/{code:path}") else "",
        "now_us": context.clock.now_us(),
    }


def _ask(request: Request, kind: CheckKind, said: Any) -> Response:
    context, actor, branch_id = context_of(request), actor_of(request), id_of_path(request)
    context.change(lambda connection, now_us: ask_check(connection, context.ids, now_us, actor, branch_id, kind))
    return _back(request, Notice(said))


def _back(request: Request, notice: Notice) -> Response:
    return see_other(request, f"/fleet/branch/{format_id(id_of_path(request))}", notice)


def _kind(request: Request) -> CheckKind:
    return CheckKind.DEEP if text_of(request, "kind") == "deep" else CheckKind.VERIFY


def _is_offline(branch: FleetBranch) -> bool:
    return branch.is_known and not branch.connected and not branch.is_revoked


def _shown(judged: Judged) -> Shown:
    branch = judged.branch
    needs = tuple(say_trouble(found.trouble.value, found.figure) for found in judged.findings)
    return Shown(f"/fleet/branch/{format_id(branch.row.id)}", branch, needs, MODES[branch.row.mode])


def _checks(checks: Sequence[Check]) -> dict[str, Any]:
    return {
        "checks": [
            (each, CHECKS[each.kind, each.state], [say_found(sentence) for sentence in each.sentences])
            for each in checks
        ],
        "is_busy": any(each.state in (CheckState.WAITING, CheckState.RUNNING) for each in checks),
    }


def _span_names() -> tuple[tuple[str, Any], ...]:
    return ("day", _("a day")), ("week", _("a week")), ("month", _("a month"))


def _thinned(samples: Sequence[Sample]) -> list[Sample]:
    """So many that a table is read, the newest first."""
    stride = max(1, -(-len(samples) // HISTORY_ROWS_MAX))
    return list(samples[::-1][::stride])


class Chart(NamedTuple):
    """A line over time: points as SVG reads them, and its greatest value."""

    points: str
    greatest: int


def _charts(samples: Sequence[Sample], first_us: int, last_us: int) -> dict[str, Any]:
    waiting = [(each.sampled_at_us, each.waiting) for each in samples]
    behind = [
        (each.sampled_at_us, each.watermark_age_us // MICROSECONDS)
        for each in samples
        if each.watermark_age_us is not None
    ]
    return {
        "width": CHART_WIDTH,
        "height": CHART_HEIGHT,
        "waiting": _chart(waiting, first_us, last_us),
        "behind": _chart(behind, first_us, last_us),
        "online": sum(each.connected for each in samples),
        "samples": len(samples),
        "offline_bars": _offline_bars(samples, first_us, last_us),
    }


def _chart(values: Sequence[tuple[int, int]], first_us: int, last_us: int) -> Chart:
    greatest = max((value for _moment, value in values), default=0)
    points = [
        f"{_across(moment, first_us, last_us)},{CHART_HEIGHT - value * CHART_HEIGHT // max(1, greatest)}"
        for moment, value in values
    ]
    return Chart(" ".join(points), greatest)


def _offline_bars(samples: Sequence[Sample], first_us: int, last_us: int) -> list[tuple[int, int]]:
    """Where a branch was offline: each from one sample to the next, as x and width."""
    ends = [*(each.sampled_at_us for each in samples[1:]), last_us][: len(samples)]
    bars = []
    for sample, end_us in zip(samples, ends, strict=True):
        if not sample.connected:
            start = _across(sample.sampled_at_us, first_us, last_us)
            bars.append((start, max(1, _across(end_us, first_us, last_us) - start)))
    return bars


def _across(moment_us: int, first_us: int, last_us: int) -> int:
    return max(0, moment_us - first_us) * CHART_WIDTH // max(1, last_us - first_us)


ROUTES = (
    guarded("/fleet", page),
    guarded("/fleet/progress", progress),
    guarded("/fleet/check", check_all, "POST"),
    guarded("/fleet/branch/{id}", one),
    guarded("/fleet/branch/{id}/checks", checks_of),
    guarded("/fleet/branch/{id}/check", check, "POST"),
    guarded("/fleet/branch/{id}/repair", repairing),
    guarded("/fleet/branch/{id}/repair", repair, "POST"),
    guarded("/fleet/branch/{id}/token", token, "POST"),
    guarded("/fleet/branch/{id}/heir", heir, "POST"),
    guarded("/fleet/branch/{id}/revoke", revoke_one, "POST"),
)
