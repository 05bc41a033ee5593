"""Running seeds: one world each, its outcome and its trace's hash."""

from __future__ import annotations

import shutil
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from sqlalchemy import Engine, create_engine

from branch_node.operations import proposals
from branch_node.storage import pruning
from deploy.postgresql import UNSAFE_BUT_FAST, PostgresqlServer, running_postgresql
from hq_server.operations import carrying
from hq_server.storage import compaction
from hq_server.sync_server import gateway
from shared.storage import sqlite_engine
from shared.sync import hq_session
from tests.simulation.checkers import CHECKS
from tests.simulation.head_office import POSTGRESQL_TEMPLATE, Disk, PostgresqlDisk, SqliteDisk
from tests.simulation.healing import heal
from tests.simulation.world import OPERATIONS, Broken, World
from tests.support.schemas import upgrade_hq

POSTGRESQL_EVERY = 10
"""HQ runs on PostgreSQL in every seed that this divides, else on SQLite."""


_engines: list[Engine] = []


def _create_engine(*arguments: Any, **options: Any) -> Engine:
    """An engine that compiles no statement that another has compiled: a world opens some hundred stores."""
    engine = create_engine(*arguments, **options)
    if _engines:
        engine.dialect, engine._compiled_cache = _engines[0].dialect, _engines[0]._compiled_cache
    else:
        _engines.append(engine)
    return engine


@contextmanager
def _small_limits() -> Iterator[None]:
    """Batches of a few records: what takes several messages in a year takes several in two hundred operations too."""
    with (
        patch.object(sqlite_engine, "create_engine", _create_engine),
        patch.object(pruning, "KEPT_DAYS", -1),
        patch.object(hq_session, "FEED_BATCH_RECORDS_MAX", 3),
        patch.object(carrying, "FEED_BATCH_RECORDS_MAX", 3),
        patch.object(gateway, "HISTORY_BATCH_ENTRIES_MAX", 5),
        patch.object(proposals, "PROPOSALS_PER_MESSAGE_MAX", 4),
        patch.object(compaction, "COMPACTED_PER_TRANSACTION_MAX", 20),
    ):
        yield


class Outcome(NamedTuple):
    """One seed. `problem` is None when every promise held."""

    seed: int
    problem: str | None
    trace_hash: str
    steps: int
    where: str = ""


class Bench:
    """A folder for worlds, and the templates they are copied from."""

    def __init__(self, postgresql: Callable[[], PostgresqlServer] | None = None) -> None:
        """`postgresql` starts or finds a server, when the first seed needs one; one of the bench's own otherwise."""
        self.folder = Path(tempfile.mkdtemp(prefix="filial-sim-"))
        self._resources = ExitStack()
        self._find_postgresql = postgresql or self._start_postgresql
        self._postgresql: PostgresqlServer | None = None

    def close(self) -> None:
        self._resources.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(
        self, seed: int, ablation: AbstractContextManager[object] | None = None, operations: int = OPERATIONS
    ) -> Outcome:
        """Runs one seed, with a safeguard taken away if one is given."""
        folder = self.folder / f"seed{seed}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        problem, where = None, ""
        # Ablations are compared with each other, all on SQLite.
        on_postgresql = seed % POSTGRESQL_EVERY == 0 and ablation is None
        disk: Disk = self._postgresql_disk(seed) if on_postgresql else SqliteDisk(folder)
        world = World(seed, folder, disk, operations)
        try:
            with _small_limits(), ablation or nullcontext():
                world.run()
                heal(world)
                for check in CHECKS:
                    check(world)
        except Broken as broken:
            problem = str(broken)
        except Exception as error:  # noqa: BLE001 - whatever it is, the seed found it
            problem = f"{type(error).__name__}: {error}"
            where = traceback.format_exc()
        finally:
            world.close()
        return Outcome(seed, problem, world.trace.hexdigest(), world.steps, where)

    def _postgresql_disk(self, seed: int) -> PostgresqlDisk:
        if self._postgresql is None:
            self._postgresql = self._find_postgresql()
            upgrade_hq(self._postgresql.create_database(POSTGRESQL_TEMPLATE), self.folder)
            # The server may be shared, and outlive this bench.
            self._resources.callback(self._postgresql.drop_database, POSTGRESQL_TEMPLATE)
        return PostgresqlDisk(self._postgresql, f"seed{seed}")

    def _start_postgresql(self) -> PostgresqlServer:
        return self._resources.enter_context(running_postgresql(UNSAFE_BUT_FAST))
