"""Letters in tests: a client who may be written to, and what is written to him."""

from __future__ import annotations

from typing import Any

from branch_node.operations.committing import Commit, Prepare, Wanted, WantedEdit
from branch_node.operations.letters import write_letter
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


def editing(client_id: bytes, **changes: Value) -> Prepare:
    """An edit of a client's card, for `Processor.commit`."""
    return lambda _transaction: Wanted(edits=(WantedEdit(RecordKind.CLIENT, client_id, changes),))


def write(
    commit: Commit, client_id: bytes, letter_id: bytes, actor: Actor = LOCAL_ADMINISTRATOR, **changes: Any
) -> bool:
    """Writes a letter as somebody at a branch would."""
    return write_letter(commit, actor, client_id, letter_id, draft(**changes))
