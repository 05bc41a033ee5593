"""Running seeds: one world each, its outcome and its trace's hash."""

from __future__ import annotations

import shutil
import tempfile
import traceback
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from branch_node.storage import pruning
from tests.simulation.checkers import CHECKS
from tests.simulation.places import Templates
from tests.simulation.world import OPERATIONS, Broken, World

MEMORY = Path("/dev/shm")


class Outcome(NamedTuple):
    """One seed. `problem` is None when every promise held."""

    seed: int
    problem: str | None
    trace_hash: str
    steps: int
    where: str = ""


class Bench:
    """A folder in memory for worlds, and the templates they are copied from."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="filial-sim-", dir=MEMORY if MEMORY.is_dir() else None))
        self.templates = Templates(self.folder)

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(
        self, seed: int, ablation: AbstractContextManager[object] | None = None, operations: int = OPERATIONS
    ) -> Outcome:
        """Runs one seed, with a safeguard taken away if one is given."""
        folder = self.folder / f"seed{seed}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        problem, where = None, ""
        world = World(seed, folder, self.templates, operations)
        try:
            with patch.object(pruning, "KEPT_DAYS", -1), ablation or nullcontext():
                world.run()
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
