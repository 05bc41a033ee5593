"""What was done behind a row of `work-today`, one by one: calls, other contacts, tasks, receipts and returns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import func

from shared.reports.fact_lists import FactList, list_facts, receipt_keys
from shared.reports.fact_sums import FactSource
from shared.reports.ground import Ground
from shared.reports.items import Asked, Beneath, Item, Kind, page_of
from shared.reports.work import MEASURES, Window, call_sums, tasks_done
from shared.storage.standing_interactions import is_newest
from shared.storage.tables import interaction, refund, sale

_NAMES: Final = tuple(column.name for column in MEASURES)
_of_contact = interaction.c
_BY_EMPLOYEE: Final = {"employee": _of_contact.employee, "hour": _of_contact.hour}
_WHOSE: Final = {"who": _of_contact.employee, "of_id": _of_contact.client_id}


def list_work(ground: Ground, asked: Asked) -> Beneath:
    """A page of everything that was done. Tasks are read whole: their day and hour are those of the branch's zone."""
    reaching_so_far = asked._replace(after=0, rows_max=asked.after + asked.rows_max)
    facts = list_facts(ground, reaching_so_far, _NAMES, _lists())
    tasks = page_of(reaching_so_far, _tasks(ground, asked), len(MEASURES))
    page = page_of(asked, [*facts.rows, *tasks.rows], len(MEASURES))
    sums = tuple((one or 0) + (other or 0) for one, other in zip(facts.sums, tasks.sums, strict=True))
    return Beneath(page.rows, facts.total + tasks.total, sums)


def _lists() -> list[FactList]:
    calls = dict(zip(_NAMES, call_sums(), strict=False))
    is_call = _of_contact.channel == "call"
    sold = {"receipts": func.count(), "net": func.sum(sale.c.net_minor)}
    back = {"net": -func.sum(refund.c.returns_minor)}
    return [
        FactList(
            FactSource(interaction, calls, _BY_EMPLOYEE, (is_call, is_newest())),
            Kind.CALL,
            _of_contact["at"],
            {**_WHOSE, "code": _of_contact.outcome},
        ),
        FactList(
            FactSource(interaction, {"contacts": func.count()}, _BY_EMPLOYEE, (~is_call, is_newest())),
            Kind.CONTACT,
            _of_contact["at"],
            {**_WHOSE, "code": _of_contact.channel},
        ),
        FactList(
            FactSource(sale, sold, {"employee": sale.c.cashier, "hour": sale.c.hour}),
            Kind.SALE,
            sale.c.sold_at,
            receipt_keys(sale),
        ),
        FactList(
            FactSource(refund, back, {"employee": refund.c.cashier, "hour": refund.c.hour}),
            Kind.REFUND,
            refund.c.refunded_at,
            receipt_keys(refund),
        ),
    ]


def _tasks(ground: Ground, asked: Asked) -> Iterator[Item]:
    parameters, team = asked.parameters, asked.team
    window = Window(parameters.date_from, parameters.date_to, as_of_us=parameters.as_of_us)
    sums = tuple(int(name == "tasks") for name in _NAMES)
    for key, card in tasks_done(ground.connection, window, list(ground.branch_codes), with_cards=True):
        code = ground.branch_codes[key.branch_id]
        shown: dict[str, Any] = {**key._asdict(), "branch": code, "business_date": key.business_date.isoformat()}
        if any(str(shown[name]) not in values for name, values in parameters.filters):
            continue
        if team is not None and (
            key.employee not in team or ((days := team[key.employee]) and key.business_date not in days)
        ):
            continue
        done_at, task_id, client_id, title = card
        yield Item(Kind.TASK, code, task_id, int(done_at), title or "", key.employee, client_id, sums)
