"""The audits: Z-reports against the receipts, returns, people without the right, and what was done by hand."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hq_server.operations.paging import page_of
from hq_server.operations.refund_checks import find_over_refunds
from hq_server.operations.shift_audit import audit_shifts
from hq_server.operations.staff_audit import Fault, Reason, audit_staff
from hq_server.operations.till_audit import (
    AuditFilter,
    list_actions,
    list_refunds_without_receipt,
    list_till_acts,
    total_refunds_without_receipt,
)
from hq_server.operations.verdicts import JUDGING, Shown, standing_verdicts
from hq_server.storage.branches import all_branches, branch_by_code, branch_names
from hq_server.web.context import context_of
from hq_server.web.forms import page_number, paging_of
from hq_server.web.names import COUNTED, KINDS_OF_ACT, figure_name, permission_name
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.business_time import date_from_days, parse_date
from shared.domain.identifiers import format_id
from shared.domain.permissions import Permission
from shared.domain.sales import format_receipt
from shared.operations.z_sums import MISSING_OPENING, Difference
from shared.web.formats import format_money, format_number
from shared.web.pages import render
from shared.web.till_words import ACTIONS
from shared.web.translations import gettext

SHOWN_DAYS = 31
"""What is shown until somebody names other days."""


class Asked(NamedTuple):
    """What an audit's page is asked for, and whether the actor may say what he makes of its findings."""

    wanted: AuditFilter
    first_text: str
    last_text: str
    may_judge: bool


def page(_request: Request) -> Response:
    """`/audit`."""
    return RedirectResponse("/audit/shifts", status_code=303)


def shifts(request: Request) -> Response:
    """`/audit/shifts`: the Z-reports, those that differ first."""
    context, asked = context_of(request), _asked(request)
    wanted = asked.wanted
    with context.store.read() as connection:
        branch_ids = [branch_by_code(connection, wanted.branch_code).id] if wanted.branch_code else None
        audits = audit_shifts(connection, branch_ids, wanted.first, wanted.last, actor_of(request))
        names = branch_names(connection)
        # The sort is stable: within both halves the newest first.
        audits.reverse()
        audits.sort(key=lambda each: not each.is_suspicious)
        wrong = [each for each in audits if each.is_suspicious]
        given = standing_verdicts(connection, [each.subject for each in wrong])
    # What holds need not be looked at.
    among = audits if wanted.shown is Shown.ALL else wrong
    shown = page_of([each for each in among if wanted.shown.fits(given.get(each.subject))], page_number(request))
    rows = [
        {
            "branch": names.get(each.branch_id, "?"),
            "report": each.report,
            "signature": each.signature,
            "suspicious": each.is_suspicious,
            "receipts": _receipts(each.report),
            "differences": [_difference(one, each.report.currency) for one in each.differing],
            "subject": each.subject,
            "given": given.get(each.subject),
        }
        for each in shown.rows
    ]
    return _render(
        request,
        "audit_shifts.html",
        asked,
        rows=rows,
        paging=paging_of(request, shown),
        wrong=len(wrong),
        closed=len(audits),
    )


def refunds(request: Request) -> Response:
    """`/audit/refunds`: what came back twice, and what came back without a receipt."""
    context, actor, asked = context_of(request), actor_of(request), _asked(request)
    with context.store.read() as connection:
        names = branch_names(connection)
        cases = find_over_refunds(connection, actor)
        given = standing_verdicts(connection, [case.subject for case in cases])
        twice = page_of([case for case in cases if asked.wanted.shown.fits(given.get(case.subject))], 1)
        without = list_refunds_without_receipt(connection, actor, asked.wanted, page_number(request))
        totals = total_refunds_without_receipt(connection, actor, asked.wanted)
        given = {**given, **standing_verdicts(connection, [each.subject for each in without.rows])}
    return _render(
        request,
        "audit_refunds.html",
        asked,
        twice=[(names.get(case.sale_branch_id, "?"), case) for case in twice.rows],
        twice_total=twice.total,
        without=without.rows,
        given=given,
        format_id=format_id,
        totals=totals,
        paging=paging_of(request, without),
        currency=context.chain.currency,
    )


def people(request: Request) -> Response:
    """`/audit/people`: acts without the right to them."""
    context, asked = context_of(request), _asked(request)
    wanted = asked.wanted
    with context.store.read() as connection:
        acts = audit_staff(connection, wanted.first, wanted.last, actor_of(request))
        given = standing_verdicts(connection, [act.subject for act in acts])
    chosen = [
        act
        for act in reversed(acts)
        if wanted.branch_code in ("", act.branch_code)
        and wanted.cashier in ("", act.employee_code)
        and wanted.shown.fits(given.get(act.subject))
    ]
    shown = page_of(chosen, page_number(request))
    rows = [(act, KINDS_OF_ACT.get(act.kind, act.kind), _reason(act.why)) for act in shown.rows]
    return _render(
        request,
        "audit_people.html",
        asked,
        rows=rows,
        paging=paging_of(request, shown),
        given=given,
    )


def tills(request: Request) -> Response:
    """`/audit/tills`: what was done by hand."""
    context, asked = context_of(request), _asked(request)
    with context.store.read() as connection:
        shown = list_till_acts(connection, actor_of(request), asked.wanted, page_number(request))
        known = list_actions(connection)
        given = standing_verdicts(connection, [act.subject for act in shown.rows])
    actions = [("", gettext("everything")), *((each, str(ACTIONS.get(each, each))) for each in known)]
    return _render(
        request,
        "audit_tills.html",
        asked,
        rows=[(act, ACTIONS.get(act.action, act.action), _detail(act.action, act.detail)) for act in shown.rows],
        paging=paging_of(request, shown),
        actions=actions,
        given=given,
        currency=context.chain.currency,
    )


def _asked(request: Request) -> Asked:
    """The filter of the address; without days the last SHOWN_DAYS. Raises InvalidInput."""
    values = request.query_params
    today = date_from_days(context_of(request).today())
    is_first_look = "from" not in values and "to" not in values
    first = today - timedelta(days=SHOWN_DAYS - 1) if is_first_look else _date(values.get("from", ""))
    last = None if is_first_look else _date(values.get("to", ""))
    show = values.get("show", Shown.OPEN)
    wanted = AuditFilter(
        values.get("branch", "").strip(),
        first,
        last,
        values.get("cashier", "").strip(),
        values.get("action", ""),
        Shown(show) if show in (*Shown,) else Shown.OPEN,
    )
    actor = actor_of(request)
    may_judge = all(actor.may(permission) for permission in JUDGING)
    return Asked(wanted, first.isoformat() if first else "", last.isoformat() if last else "", may_judge)


def _date(text: str) -> date | None:
    return parse_date(text, "The day") if text else None


def _render(request: Request, template: str, asked: Asked, **values: Any) -> Response:
    with context_of(request).store.read() as connection:
        branches = [("", gettext("all branches")), *((row.code, row.name) for row in all_branches(connection))]
    back = f"{request.url.path}?{request.url.query}"
    zone = context_of(request).chain.timezone
    return render(request, template, asked=asked, branches=branches, back=back, zone=zone, **values)


def _receipts(report: Any) -> str:
    if not report.first_receipt or not report.last_receipt:
        return "–"
    first = format_receipt(report.register, report.first_receipt)
    return first if report.first_receipt == report.last_receipt else f"{first} … {report.last_receipt:06d}"


def _difference(one: Difference, currency: str) -> str:
    if one.name == MISSING_OPENING:
        return gettext("The head office has no opening of this shift.")

    def shown(figure: int) -> str:
        return format_number(figure) if one.name in COUNTED else format_money(figure, currency)

    return gettext("%(figure)s: the Z-report says %(claimed)s, the receipts make %(computed)s") % {
        "figure": figure_name(one.name),
        "claimed": shown(one.claimed),
        "computed": shown(one.computed),
    }


def _reason(why: Reason) -> str:
    match why.fault:
        case Fault.AFTER_DISMISSAL:
            return gettext("after the dismissal")
        case Fault.NO_POSITION:
            return gettext("no position on that day")
        case Fault.OTHER_BRANCH:
            return gettext("does not work at %(branch)s on that day") % {"branch": why.branch_code}
        case Fault.ROLE_LACKS:
            return gettext("the role %(role)s may not: %(what)s") % {
                "role": why.role_code,
                "what": _permission(why.permission),
            }


def _detail(action: str, detail: str) -> str:
    """An override's detail is the permission that was lent."""
    return _permission(detail) if action == "override" else detail


def _permission(text: str) -> str:
    return str(permission_name(Permission(text))) if text in (*Permission,) else text


ROUTES = (
    guarded("/audit", page),
    guarded("/audit/shifts", shifts),
    guarded("/audit/refunds", refunds),
    guarded("/audit/people", people),
    guarded("/audit/tills", tills),
)
