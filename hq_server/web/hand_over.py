"""Handing over whole employees at the head office: what goes over, who was not heard, the way back."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations import hand_over
from hq_server.operations.hand_over import HandOver
from hq_server.web.context import context_of
from hq_server.web.forms import Failure, or_again, status
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.identifiers import format_id, is_id, parse_id
from shared.domain.permissions import require
from shared.domain.text_folding import sort_key
from shared.errors import InvalidInput, NotFound
from shared.operations.hand_over import clients_by_owner
from shared.operations.people import Employee, all_employees
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import text_of
from shared.web.site import see_other
from shared.web.translations import lazy_text as _

PAGE = "/hand-over"


def page(request: Request, failure: Failure | None = None) -> Response:
    """`/hand-over?from=…&to=…`: who hands over to whom, what goes over, and hand-overs that were made."""
    context, actor = context_of(request), actor_of(request)
    from_id, to_id = _asked(request, "from"), _asked(request, "to")
    with context.store.read() as connection:
        made = hand_over.list_hand_overs(connection, actor)
        people, counts = all_employees(connection), clients_by_owner(connection)
        found = None
        if from_id is not None:
            found = hand_over.preview(connection, actor, context.clock.now_us(), from_id)
    names = {each.employee_id: each.name or each.code for each in people}
    today = context.today()
    return render(
        request,
        "employee_hand_over.html",
        status_code=status(failure),
        failure=failure,
        predecessors=_options([each for each in people if each.name or each.employee_id in counts], counts),
        successors=_options([each for each in people if each.name and not each.is_dismissed(today)]),
        from_text="" if from_id is None else format_id(from_id),
        to_text="" if to_id is None else format_id(to_id),
        from_name=names.get(from_id, "") if from_id else "",
        to_name=names.get(to_id, "") if to_id else "",
        found=found,
        reason=text_of(request, "reason"),
        made=[_named(each, names) for each in made],
        zone=context.chain.timezone,
    )


@or_again(page)
def do(request: Request) -> Response:
    """POST `from`, `to`, `reason`."""
    context, actor = context_of(request), actor_of(request)
    _require(request)
    from_id, to_id, reason = _asked(request, "from"), _asked(request, "to"), text_of(request, "reason")
    if from_id is None or to_id is None:
        raise InvalidInput("Somebody was not chosen.", "Choose who hands over, and who takes over.")
    done = hand_over.hand_over_employee(context.change, context.ids, from_id, to_id, reason, actor)
    text = _("Handed over: clients %(clients)s, tasks %(tasks)s.", clients=done.clients, tasks=done.tasks)
    return see_other(request, PAGE, Notice(text, f"{PAGE}/undo", {"hand_over": format_id(done.hand_over_id)}))


@or_again(page)
def undo(request: Request) -> Response:
    """POST `hand_over`: everything that still stands where it was put goes back."""
    context, actor = context_of(request), actor_of(request)
    done = hand_over.take_back(context.change, context.ids, _id(request), actor)
    text = _("Given back: clients %(clients)s, tasks %(tasks)s.", clients=done.clients, tasks=done.tasks)
    return see_other(request, PAGE, Notice(text))


def end(request: Request) -> Response:
    """POST `hand_over`: late work follows no more."""
    context, actor, hand_over_id = context_of(request), actor_of(request), _id(request)
    context.change(lambda connection, now_us: hand_over.end_hand_over(connection, now_us, hand_over_id, actor))
    return see_other(request, PAGE, Notice(_("What arrives from now on stays where it is.")))


def _named(made: HandOver, names: dict[bytes, str]) -> tuple[str, str, str, HandOver]:
    return format_id(made.hand_over_id), names.get(made.from_id, "–"), names.get(made.to_id, "–"), made


def _options(people: list[Employee], counts: dict[bytes, int] | None = None) -> list[tuple[str, str]]:
    shown: list[tuple[str, str]] = [("", "–")]
    for each in sorted(people, key=lambda one: (sort_key(one.name or one.code), one.code)):
        name = f"{each.name or each.code} ({each.code})"
        count = counts.get(each.employee_id, 0) if counts is not None else None
        shown.append((format_id(each.employee_id), name if count is None else f"{name} · {count}"))
    return shown


def _asked(request: Request, name: str) -> bytes | None:
    text = text_of(request, name) or request.query_params.get(name, "")
    return parse_id(text) if is_id(text) else None


def _id(request: Request) -> bytes:
    _require(request)
    text = text_of(request, "hand_over")
    if not is_id(text):
        raise NotFound("There is no such hand-over.", "Choose one of the list.")
    return parse_id(text)


def _require(request: Request) -> None:
    for permission in hand_over.NEEDED:
        require(actor_of(request), permission)


ROUTES = (
    guarded(PAGE, page),
    guarded(PAGE, do, "POST"),
    guarded(f"{PAGE}/undo", undo, "POST"),
    guarded(f"{PAGE}/end", end, "POST"),
)
