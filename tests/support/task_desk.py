"""A branch with people who have tasks: a sales rep, a colleague, their manager; and what tests do with tasks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from branch_node.operations import tasks
from branch_node.operations.clients import add_client
from branch_node.operations.committing import Commit
from branch_node.operations.tasks import Changed, Task, read_task
from branch_node.settings import Settings
from branch_node.storage.store import BranchStore
from shared.domain.cards import Value
from shared.domain.permissions import Actor
from shared.domain.records import RecordKind
from shared.domain.repeating import parse_repeat
from shared.domain.tasks import due_at, due_on
from shared.operations.people import actor_on, find_employee
from tests.support.shop import Shop, change
from tests.support.staff import TODAY, Staff

ZONE = "Europe/Moscow"
TODAY_DATE = date(2026, 11, 23)
"""The first day of a FakeClock, in Moscow: a Monday."""


def day(number: int, minute: int | None = None) -> Any:
    """Due on that day of November 2026, at so many minutes after midnight or at any time."""
    wanted = date(2026, 11, number)
    return due_on(wanted, ZONE) if minute is None else due_at(wanted, minute, ZONE)


def actor_at(store: BranchStore, identity: bytes) -> Actor:
    """Somebody as the branch knows him today."""
    with store.read() as connection:
        person = find_employee(connection, identity)
        assert person is not None
        found = actor_on(connection, person, TODAY, store.node()[0].code)
    assert found is not None
    return found


def task_at(store: BranchStore, task_id: bytes) -> Task:
    """A task as the branch shows it."""
    with store.read_cursor() as cursor:
        return read_task(cursor, task_id, ZONE)


def given(title: str = "Call back", **fields: Any) -> dict[str, Any]:
    """What a new task says; `repeat` is a rule's text."""
    if isinstance(fields.get("repeat"), str):
        fields["repeat"] = parse_repeat(fields["repeat"])
    return {"title": title, **fields}


@dataclass
class TaskDesk:
    """Rita and Roman sell and report to Maria, who manages; Anna is at the till and reports to nobody."""

    shop: Shop
    home: Path
    people: dict[str, Actor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.staff = Staff(self.shop, Settings(home=self.home))
        for code, role in (("maria", "manager"), ("rita", "sales_rep"), ("roman", "sales_rep"), ("anna", "cashier")):
            self.staff.hire(code, role)
        for number, code in enumerate(("rita", "roman"), start=900):
            fields: dict[str, Value] = {"role_code": "sales_rep", "branches": ("*",), "valid_from": 1}
            fields |= {"employee_id": self.staff.identity(code), "reports_to": self.staff.identity("maria")}
            assert self.shop.learn(change(RecordKind.POSITION, b"%016d" % number, **fields)) == []
        self.people = {
            code: actor_at(self.store, self.staff.identity(code)) for code in ("maria", "rita", "roman", "anna")
        }

    @property
    def store(self) -> BranchStore:
        return self.shop.store

    @property
    def commit(self) -> Commit:
        return self.shop.processor.commit

    def actor(self, code: str) -> Actor:
        return self.people[code]

    def add(self, title: str = "Call back", who: str = "rita", **fields: Any) -> bytes:
        """A task of somebody; returns its id."""
        return tasks.add_task(self.commit, self.actor(who), given(title, **fields)).task_id

    def do(self, operation: Callable[..., Changed], task_id: bytes, *arguments: Any, who: str = "rita") -> Changed:
        """One operation on a task, as somebody."""
        return operation(self.commit, self.actor(who), task_id, *arguments)

    def undo(self, changed: Changed, who: str = "rita") -> None:
        """Takes it back."""
        assert changed.command_id is not None
        tasks.undo_command(self.commit, self.actor(who), changed.task_id, changed.command_id)

    def task(self, task_id: bytes) -> Task:
        return task_at(self.store, task_id)

    def client(self, name: str, owner: str | None = "rita", **fields: Value) -> bytes:
        """A client whom somebody looks after."""
        owned: dict[str, Value] = {"owner_id": self.staff.identity(owner)} if owner else {}
        with self.store.operation() as transaction:
            return add_client(transaction, {"name": name, **owned, **fields})
