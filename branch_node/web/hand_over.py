"""Handing clients over at a branch, taking it back, and substitutes for some days."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from branch_node.operations import hand_over, substituting
from branch_node.operations.hand_over import HandedOver, HandOverMade, Person
from branch_node.web.context import context_of
from branch_node.web.leave import failure_of, status_with
from branch_node.web.people import guarded, signed_in
from shared.domain.business_time import date_from_days, days_from_date, parse_date
from shared.domain.identifiers import format_id, is_id, parse_id
from shared.domain.masking import mask_name
from shared.domain.permissions import Permission
from shared.domain.text_folding import sort_key
from shared.errors import FilialError, InvalidInput, NotFound, NotPermitted
from shared.operations.people import day_in_zone
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import form_of, text_of
from shared.web.site import see_other
from shared.web.translations import lazy_text as _

PAGE = "/hand-over"
TASK_COMMANDS_MAX = 20
"""Operations that moved tasks of no client, of which the undo bar can tell."""


def page(request: Request, error: FilialError | None = None) -> Response:
    """`/hand-over?from=&to=&client=`: who hands over to whom, what would go over, and substitutes."""
    context, actor = context_of(request), signed_in(request)
    found = hand_over.people(context.store, actor)
    from_id, to_id, chosen = _asked_id(request, "from"), _asked_id(request, "to"), _chosen(request)
    if from_id is None and len(chosen) == 1:
        from_id = hand_over.owner_of(context.store, actor, chosen[0])
    preview = None if from_id is None else hand_over.preview(context.store, actor, from_id, chosen)
    today = day_in_zone(context.clock.now_us(), context.store.node()[0].timezone)
    names = {each.employee.employee_id: each.employee.name or each.employee.code for each in found}
    in_full = actor.may(Permission.CLIENT_CONTACTS)
    return render(
        request,
        "hand_over.html",
        status_code=status_with(error),
        failure=failure_of(error),
        predecessors=_options(found, with_clients=True),
        successors=_options([each for each in found if not each.is_dismissed]),
        from_text="" if from_id is None else format_id(from_id),
        to_text="" if to_id is None else format_id(to_id),
        from_name=names.get(from_id, "") if from_id else "",
        to_name=names.get(to_id, "") if to_id else "",
        preview=preview,
        shown=[(format_id(each.client_id), each.name if in_full else mask_name(each.name)) for each in _shown(preview)],
        chosen={format_id(each) for each in chosen},
        places=_places(request, preview),
        reason=text_of(request, "reason"),
        made=_made(request, names),
        zone=context.store.node()[0].timezone,
        substitutes=_substitutes(request, names),
        day_of=date_from_days,
        today=date_from_days(today).isoformat(),
    )


def do(request: Request) -> Response:
    """POST `from`, `to`, `client` (each ticked one), `reason`."""
    context, actor = context_of(request), signed_in(request)
    from_id, to_id, chosen = _asked_id(request, "from"), _asked_id(request, "to"), _chosen(request)
    try:
        if from_id is None or to_id is None:
            raise InvalidInput("Somebody was not chosen.", "Choose who hands over, and who takes over.")
        done = hand_over.hand_over(
            context.store, context.commit, actor, from_id, to_id, chosen or None, text_of(request, "reason")
        )
    except (NotPermitted, NotFound):
        raise
    except FilialError as error:
        return page(request, error)
    if not done.clients and not done.tasks:
        return see_other(request, PAGE, Notice(_("Nothing was to be handed over.")))
    text = _("Handed over: clients %(clients)s, tasks %(tasks)s.", clients=done.clients, tasks=done.tasks)
    return see_other(request, PAGE, Notice(text, f"{PAGE}/undo", _undo_fields(done, from_id, to_id)))


def undo(request: Request) -> Response:
    """POST `hand_over`, `from`, `to`, `commands`: what still stands where it was put goes back."""
    context, actor = context_of(request), signed_in(request)
    from_id, to_id = _asked_id(request, "from"), _asked_id(request, "to")
    parties = [(from_id, to_id)] if from_id and to_id else []
    commands = [parse_id(text) for text in text_of(request, "commands").split(",") if is_id(text)]
    try:
        done = hand_over.take_back(
            context.store, context.commit, actor, _id(text_of(request, "hand_over")), parties, commands
        )
    except (NotPermitted, NotFound):
        raise
    except FilialError as error:
        return page(request, error)
    text = _("Given back: clients %(clients)s, tasks %(tasks)s.", clients=done.clients, tasks=done.tasks)
    return see_other(request, PAGE, Notice(text))


def substitute(request: Request) -> Response:
    """POST `employee`, `substitute`, `first`, `last`, `reason`."""
    context, actor = context_of(request), signed_in(request)
    try:
        days = _day(request, "first"), _day(request, "last")
        employee, other = _id(text_of(request, "employee")), _id(text_of(request, "substitute"))
        identity = substituting.substitute(
            context.store, context.commit, actor, employee, other, days, text_of(request, "reason")
        )
    except NotPermitted:
        raise
    except FilialError as error:
        return page(request, error)
    notice = Notice(_("The substitution is noted."), f"{PAGE}/substitutes/end", {"substitution": format_id(identity)})
    return see_other(request, PAGE, notice)


def end_substitute(request: Request) -> Response:
    """POST `substitution`; with `again` it holds once more."""
    context, actor = context_of(request), signed_in(request)
    text, again = text_of(request, "substitution"), bool(text_of(request, "again"))
    substituting.end_substitution(context.commit, actor, _id(text), not again)
    if again:
        return see_other(request, PAGE, Notice(_("The substitution holds again.")))
    fields = {"substitution": text, "again": "yes"}
    return see_other(request, PAGE, Notice(_("The substitution is ended."), f"{PAGE}/substitutes/end", fields))


def _substitutes(request: Request, names: dict[bytes, str]) -> list[tuple[Any, ...]]:
    found = substituting.substitutions(context_of(request).store, signed_in(request))
    shown = []
    for each in found:
        who, whom = names.get(each.employee_id, "–"), names.get(each.substitute_id, "–")
        shown.append((format_id(each.substitution_id), who, whom, each))
    return shown


def _made(request: Request, names: dict[bytes, str]) -> list[tuple[str, str, str, HandOverMade]]:
    found = hand_over.made_here(context_of(request).store, signed_in(request))
    return [
        (format_id(each.hand_over_id), names.get(each.from_id or b"", "–"), names.get(each.to_id or b"", "–"), each)
        for each in found
    ]


def _undo_fields(done: HandedOver, from_id: bytes, to_id: bytes) -> dict[str, str]:
    return {
        "hand_over": format_id(done.hand_over_id),
        "from": format_id(from_id),
        "to": format_id(to_id),
        "commands": ",".join(format_id(each) for each in done.task_commands[:TASK_COMMANDS_MAX]),
    }


def _options(found: list[Person], with_clients: bool = False) -> list[tuple[str, str]]:
    shown = sorted(found, key=lambda each: (sort_key(each.employee.name or each.employee.code), each.employee.code))
    options = []
    for each in shown:
        name = each.employee.name or each.employee.code
        options.append((format_id(each.employee.employee_id), f"{name} · {each.clients}" if with_clients else name))
    return [("", "–"), *options]


def _shown(preview: Any) -> Any:
    if preview is None:
        return ()
    known = {each.client_id for each in preview.clients}
    return (*(each for each in preview.chosen if each.client_id not in known), *preview.clients)


def _places(request: Request, preview: Any) -> list[tuple[str, int]]:
    """Where the tasks are due: this branch by its code, the others together."""
    if preview is None:
        return []
    node = context_of(request).store.node()[0]
    counts = preview.looked_after.tasks_by_branch
    here = sum(count for branch_id, count in counts.items() if branch_id in (None, node.branch_id))
    elsewhere = sum(counts.values()) - here
    shown = [(node.code, here), (str(_("other branches")), elsewhere)]
    return [(name, count) for name, count in shown if count]


def _chosen(request: Request) -> list[bytes]:
    values = form_of(request).getlist("client") or request.query_params.getlist("client")
    return [parse_id(text) for text in values if isinstance(text, str) and is_id(text)]


def _asked_id(request: Request, name: str) -> bytes | None:
    text = text_of(request, name) or request.query_params.get(name, "")
    return parse_id(text) if is_id(text) else None


def _id(text: str) -> bytes:
    if not is_id(text):
        raise NotFound("There is no such entry.", "Choose one of the list.")
    return parse_id(text)


def _day(request: Request, name: str) -> int:
    return days_from_date(parse_date(text_of(request, name), str(_("The day"))))


ROUTES = (
    guarded(PAGE, page, Permission.CLIENT_TRANSFER, of_one_moment=True),
    guarded(PAGE, do, Permission.CLIENT_TRANSFER, methods=["POST"]),
    guarded(f"{PAGE}/undo", undo, Permission.CLIENT_TRANSFER, methods=["POST"]),
    guarded(f"{PAGE}/substitutes", substitute, Permission.CLIENT_TRANSFER, methods=["POST"]),
    guarded(f"{PAGE}/substitutes/end", end_substitute, Permission.CLIENT_TRANSFER, methods=["POST"]),
)
