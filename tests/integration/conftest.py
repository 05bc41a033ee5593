"""Fixtures of the integration tests: founded chains, served or not, on SQLite and on PostgreSQL."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.demo.chain import Branch, HeadOffice
from deploy.postgresql import PostgresqlServer
from tests.support.chains import Chain, found_copy

FOUNDED = "template_founded"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a head office that was founded and never served: to be copied, not used."""
    return HeadOffice.found(tmp_path_factory.mktemp("founded") / "hq").home


@pytest.fixture(scope="session")
def chain(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """A served chain that tests share: each brings branches of its own, and leaves the head office alone."""
    shared_chain = found_copy(founded, tmp_path_factory.mktemp("chain"))
    shared_chain.serve()
    yield shared_chain
    shared_chain.stop()


@pytest.fixture
def branch(chain: Chain) -> Iterator[Branch]:
    """A new branch of the shared chain."""
    joined = chain.join()
    yield joined
    joined.kill()


@pytest.fixture
def own_chain(founded: Path, tmp_path: Path) -> Iterator[Chain]:
    """A served chain of the test's own, on SQLite."""
    chain = found_copy(founded, tmp_path)
    chain.serve()
    yield chain
    chain.stop()


@pytest.fixture(scope="session")
def founded_on_postgresql(postgresql: PostgresqlServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same on PostgreSQL; its database is a template."""
    url = postgresql.create_database(FOUNDED)
    return HeadOffice.found(tmp_path_factory.mktemp("founded") / "hq", "--database", url).home


@pytest.fixture
def postgresql_chain(postgresql: PostgresqlServer, founded_on_postgresql: Path, tmp_path: Path) -> Iterator[Chain]:
    """A founded chain of the test's own on PostgreSQL, not yet served."""
    name = f"integration{next(_numbers)}"
    url = postgresql.create_database(name, FOUNDED)
    chain = found_copy(founded_on_postgresql, tmp_path)
    (chain.office.home / "hq.toml").write_text(f'database = "{url}"\n')
    yield chain
    chain.stop()
    postgresql.drop_database(name)
