"""One receipt of any branch, as the head office holds it: what a report's number leads to."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations.receipt_reading import read_receipt
from hq_server.web.context import context_of
from hq_server.web.forms import id_of_path
from hq_server.web.names import PAYMENT_METHODS
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.identifiers import format_id
from shared.domain.sales import Sale, format_receipt
from shared.operations.people import all_employees
from shared.reports.naming import name_values
from shared.web.pages import render
from shared.web.translations import current_language


def page(request: Request) -> Response:
    """`/receipts/BRANCH/ID`."""
    context, actor, record_id = context_of(request), actor_of(request), id_of_path(request)
    with context.store.read() as connection:
        found = read_receipt(connection, actor, request.path_params["branch"], record_id)
        products = name_values(connection, {"product": {each.sku for each in found.fact.lines}}, current_language())
        people = {person.code: person.name or person.code for person in all_employees(connection)}
    fact = found.fact
    is_refund = not isinstance(fact, Sale)
    return render(
        request,
        "receipt.html",
        found=found,
        fact=fact,
        is_refund=is_refund,
        receipt=format_receipt(fact.register, fact.receipt_number),
        at_us=fact.sold_at.at_us if isinstance(fact, Sale) else fact.refunded_at.at_us,
        sold_as="" if isinstance(fact, Sale) else fact.sale_receipt or "",
        change_minor=fact.change_minor if isinstance(fact, Sale) else 0,
        lines=[(each.name or products["product"].get(each.sku, each.sku), each) for each in fact.lines],
        total_minor=sum(each.amount_minor for each in fact.lines),
        payments=[(PAYMENT_METHODS.get(paid.method, paid.method), paid.amount_minor) for paid in fact.payments],
        cashier=people.get(fact.cashier, fact.cashier),
        client_url=f"/clients/{format_id(found.client_id)}" if found.client_id else "",
        record_id=format_id(record_id),
        shift=format_id(fact.shift_id),
        zone=found.branch.timezone,
    )


ROUTES = (guarded("/receipts/{branch}/{id}", page),)
