"""Letters in tests: a client who may be written to, and what is written to him."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from branch_node.operations.client_changes import BegunChange, WantedEdit, begin_change
from branch_node.operations.letters import Change, write_letter
from branch_node.storage.transaction import BranchTransaction
from shared.domain.cards import Value
from shared.domain.mail import Draft, MailPurpose
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor
from shared.domain.records import RecordKind

ADDRESS = "anna@example.org"
AGREED: dict[str, Value] = {
    "name": "Анна Петрова",
    "emails": (ADDRESS,),
    "consent_data": True,
    "consent_advertising": True,
}


def draft(**changes: Any) -> Draft:
    usual = Draft(MailPurpose.SERVICE, ADDRESS, "Ваш заказ", "Заказ готов.\nЖдём вас.")
    return usual._replace(**changes)


def editing(client_id: bytes, **changes: Value) -> Callable[[BranchTransaction], BegunChange]:
    """An edit of a client's card, for `Processor.change`."""
    return lambda transaction: begin_change(
        transaction, LOCAL_ADMINISTRATOR, [WantedEdit(RecordKind.CLIENT, client_id, changes)]
    )


def write(
    change: Change, client_id: bytes, letter_id: bytes, actor: Actor = LOCAL_ADMINISTRATOR, **changes: Any
) -> bool:
    """Writes a letter as somebody at a branch would."""
    return write_letter(change, actor, client_id, letter_id, draft(**changes))
