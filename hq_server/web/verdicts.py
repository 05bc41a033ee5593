"""What an auditor makes of findings, taken back too; and both sides of what came back of a sale."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations.refund_cases import read_case
from hq_server.operations.verdicts import (
    FINDINGS,
    JUDGING,
    Verdict,
    give_verdict,
    parse_subject,
    standing_verdicts,
    take_back_verdict,
)
from hq_server.web.context import context_of
from hq_server.web.forms import id_of_path
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.permissions import require
from shared.errors import InvalidInput
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import form_of, text_of
from shared.web.site import see_other
from shared.web.translations import lazy_plural as plural

PAGE = "/audit"
BACK_CHARACTERS_MAX = 500


def case(request: Request) -> Response:
    """`/audit/refunds/ID`: the sale of that id, and every refund of it."""
    context, actor = context_of(request), actor_of(request)
    with context.store.read() as connection:
        found = read_case(connection, actor, id_of_path(request))
        given = standing_verdicts(connection, [each.subject for each in found.over])
    return render(
        request,
        "audit_case.html",
        case=found,
        over_lines={each.line for each in found.over},
        given=given,
        may_judge=all(actor.may(permission) for permission in JUDGING),
        back=request.url.path,
        zone=context.chain.timezone,
    )


def judge(request: Request) -> Response:
    """POST `subject` of each that was ticked, `verdict`, `note`."""
    context, actor = context_of(request), actor_of(request)
    for permission in JUDGING:
        require(actor, permission)
    # Not split at commas: a subject may hold one.
    subjects = [parse_subject(text) for text in form_of(request).getlist("subject") if isinstance(text, str)]
    said, note = text_of(request, "verdict"), text_of(request, "note")
    if said not in FINDINGS:
        raise InvalidInput("A finding is in order, or it is to be followed up.")
    command_id = context.change(
        lambda connection, now_us: give_verdict(connection, context.ids, now_us, actor, subjects, Verdict(said), note)
    )
    text = (
        plural("%(count)s finding is in order.", "%(count)s findings are in order.", len(subjects))
        if said == Verdict.IN_ORDER
        else plural(
            "%(count)s finding is to be followed up.", "%(count)s findings are to be followed up.", len(subjects)
        )
    )
    back = _back(request)
    return see_other(request, back, Notice(text, f"{PAGE}/verdicts/back", {"command": command_id.hex(), "back": back}))


def take_back(request: Request) -> Response:
    """POST `command`: what that act said of findings is taken back."""
    context, actor = context_of(request), actor_of(request)
    for permission in JUDGING:
        require(actor, permission)
    try:
        command_id = bytes.fromhex(text_of(request, "command"))
    except ValueError:
        raise InvalidInput("This names no verdict.", "Open the list again and choose from it.") from None
    count = context.change(lambda connection, now_us: take_back_verdict(connection, now_us, actor, command_id))
    text = plural("Taken back, of %(count)s finding.", "Taken back, of %(count)s findings.", count)
    return see_other(request, _back(request), Notice(text))


def _back(request: Request) -> str:
    """The list that was judged; nowhere else."""
    text = text_of(request, "back")[:BACK_CHARACTERS_MAX]
    return text if text.startswith(f"{PAGE}/") else f"{PAGE}/shifts"


ROUTES = (
    guarded("/audit/refunds/{id}", case),
    guarded("/audit/verdicts", judge, "POST"),
    guarded("/audit/verdicts/back", take_back, "POST"),
)
