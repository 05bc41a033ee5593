"""Migrations and tables in code agree, and a schema of another release is met with a clear word."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from branch_node.storage import migrations as branch_migrations
from branch_node.storage.store import BranchStore
from deploy.schemas import PROGRAMS, schema_path, schema_text
from hq_server.storage import migrations as hq_migrations
from hq_server.storage.store import open_store
from shared.errors import StoreMissing, StoreVersionUnknown
from shared.storage.migrating import take_steps
from shared.storage.sqlite_engine import SqliteStore
from tests.support.clock import FakeClock, SeededIds
from tests.support.office import Office


def test_a_branch_store_has_exactly_the_tables_in_code(branch_store: BranchStore) -> None:
    with branch_store.read() as connection:
        assert branch_migrations.differences(connection) == []


def test_a_head_office_store_has_exactly_the_tables_in_code(office: Office) -> None:
    with office.store.read() as connection:
        assert hq_migrations.differences(connection) == []


@pytest.mark.parametrize("migrations", [branch_migrations, hq_migrations])
def test_the_head_in_code_is_the_newest_step(migrations: object) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))  # type: ignore[attr-defined]
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_current_head() == migrations.HEAD  # type: ignore[attr-defined]
    assert {step.revision for step in scripts.walk_revisions()} == migrations.KNOWN  # type: ignore[attr-defined]


@pytest.mark.parametrize("migrations", PROGRAMS)
def test_a_new_store_begins_with_what_all_steps_make(migrations: ModuleType) -> None:
    assert schema_path(migrations).read_text(encoding="utf-8") == schema_text(migrations), "python -m deploy.schemas"


def _made(path: Path, make: Callable[[Connection], None]) -> list[tuple[str, ...]]:
    store = SqliteStore(path, FakeClock())
    with store.write() as connection:
        make(connection)
    with store.read_cursor() as cursor:
        rows = cursor.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name").fetchall()
    store.close()
    return [(*row[:3], " ".join((row[3] or "").split())) for row in rows]


@pytest.mark.parametrize("migrations", PROGRAMS)
def test_a_new_store_is_the_same_as_one_that_took_all_steps(migrations: ModuleType, tmp_path: Path) -> None:
    def take_all(connection: Connection) -> None:
        take_steps(connection, schema_path(migrations).parent)

    new, old = (_made(tmp_path / f"{make.__name__}.db", make) for make in (migrations.upgrade, take_all))
    assert new == old


@pytest.mark.parametrize("program", ["branch_node", "hq_server"])
def test_steps_say_whether_they_come_before_or_after_the_code(program: str) -> None:
    folder = Path(__file__).parents[2] / program / "storage" / "migrations" / "versions"
    names = [path.stem for path in folder.glob("*.py")]
    assert names
    assert all(name[5:].startswith(("pre_", "post_")) for name in names)


# Stores exist that have taken these steps: whatever comes later is a step of its own.
TAKEN = {
    "branch_node/0001_pre_initial": "96ecf1ddc23cc8bc",
    "branch_node/0002_pre_recognition": "c125e7485345a00d",
    "branch_node/0003_pre_pruning": "e8429fbccd028ff7",
    "hq_server/0001_pre_initial": "2c9a36e56162c786",
    "hq_server/0002_pre_recognition": "5cecdbcdc5b2c286",
    "hq_server/0003_pre_issued_fences": "8234a6d8382275f2",
}


@pytest.mark.parametrize("step", sorted(TAKEN))
def test_a_step_that_stores_have_taken_never_changes(step: str) -> None:
    program, _, name = step.partition("/")
    path = Path(__file__).parents[2] / program / "storage" / "migrations" / "versions" / f"{name}.py"
    assert hashlib.sha256(path.read_bytes()).hexdigest()[:16] == TAKEN[step]


def test_a_store_of_the_step_before_comes_up_with_its_history(tmp_path: Path, clock: FakeClock) -> None:
    store = SqliteStore(tmp_path / "branch.db", clock)
    with store.write() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(branch_migrations.__file__).parent))
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.execute(text("INSERT INTO history_entry VALUES (x'01', 1, x'02', x'03')"))
    with store.write() as connection:
        branch_migrations.upgrade(connection)
        assert branch_migrations.differences(connection) == []
        assert connection.execute(text("SELECT seq, held_at_hq FROM history_entry")).all() == [(1, 1)]
    store.close()


def test_prices_of_the_step_before_stay_and_raise_the_revision_from_now_on(tmp_path: Path, clock: FakeClock) -> None:
    store = SqliteStore(tmp_path / "branch.db", clock)
    with store.write() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(branch_migrations.__file__).parent))
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")
        connection.execute(text("INSERT INTO product (id, sku, archived) VALUES (x'02', '1', 0)"))
        connection.execute(
            text("INSERT INTO price (id, product_id, zone, amount_minor, archived) VALUES (x'01', x'02', '', 5, 0)")
        )
        branch_migrations.upgrade(connection)
        shown = text("SELECT amount_minor, valid_from, valid_to, vat_code, weighed FROM price, product")
        assert connection.execute(shown).all() == [(5, None, None, None, 0)]
        raising = text("SELECT tbl_name FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%raises_revision'")
        watched = set(connection.execute(raising).scalars())
        assert watched == {"product", "client", "price", "promotion", "vat_rate", "loyalty_program"}
    store.close()


def test_a_branch_store_of_a_newer_release_is_not_touched(tmp_path: Path, clock: FakeClock, ids: SeededIds) -> None:
    path = tmp_path / "branch.db"
    bare = SqliteStore(path, clock)
    with bare.write() as connection:
        branch_migrations.upgrade(connection)
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    bare.close()
    with pytest.raises(StoreVersionUnknown):
        BranchStore(path, clock, ids)


def test_an_empty_database_holds_no_head_office(tmp_path: Path, clock: FakeClock) -> None:
    with pytest.raises(StoreMissing):
        open_store("sqlite:///hq.db", tmp_path, clock)
