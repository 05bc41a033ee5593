"""What the branch's pages are given when the program starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

from starlette.requests import Request

from branch_node.operations.committing import Commit, Prepare
from branch_node.operations.refund_request import RefundRequest
from branch_node.operations.refunding import RefundAnswer, SoldBefore
from branch_node.operations.sale_request import SaleRequest
from branch_node.operations.selling import SaleAnswer
from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from branch_node.web.turns import Outside, Turn
from shared.clock import Clock
from shared.domain.card_payments import PaymentTerminal
from shared.errors import HqUnreachable, Refused
from shared.operations.passwords import PASSWORD_COST, HashCost
from shared.sync.central import Findings, Question


def _no_refund(_request: RefundRequest) -> RefundAnswer:
    raise Refused("These pages take nothing back.", "Use the command line.")


def _no_other_branch(_branch_code: str, _receipt: str) -> SoldBefore:
    raise Refused("These pages do not know other branches.", "Use the command line.")


def _no_head_office(_question: Question) -> Findings:
    raise HqUnreachable("The head office does not answer.", "Use the command line.")


def _no_commit(_prepare: Prepare) -> bytes | None:
    raise Refused("These pages record nothing of clients.", "Use the command line.")


@dataclass(frozen=True, slots=True)
class WebContext:
    """`read_status` says how the branch stands and raises FilialError when the store does not answer.

    `sell` commits one sale, here or at the head office, and may be called by several threads at once. `terminal` is the
    payment terminal, None when none is connected. `refund` and `find_sold` – what another branch sold, asked of the
    head office – are as `sell`. `sign` signs a Z-report, `sign_code` a receipt's square code; None without a key.
    `ask_head_office` waits for the answer, within a limit, and raises SyncError without one.
    `password_cost` is that of new passwords. `commit` records edits of cards and facts, and is as `sell`.
    """

    store: BranchStore
    settings: Settings
    read_status: Callable[[], dict[str, Any]]
    sell: Callable[[SaleRequest], SaleAnswer]
    terminal: PaymentTerminal | None = None
    refund: Callable[[RefundRequest], RefundAnswer] = _no_refund
    find_sold: Callable[[str, str], SoldBefore] = _no_other_branch
    sign: Callable[[bytes], bytes] | None = None
    sign_code: Callable[[str], str] | None = None
    ask_head_office: Callable[[Question], Findings] = _no_head_office
    password_cost: HashCost = PASSWORD_COST
    commit: Commit = _no_commit

    @property
    def clock(self) -> Clock:
        return self.store.clock


def context_of(request: Request) -> WebContext:
    """The context of the application that a request came to."""
    context: WebContext = request.app.state.context
    return context


def turn_of(request: Request) -> Turn:
    """The turn that requests of the till take."""
    turn: Turn = request.app.state.turn
    return turn


def waiting_outside(context: WebContext, turn: Turn) -> WebContext:
    """The same, where whatever waits for the head office or the terminal gives the turn away meanwhile."""
    return replace(
        context,
        sell=turn.outside(context.sell),
        refund=turn.outside(context.refund),
        find_sold=turn.outside(context.find_sold),
        ask_head_office=turn.outside(context.ask_head_office),
        commit=turn.outside(context.commit),
        terminal=None if context.terminal is None else cast(PaymentTerminal, Outside(turn, context.terminal)),
    )
