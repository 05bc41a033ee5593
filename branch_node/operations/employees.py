"""Employees as a branch knows them: a free code becomes a card on its first use."""

from __future__ import annotations

from branch_node.storage.transaction import BranchTransaction
from shared.domain.records import RecordKind
from shared.operations.cards import edit_card, merge_cards
from shared.operations.people import employee_id
from shared.wire.cards import encode_patch


def ensure_employee(transaction: BranchTransaction, code: str) -> bytes:
    """The employee's id; makes the card when the branch has none with that code."""
    known = transaction.known.known_employees.get(code)
    if known:
        return known
    row = transaction.cursor.execute("SELECT id FROM employee WHERE code = ? LIMIT 1", (code,)).fetchone()
    if row:
        # An employee is archived, never deleted: what is committed once, exists.
        transaction.learned_employees[code] = row[0]
        return bytes(row[0])
    identity = employee_id(transaction.node.chain_id, code)
    edit = edit_card(transaction.connection, RecordKind.EMPLOYEE, identity, {"code": code}, transaction.stamp)
    if edit:
        merge_cards(transaction.connection, [edit], transaction.now_us, None)
        transaction.record(RecordKind.EMPLOYEE, identity, encode_patch(edit.patches))
    return identity
