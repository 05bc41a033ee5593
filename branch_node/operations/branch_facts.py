"""Recording the small facts of a branch's own life."""

from __future__ import annotations

from branch_node.storage.transaction import BranchTransaction
from shared.domain.branch_facts import KINDS, BranchFact, ModeSwitch
from shared.domain.business_time import local_moment
from shared.storage.fact_rows import add_branch_fact_rows, new_rows
from shared.wire.payloads import encode_branch_fact


def record_switch(transaction: BranchTransaction, mode: str, when_unreachable: str) -> bool:
    """Records that the branch processes otherwise from now on; false when it does not."""
    node = transaction.node
    if (node.mode.value, node.when_unreachable.value) == (mode, when_unreachable):
        return False
    moment = local_moment(transaction.now_us, node.timezone)
    record_branch_fact(transaction, ModeSwitch(mode, when_unreachable, moment))
    return True


def record_branch_fact(transaction: BranchTransaction, fact: BranchFact) -> bytes:
    """Writes a fact's rows and its record; returns its id."""
    fact_id = transaction.ids.new_id()
    rows = new_rows()
    add_branch_fact_rows(rows, transaction.node.branch_id, fact_id, transaction.command_id, fact, None)
    transaction.insert_all(rows)
    row_count = sum(map(len, rows.values()))
    transaction.record(KINDS[type(fact)], fact_id, encode_branch_fact(fact), row_count)
    return fact_id
