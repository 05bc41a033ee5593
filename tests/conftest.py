"""Fixtures that every room of the tests may use."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from branch_node.storage.store import BranchStore
from deploy.demo import chain as demo_chain
from deploy.postgresql import UNSAFE_BUT_FAST, PostgresqlServer, running_postgresql
from hq_server.operations.founding import found_chain
from hq_server.storage.store import connect_store
from tests.support.clock import FakeClock, SeededIds
from tests.support.compiled_statements import share_compiled_statements
from tests.support.memory import keep_files_in_memory
from tests.support.office import Office
from tests.support.schemas import upgrade_hq, write_branch_schema, write_hq_schema
from tests.support.shop import enrolled_store
from tests.support.warm_programs import run_warm, start_warm

TEMPLATE = "template_schema"
_numbers = itertools.count(1)

keep_files_in_memory()
share_compiled_statements()
demo_chain.run_to_end = run_warm
demo_chain.start = start_warm


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ids(clock: FakeClock) -> SeededIds:
    return SeededIds(clock)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """A real PostgreSQL server for this test process, with a database that has the schema as a template."""
    with running_postgresql(UNSAFE_BUT_FAST) as server:
        upgrade_hq(server.create_database(TEMPLATE), Path())
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A head office's SQLite file that has the schema and nothing else."""
    path = tmp_path_factory.mktemp("template") / "hq.db"
    write_hq_schema(path)
    return path


@pytest.fixture(scope="session")
def branch_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A branch's SQLite file that has the schema and nothing else."""
    path = tmp_path_factory.mktemp("template") / "branch.db"
    write_branch_schema(path)
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of each kind in turn: its schema is there, its chain is not."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "hq.db")
        yield "sqlite:///hq.db"
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    name = f"test{next(_numbers)}"
    yield server.create_database(name, TEMPLATE)
    server.drop_database(name)


@pytest.fixture
def office(database_url: str, tmp_path: Path, clock: FakeClock, ids: SeededIds) -> Iterator[Office]:
    """A founded head office on SQLite and on PostgreSQL."""
    store = connect_store(database_url, tmp_path, clock)
    chain = found_chain(store, "Chain", "RUB", "Europe/Moscow", clock, ids)
    yield Office(store, clock, ids, chain)
    store.close()


@pytest.fixture
def branch_store(tmp_path: Path, branch_template: Path, clock: FakeClock, ids: SeededIds) -> Iterator[BranchStore]:
    """An enrolled branch, B7, that has never seen its head office."""
    store = enrolled_store(tmp_path, branch_template, clock, ids)
    yield store
    store.close()
