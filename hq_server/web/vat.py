"""VAT rates and the days they hold."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations.vat_rates import list_vat_rates, set_vat_rate
from hq_server.web import changes
from hq_server.web.context import context_of
from hq_server.web.forms import Failure, day_of, or_again, parse_day, status, typed
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.business_time import date_from_days
from shared.domain.percentages import parse_percent
from shared.domain.vat import DatedVatRate
from shared.web.pages import render
from shared.web.security import text_of
from shared.web.site import see_other
from shared.web.translations import lazy_text as _

NOTHING = {"code": "", "rate": "", "valid_from": "", "valid_to": ""}


def page(request: Request, failure: Failure | None = None) -> Response:
    """`/vat`."""
    with context_of(request).store.read() as connection:
        rates = list_vat_rates(connection, actor_of(request))
        changed = changes.changes_of(request, connection, changes.ALL_VAT_RATES)
    for rate in rates:
        for name in ("valid_from", "valid_to"):
            day = parse_day(rate[name] or "")
            rate[name] = None if day is None else date_from_days(day)
    fields = typed(request, NOTHING)
    return render(
        request, "vat.html", status_code=status(failure), failure=failure, rates=rates, typed=fields, changes=changed
    )


@or_again(page)
def save(request: Request) -> Response:
    """POST `code`, `rate` (empty is without VAT), `valid_from`, `valid_to`."""
    context, actor = context_of(request), actor_of(request)
    text = text_of(request, "rate")
    rate = DatedVatRate(
        text_of(request, "code"),
        parse_percent(text) if text else None,
        day_of(request, "valid_from", "The first day"),
        day_of(request, "valid_to", "The last day"),
    )
    done = changes.change(
        request,
        lambda connection, now_us: set_vat_rate(connection, context.ids, now_us, context.chain.chain_id, rate, actor),
        changes.ALL_VAT_RATES,
    )
    return see_other(request, "/vat", done.notice(_("The rate is saved. The tills learn it with the next contact.")))


ROUTES = (guarded("/vat", page), guarded("/vat", save, "POST"))
