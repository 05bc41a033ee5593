"""Cards that branches handed back after the head office had lost them: both sides, taken up or set aside."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations.proposal_lists import ProposedCard, list_decided, list_proposed
from hq_server.operations.proposals import accept_proposals, reject_proposals
from hq_server.operations.proposals_back import take_back_decision
from hq_server.storage.branches import all_branches, branch_by_code
from hq_server.web.context import context_of
from hq_server.web.forms import Failure, or_again, page_number, paging_of, status, texts_of
from hq_server.web.review_words import Telling, field_name, kind_name, tell
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.permissions import Permission, require
from shared.errors import InvalidInput
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import text_of
from shared.web.site import see_other
from shared.web.translations import gettext
from shared.web.translations import lazy_plural as plural

PAGE = "/proposals"
DECIDED = "decided"


def page(request: Request, failure: Failure | None = None) -> Response:
    """`/proposals?branch=&page=`, `/proposals?state=decided&page=`."""
    context, actor = context_of(request), actor_of(request)
    require(actor, Permission.RECORDS_REVIEW)
    if request.query_params.get("state") == DECIDED:
        return _decided(request, failure)
    branch = request.query_params.get("branch", "").strip()
    with context.store.read() as connection:
        found = list_proposed(connection, actor, branch, page_number(request))
        branches = [("", gettext("all branches")), *((row.code, row.name) for row in all_branches(connection))]
    telling = Telling(found.names, context.chain.timezone, context.chain.currency)
    return render(
        request,
        "proposals.html",
        status_code=status(failure),
        failure=failure,
        decided=False,
        rows=[(each, kind_name(each.kind), card_text(each), _fields(each, telling)) for each in found.page.rows],
        waiting=found.waiting,
        branch=branch,
        branches=branches,
        paging=paging_of(request, found.page),
        zone=context.chain.timezone,
    )


@or_again(page)
def decide(request: Request) -> Response:
    """POST `decision` accept or reject, of the ticked `card`s, or with `all` of every card of `branch`."""
    context, actor = context_of(request), actor_of(request)
    require(actor, Permission.RECORDS_REVIEW)
    code, every = text_of(request, "branch"), bool(text_of(request, "all"))
    cards = {_parse(text) for text in texts_of(request, "card")}
    if every and not code:
        raise InvalidInput("No branch was chosen.", "Choose a branch first.")
    if not every and not cards:
        raise InvalidInput("No card was chosen.", "Tick one or several first.")
    branch_id = None
    if every:
        with context.store.read() as connection:
            branch_id = branch_by_code(connection, code).id
    takes_up = text_of(request, "decision") == "accept"
    act = accept_proposals if takes_up else reject_proposals
    done = context.change(
        lambda connection, now_us: act(
            connection,
            context.ids,
            now_us,
            lambda row: row.branch_id == branch_id if every else (row.kind, row.card_id) in cards,
            actor,
        )
    )
    said = (
        plural("%(count)s card is taken up.", "%(count)s cards are taken up.", done.cards)
        if takes_up
        else plural("%(count)s card is set aside.", "%(count)s cards are set aside.", done.cards)
    )
    back = urlencode({"branch": code}) if code else ""
    undo = Notice(said, f"{PAGE}/back", {"command": done.command_id.hex()}) if done.cards else Notice(said)
    return see_other(request, f"{PAGE}?{back}" if back and not every else PAGE, undo)


@or_again(page)
def take_back(request: Request) -> Response:
    """POST `command`: what that act decided waits for a decision again."""
    context, actor = context_of(request), actor_of(request)
    require(actor, Permission.RECORDS_REVIEW)
    try:
        command_id = bytes.fromhex(text_of(request, "command"))
    except ValueError:
        raise InvalidInput("This names no decision.", "Open the list again and choose from it.") from None
    count = context.change(
        lambda connection, now_us: take_back_decision(connection, context.ids, now_us, actor, command_id)
    )
    said = plural("%(count)s card waits for a decision again.", "%(count)s cards wait for a decision again.", count)
    return see_other(request, PAGE, Notice(said))


def _decided(request: Request, failure: Failure | None) -> Response:
    context = context_of(request)
    with context.store.read() as connection:
        found = list_decided(connection, actor_of(request), page_number(request))
    return render(
        request,
        "proposals.html",
        status_code=status(failure),
        failure=failure,
        decided=True,
        acts=[(each, [(kind_name(card.kind), card.title) for card in each.cards]) for each in found.rows],
        paging=paging_of(request, found),
        zone=context.chain.timezone,
    )


def _fields(card: ProposedCard, telling: Telling) -> list[tuple[str, str, str]]:
    return [
        (
            field_name(card.kind, each.field),
            tell(card.kind, each.field, each.here, telling),
            tell(card.kind, each.field, each.proposed, telling),
        )
        for each in card.fields
    ]


def card_text(card: ProposedCard) -> str:
    """What a form sends of a card."""
    return f"{card.kind}.{card.card_id.hex()}"


def _parse(text: str) -> tuple[int, bytes]:
    kind, _, card_id = text.partition(".")
    try:
        return int(kind), bytes.fromhex(card_id)
    except ValueError:
        raise InvalidInput("This names no card.", "Open the list again and choose from it.") from None


ROUTES = (
    guarded(PAGE, page),
    guarded(f"{PAGE}/decide", decide, "POST"),
    guarded(f"{PAGE}/back", take_back, "POST"),
)
