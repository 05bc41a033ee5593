"""The two halves of an operation that HQ is asked to commit: before the question, and after the answer.

`begin` stores the finished operation as an intent, or commits it here when that is how this branch works at the moment;
`settle` acts on the answer in one transaction. Between the two no lock is held, and the process may die at any point:
the same key, or whoever looks after what is in doubt, goes on from the intent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from branch_node.operations.branch_facts import record_branch_fact
from branch_node.operations.card_charges import pay_back_key, use_charges_found
from branch_node.operations.receipt_printing import queue_exchange, queue_refund, queue_sale
from branch_node.storage import intents
from branch_node.storage.intents import Intent
from branch_node.storage.transaction import BranchTransaction
from shared.domain.branch_facts import BudgetSpend, ReceiptVoid
from shared.domain.business_time import local_moment
from shared.domain.records import Record
from shared.errors import DecodeError, HqUnreachable
from shared.operations.cards import CardEdit, CardReceived, merge_cards
from shared.operations.record_check import rows_of
from shared.sync.card_merge import Stamp
from shared.sync.central import Answer, CommitRequest, Committed, Decision, NoAnswer, NotNow, Rejected, decide
from shared.sync.messages import ProcessingMode, WhenUnreachable
from shared.wire.cards import decode_state
from shared.wire.decoding import DecodedEntry, decode_entry
from shared.wire.entries import open_entry

ASKING_US = 5_000_000
"""While one process finds out whether HQ is back, the others do not wait for it."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of an intent. `entry` is its number in the journal when it is journaled; `decoded` what it says, when
    that was looked at."""

    decision: Decision
    entry: int | None = None
    confirmed: bool = False
    decoded: DecodedEntry | None = None


def is_asked_of_hq(transaction: BranchTransaction) -> bool:
    """Whether HQ is to be asked now; otherwise the operation is committed here.

    Raises HqUnreachable when the branch must not go on without an answer, and none can be had at present.
    """
    node = transaction.node
    if node.mode is not ProcessingMode.CENTRALIZED:
        return False
    known = intents.read_break(transaction.cursor)
    if not known.failures:
        return True
    if transaction.now_us >= known.not_before_us:
        # One asks; if it finds HQ, all do.
        until = transaction.now_us + ASKING_US
        transaction.cursor.execute("UPDATE sync_state SET not_before = ?", (until,))
        return True
    if node.when_unreachable is WhenUnreachable.FALL_BACK:
        return False
    seconds = -(-(known.not_before_us - transaction.now_us) // 1_000_000)
    raise HqUnreachable(
        "The head office cannot be reached, and this branch must not go on without it.",
        f"It is asked again in {seconds} s. `filial-hq branch set-mode` can let this branch go on without it.",
    )


def begin(
    transaction: BranchTransaction,
    records: Sequence[Record],
    command_id: bytes,
    key: str | None = None,
    register: str | None = None,
    receipt_number: int | None = None,
) -> Intent:
    """Stores an operation before HQ is asked to commit it."""
    data = transaction.intend(command_id, records)
    intent = Intent(command_id, key, register, receipt_number, transaction.now_us, False, data)
    intents.add_intent(transaction.cursor, intent)
    return intent


def commit_request(transaction: BranchTransaction, intent: Intent) -> CommitRequest:
    """What HQ is asked: for which store, and as of the last session that it took part in."""
    last_fence = transaction.cursor.execute("SELECT last_fence FROM sync_state").fetchone()[0]
    return CommitRequest(transaction.chain.incarnation, last_fence, intent.data)


def may_ask(transaction: BranchTransaction) -> bool:
    """Whether it is time to ask HQ about an intent again."""
    known = intents.read_break(transaction.cursor)
    return not known.failures or transaction.now_us >= known.not_before_us


def settle(transaction: BranchTransaction, intent: Intent, answer: Answer) -> Settled:
    """Acts on HQ's answer, or on the lack of one. What another process has settled meanwhile stays so."""
    cursor = transaction.cursor
    if isinstance(answer, Committed | Rejected | NotNow):
        intents.note_answer(cursor)
    elif may_ask(transaction) or isinstance(answer, NoAnswer):
        intents.note_failure(cursor, transaction.now_us)
    current = intents.read_intent(cursor, intent.command_id)
    if current is None:
        return _settled_elsewhere(transaction, intent, answer)
    needs_leave = not isinstance(answer, Committed | Rejected) and _needs_leave(current)
    decision = decide(answer, transaction.node.when_unreachable, current.in_doubt, needs_leave)
    match decision:
        case Decision.CONFIRM | Decision.FALL_BACK:
            return _journal(transaction, current, decision)
        case Decision.VOID:
            _void(transaction, current)
            if isinstance(answer, Rejected):
                _learn(transaction, answer)
        case Decision.KEEP if isinstance(answer, NoAnswer):
            intents.doubt_intent(cursor, intent.command_id)
    return Settled(decision)


def _spendings(intent: Intent) -> list[BudgetSpend]:
    facts = decode_entry(open_entry(intent.data)).branch_facts
    return [fact for _, fact in facts if isinstance(fact, BudgetSpend)]


def _needs_leave(intent: Intent) -> bool:
    """Whether HQ alone may allow it: spending without a lease, giving back what another branch sold."""
    entry = decode_entry(open_entry(intent.data))
    spends = any(isinstance(fact, BudgetSpend) and fact.lease_id is None for _, fact in entry.branch_facts)
    return spends or any(fact.sale_branch_id is not None for _, fact in entry.refunds)


def _journal(transaction: BranchTransaction, intent: Intent, decision: Decision) -> Settled:
    confirmed = decision is Decision.CONFIRM
    intents.drop_intent(transaction.cursor, intent.command_id)
    entry = decode_entry(open_entry(intent.data))
    transaction.journal_intended(intent.data, confirmed, _apply(transaction, entry))
    if intent.key is not None:
        transaction.cursor.execute(
            "UPDATE idempotency_key SET seq = ?, confirmed = ? WHERE key = ?", (transaction.seq, confirmed, intent.key)
        )
    _follow(transaction, intent.key, entry)
    return Settled(decision, transaction.seq, confirmed, entry)


def _follow(transaction: BranchTransaction, key: str | None, entry: DecodedEntry) -> None:
    """What a sale, a refund or both in an exchange bring once they are journaled: charges are used, paper is queued."""
    is_exchange = bool(entry.sales and entry.refunds)
    for sale_id, sale in entry.sales:
        use_charges_found(transaction.cursor, key, sale.payments, sale.currency, sale_id, transaction.now_us)
        if not is_exchange:
            queue_sale(transaction, sale_id, sale)
    back_key = pay_back_key(key) if is_exchange and key is not None else key
    for refund_id, refund in entry.refunds:
        use_charges_found(transaction.cursor, back_key, refund.payments, refund.currency, refund_id, transaction.now_us)
        if not is_exchange:
            queue_refund(transaction, refund_id, refund)
    if is_exchange:
        queue_exchange(transaction, entry.sales[0], entry.refunds[0])


def _apply(transaction: BranchTransaction, entry: DecodedEntry) -> int:
    """Writes what an intent says; returns how many rows of facts and cards that is."""
    header = entry.opened.header
    branch_id = transaction.node.branch_id
    rows = rows_of(branch_id, entry, None)
    transaction.insert_all(rows)
    stamp = Stamp(header.hlc_epoch, header.hlc, header.command_id, header.author, branch_id)
    edits = [CardEdit(kind, card_id, stamp, patches) for kind, card_id, patches in entry.patches]
    if edits:
        merge_cards(transaction.connection, edits, transaction.now_us, None)
    return sum(map(len, rows.values())) + len(edits)


def _void(transaction: BranchTransaction, intent: Intent) -> None:
    cursor = transaction.cursor
    intents.drop_intent(cursor, intent.command_id)
    for spent in _spendings(intent):
        cursor.execute("UPDATE lease SET spent = spent - ? WHERE lease_id = ?", (spent.amount, spent.lease_id))
    if intent.key is not None:
        cursor.execute("DELETE FROM idempotency_key WHERE key = ? AND seq = 0", (intent.key,))
    if intent.receipt_number is None:
        return
    entry = decode_entry(open_entry(intent.data))
    # The two of an exchange, the later first: it was taken last.
    numbers = {sale.receipt_number for _, sale in entry.sales} | {back.receipt_number for _, back in entry.refunds}
    for number in sorted(numbers or {intent.receipt_number}, reverse=True):
        _give_number_back(transaction, intent.register or "", number)


def _give_number_back(transaction: BranchTransaction, register: str, number: int) -> None:
    """The number is the next one again; or void, when others were given since."""
    given_back = transaction.cursor.execute(
        "UPDATE register SET last_receipt_number = last_receipt_number - 1 WHERE code = ? AND last_receipt_number = ?",
        (register, number),
    )
    if given_back.rowcount == 0:
        moment = local_moment(transaction.now_us, transaction.node.timezone)
        record_branch_fact(transaction, ReceiptVoid(register, number, moment, "not_committed"))


def _learn(transaction: BranchTransaction, rejected: Rejected) -> None:
    """Takes the cards that HQ has and this edit had not seen: the feed brings them too, but later."""
    arrivals = []
    for card in rejected.stale:
        try:
            arrivals.append(CardReceived(card.kind, card.card_id, decode_state(card.state), card.state))
        except DecodeError:
            continue
    if arrivals:
        merge_cards(transaction.connection, arrivals, transaction.now_us, None)


def _settled_elsewhere(transaction: BranchTransaction, intent: Intent, answer: Answer) -> Settled:
    """Whoever looked after it, or the history that HQ gave back, has acted on the same outcome."""
    if intent.key is None:
        return Settled(Decision.CONFIRM if isinstance(answer, Committed) else Decision.VOID)
    row = transaction.cursor.execute(
        "SELECT seq, confirmed FROM idempotency_key WHERE key = ? AND command_id = ? AND seq > 0",
        (intent.key, intent.command_id),
    ).fetchone()
    if row is None:
        return Settled(Decision.VOID)
    return Settled(Decision.CONFIRM if row[1] else Decision.FALL_BACK, row[0], bool(row[1]))
