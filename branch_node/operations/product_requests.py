"""Asking the head office about codes that no product has: what the till noted becomes cards in the journal."""

from __future__ import annotations

from typing import Any, Final

from branch_node.storage.transaction import BranchTransaction
from shared.domain.cards import Value
from shared.domain.product_requests import SETTLING_US, is_settled, product_request_id
from shared.domain.records import RecordKind
from shared.operations.cards import edit_card, merge_cards
from shared.wire.cards import encode_patch

REQUESTS_PER_TRANSACTION_MAX = 100
"""The rest goes with the next pass."""

_REQUEST_FIELDS: Final = (
    "code",
    "problem",
    "name",
    "amount_minor",
    "register",
    "times",
    "first_seen_at",
    "last_seen_at",
)
_ANSWERED = """
SELECT u.code, r.state, r.answered_at, u.last_seen_at
FROM unknown_code u JOIN product_request r ON r.code = u.code
WHERE u.request_state = 'requested' AND r.state IS NOT NULL
"""
# What a cashier said is told at once, that a code was scanned once more only when that is long after the last word.
_TO_SEND = f"""
SELECT {", ".join(f"u.{name}" for name in _REQUEST_FIELDS)}
FROM unknown_code u LEFT JOIN product_request r ON r.code = u.code
WHERE u.request_state = 'new' OR (u.request_state = 'requested' AND (r.code IS NULL OR u.name IS NOT r.name
    OR u.amount_minor IS NOT r.amount_minor OR u.last_seen_at > r.last_seen_at + {SETTLING_US}))
ORDER BY u.last_seen_at, u.code LIMIT ?
"""


def send_requests(transaction: BranchTransaction) -> int:
    """Closes requests that were answered, and journals those that are new or say something new; returns how many.

    Called with every pass of synchronisation's bookkeeping and when a shift closes, so that a branch that is only ever
    synchronised by files asks as well.
    """
    _close_answered(transaction.cursor)
    rows = transaction.cursor.execute(_TO_SEND, (REQUESTS_PER_TRANSACTION_MAX,)).fetchall()
    return sum(_send(transaction, dict(zip(_REQUEST_FIELDS, row, strict=True))) for row in rows)


def _send(transaction: BranchTransaction, fields: dict[str, Value]) -> bool:
    card_id = product_request_id(transaction.node.branch_id, str(fields["code"]))
    edit = edit_card(transaction.connection, RecordKind.PRODUCT_REQUEST, card_id, fields, transaction.stamp)
    if edit is not None:
        merge_cards(transaction.connection, [edit], transaction.now_us, None)
        transaction.record(RecordKind.PRODUCT_REQUEST, card_id, encode_patch(edit.patches))
    transaction.cursor.execute("UPDATE unknown_code SET request_state = 'requested' WHERE code = ?", (fields["code"],))
    return edit is not None


def _close_answered(cursor: Any) -> None:
    settled = [(code,) for code, *answer in cursor.execute(_ANSWERED).fetchall() if is_settled(*answer)]
    cursor.executemany("UPDATE unknown_code SET request_state = 'closed' WHERE code = ?", settled)
