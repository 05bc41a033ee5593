"""Tasks that a store has before they are ordered are ordered as the program would."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from branch_node.storage import migrations
from branch_node.storage.store import BranchStore
from branch_node.storage.task_tables import TASK_INDEXES
from shared.domain.tasks import next_at_us
from shared.storage.sqlite_engine import SqliteStore
from tests.support.clock import FakeClock

CASES = [
    ("open", False, None, None),
    ("open", False, 50, None),
    ("waiting", False, None, 70),
    ("in_progress", False, 50, 70),
    (None, False, 70, 50),
    ("done", False, 50, None),
    ("cancelled", False, 50, 70),
    ("open", True, 50, None),
]


def migrate(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


@pytest.mark.parametrize(("state", "archived", "due", "snoozed"), CASES)
def test_a_task_of_before_asks_when_it_should(
    tmp_path: Path, state: str | None, archived: bool, due: int | None, snoozed: int | None
) -> None:
    store = SqliteStore(tmp_path / "branch.db", FakeClock())
    with store.write() as connection:
        migrate(connection, "0020")
        statement = text(
            "INSERT INTO task (id, state, archived, due_at, snoozed_until, due_has_time) "
            "VALUES (x'00', :state, :archived, :due, :snoozed, 1)"
        )
        connection.execute(statement, {"state": state, "archived": archived, "due": due, "snoozed": snoozed})
        migrate(connection, "head")
        assert connection.execute(text("SELECT next_at FROM task")).scalar_one() == next_at_us(
            state, archived, due, snoozed
        )
    store.close()


def test_lists_of_tasks_have_their_indexes(branch_store: BranchStore) -> None:
    with branch_store.read_cursor() as cursor:
        found = {row[0] for row in cursor.execute("SELECT name FROM sqlite_master WHERE tbl_name = 'task'").fetchall()}
    assert TASK_INDEXES.keys() <= found
