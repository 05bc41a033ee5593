"""Doing operations the way this branch works at the moment: here, or through the head office."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NoReturn, Protocol, TypeVar

from branch_node.operations import refunding
from branch_node.operations.budgets import begin_spending, return_leases
from branch_node.operations.clients import want_changes, want_client
from branch_node.operations.committing import Prepare, commit_records
from branch_node.operations.exchanging import begin_exchange
from branch_node.operations.processing import Settled, commit_request, may_ask, settle
from branch_node.operations.product_requests import send_requests
from branch_node.operations.refund_request import RefundRequest
from branch_node.operations.refunding import RefundAnswer, SoldBefore, begin_refund
from branch_node.operations.sale_request import SaleRequest
from branch_node.operations.selling import SaleAnswer, answer_from_intent, begin_sale
from branch_node.storage.intents import Intent, doubt_intent, forgotten_intents
from branch_node.storage.store import BranchStore
from branch_node.storage.transaction import BranchTransaction
from shared.domain.cards import Value
from shared.domain.sales import parse_receipt
from shared.errors import HqUnreachable, InDoubt, NotFound, Refused, StaleEdit
from shared.operations.clients import resolve_client
from shared.sync.central import (
    GIVEN_UP,
    Answer,
    CommitRequest,
    Committed,
    Decision,
    Findings,
    NeverAsked,
    Question,
    Rejected,
    ResolveRequest,
    ShowReceipt,
)

DOUBTFUL_AFTER_US = 30_000_000
"""An intent as old as this is nobody's any more: who began it has given up, or died."""

RESOLVED_PER_ROUND_MAX = 200

AnswerT = TypeVar("AnswerT", SaleAnswer, RefundAnswer)


class Central(Protocol):
    """How the head office is asked."""

    def commit(self, request: CommitRequest) -> Answer: ...

    def resolve(self, request: ResolveRequest) -> Answer: ...

    def query(self, question: Question) -> Findings: ...

    def close(self) -> None: ...


class Processor:
    """Operations of one store. `connect` is called when the head office is first asked."""

    def __init__(self, store: BranchStore, connect: Callable[[], Central]) -> None:
        self._store = store
        self._connect = connect
        self._central: Central | None = None

    def sell(self, request: SaleRequest) -> SaleAnswer:
        """Sells, or exchanges when goods are returned, once for every key.

        Raises InvalidInput, KeyReused, Refused when HQ does not take the sale, HqUnreachable when this branch must not
        sell without HQ, InDoubt when HQ may have taken it: then the same key asks again.
        """
        return self._once(
            lambda transaction: (begin_exchange if request.returned else begin_sale)(transaction, request),
            lambda intent, settled: answer_from_intent(request, intent, settled),
        )

    def refund(self, request: RefundRequest) -> RefundAnswer:
        """Gives back, once for every key. A receipt of another branch is looked up at HQ, which commits the refund.

        Raises what `begin_refund` does, Refused, HqUnreachable, InDoubt.
        """
        sold = self._sold_elsewhere(request)
        return self._once(
            lambda transaction: (
                begin_refund(transaction, request)
                if sold is None
                else refunding.begin_refund_elsewhere(transaction, request, sold)
            ),
            lambda intent, settled: refunding.answer_from_intent(request, intent, settled),
        )

    def find_sold(self, branch_code: str, receipt: str) -> SoldBefore:
        """What another branch sold under a number, as HQ knows it. Raises InvalidInput, NotFound, HqUnreachable."""
        try:
            found = self._ask().query(ShowReceipt(branch_code, *parse_receipt(receipt)))
        except HqUnreachable as error:
            raise HqUnreachable(
                error.message, "Take the goods back without a receipt, if a manager allows it; or wait for the network."
            ) from error
        if not found.sales:
            raise NotFound(f"Branch {branch_code} has no receipt {receipt}.")
        return refunding.sold_elsewhere(found.sales[0])

    def query(self, question: Question) -> Findings:
        """What the head office knows of the whole chain. Raises HqUnreachable, and what it raises."""
        return self._ask().query(question)

    def _sold_elsewhere(self, request: RefundRequest) -> SoldBefore | None:
        """What another branch sold, as HQ knows it; None for one of this branch, and for a key that is known."""
        if request.branch is None or request.receipt is None:
            return None
        with self._store.operation() as transaction:
            if request.branch == transaction.node.code:
                return None
            if refunding.known_refund(transaction, request) is not None:
                return None
        return self.find_sold(request.branch, request.receipt)

    def _once(
        self,
        begin: Callable[[BranchTransaction], AnswerT | Intent],
        answer_of: Callable[[Intent, Settled], AnswerT],
    ) -> AnswerT:
        answer = self._attempt(begin, answer_of)
        if answer is None:
            # Somebody had given an earlier attempt up, and died before he could drop it: the key begins anew.
            answer = self._attempt(begin, answer_of)
        return answer if answer is not None else _given_up()

    def _attempt(
        self,
        begin: Callable[[BranchTransaction], AnswerT | Intent],
        answer_of: Callable[[Intent, Settled], AnswerT],
    ) -> AnswerT | None:
        """None when this attempt had been given up."""
        with self._store.operation() as transaction:
            begun = begin(transaction)
            # One that was begun before may have come in the middle of a failure that is known by now.
            if not isinstance(begun, Intent):
                return begun
            asks = not begun.in_doubt or may_ask(transaction)
            question = commit_request(transaction, begun) if asks else None
        settled, answer = self._process(begun, question)
        if isinstance(answer, Rejected) and answer.reason == GIVEN_UP:
            return None
        return answer_of(begun, _require_settled(settled, answer))

    def commit(self, prepare: Prepare) -> bytes | None:
        """Records edits of cards and facts in one entry: the command's id, None when everything was so already.

        Raises what `prepare` does, HqUnreachable, Refused – StaleEdit when HQ has values that were not seen – and
        InDoubt.
        """
        with self._store.operation() as transaction:
            begun = commit_records(transaction, prepare(transaction))
            question = _question(transaction, begun.intent)
        self._finish(begun.intent, question)
        return begun.command_id

    def add_client(self, fields: Mapping[str, Value]) -> bytes:
        """Makes a card; returns its id. Raises what `want_client` does, HqUnreachable, Refused, InDoubt."""
        client_id = self._store.ids.new_id()
        self.commit(lambda transaction: want_client(transaction, client_id, fields))
        return client_id

    def edit_client(self, reference: str, changes: Mapping[str, Value]) -> tuple[bytes, bool]:
        """Changes a card, named by id or external id; returns its id, and whether anything changed.

        Raises NotFound, what `want_changes` does, HqUnreachable, Refused – StaleEdit when HQ has values that were not
        seen – and InDoubt.
        """
        with self._store.read() as connection:
            client_id = resolve_client(connection, reference)
        return client_id, self.commit(lambda transaction: want_changes(transaction, client_id, changes)) is not None

    def spend(self, owner: str, amount: int) -> None:
        """Spends from a budget: out of leases here, or with HQ's leave. Raises Refused, HqUnreachable, InDoubt."""
        with self._store.operation() as transaction:
            intent = begin_spending(transaction, owner, amount)
            question = _question(transaction, intent)
        self._finish(intent, question)

    def look_after(self) -> None:
        """What nobody waits for: requests about unknown codes, operations in doubt, leases that have ended."""
        # First, since it needs no answer: the head office may be out of reach.
        with self._store.operation() as transaction:
            send_requests(transaction)
        self.resolve_doubts()
        with self._store.operation() as transaction:
            return_leases(transaction)

    def _finish(self, intent: Intent | None, question: CommitRequest | None) -> None:
        if intent is not None:
            _require_settled(*self._process(intent, question))

    def close(self) -> None:
        """Gives the connection back."""
        if self._central is not None:
            self._central.close()
            self._central = None

    def resolve_doubts(self) -> int:
        """Asks what became of intents that nobody waits for any more; returns how many are settled."""
        now_us = self._store.clock.now_us()
        with self._store.read_cursor() as cursor:
            left = forgotten_intents(cursor, DOUBTFUL_AFTER_US, now_us, RESOLVED_PER_ROUND_MAX)
        settled = 0
        for intent in left:
            answer = self._ask().resolve(ResolveRequest(intent.command_id))
            with self._store.operation() as transaction:
                # Whoever began it may have died after the question left.
                doubt_intent(transaction.cursor, intent.command_id)
                decision = settle(transaction, intent, answer).decision
            if decision is Decision.KEEP:
                break
            settled += 1
        return settled

    def _process(self, intent: Intent, question: CommitRequest | None) -> tuple[Settled, Answer]:
        """Asks HQ, unless it is known not to answer at present, and acts on the answer."""
        answer: Answer = NeverAsked("The head office cannot be reached.", "It is asked again in a moment.")
        if question is not None:
            answer = self._ask().commit(question)
        with self._store.operation() as transaction:
            return settle(transaction, intent, answer), answer

    def _ask(self) -> Central:
        if self._central is None:
            self._central = self._connect()
        return self._central


def _question(transaction: BranchTransaction, intent: Intent | None) -> CommitRequest | None:
    return None if intent is None else commit_request(transaction, intent)


def _require_settled(settled: Settled, answer: Answer) -> Settled:
    """Raises Refused, StaleEdit, InDoubt when the operation is not journaled."""
    if settled.decision in (Decision.VOID, Decision.KEEP):
        raise _refusal(settled.decision, answer)
    return settled


def _given_up() -> NoReturn:
    raise Refused("The operation was given up.", "Try again.")


def _refusal(decision: Decision, answer: Answer) -> Refused | InDoubt:
    explanation, hint = ("", "") if isinstance(answer, Committed) else (answer.explanation, answer.hint)
    if decision is Decision.KEEP:
        return InDoubt(f"It is not known whether the head office has taken it: {explanation}", "Ask with the same key.")
    if isinstance(answer, Rejected) and answer.stale:
        return StaleEdit(explanation, hint)
    return Refused(explanation or "The operation was given up.", hint)
