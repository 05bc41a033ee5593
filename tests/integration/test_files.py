"""Files of clients with real programs: carried beside the stream, and never in a sale's way."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.demo.chain import Branch
from shared.domain.attachments import CHUNK_BYTES, FILE_BYTES_MAX
from tests.support.chains import Chain
from tests.support.commands import branch as filial_branch
from tests.support.commands import require_refusal
from tests.support.deadlines import wait_until
from tests.support.files import bytes_of
from tests.support.tills import asked_line


@pytest.fixture
def other(chain: Chain) -> Iterator[Branch]:
    joined = chain.join()
    yield joined
    joined.kill()


def waiting(branch: Branch) -> int:
    found: int = branch.ask("sync", "status")["file_bytes_waiting"]
    return found


def parts_here(branch: Branch, client: str) -> list[tuple[int, int]]:
    rows: list[Any] = branch.ask("client", "files", client)["files"]
    return [(each["parts_here"], each["parts"]) for each in rows]


def test_a_file_goes_from_branch_to_branch_with_the_next_synchronisations(
    branch: Branch, other: Branch, tmp_path: Path
) -> None:
    client = f"c-{branch.code}"
    branch.run("client", "add", "--name", "Анна", "--external-id", client)
    document = tmp_path / "Договор.pdf"
    document.write_bytes(b"%PDF-" + bytes_of(2 * CHUNK_BYTES))
    file_id = branch.ask("client", "attach", client, str(document))["id"]
    assert waiting(branch) == document.stat().st_size
    branch.run("sync", "run")
    assert waiting(branch) == 0
    other.sell([asked_line("a", 70, client=client)])
    other.run("sync", "run")
    other.run("sync", "run")
    assert parts_here(other, client) == [(3, 3)]
    fetched = tmp_path / "fetched.pdf"
    other.run("client", "fetch", file_id, str(fetched))
    assert fetched.read_bytes() == document.read_bytes()
    require_refusal(filial_branch(other.home, "client", "fetch", file_id, fetched), "exists already")
    branch.run("client", "put-away", file_id)
    assert parts_here(branch, client) == []
    branch.run("client", "put-away", "--back", file_id)
    assert parts_here(branch, client) == [(3, 3)]


def test_servers_carry_a_file_of_the_largest_size_while_a_till_sells(
    branch: Branch, other: Branch, tmp_path: Path
) -> None:
    client = f"c-{branch.code}"
    branch.run("client", "add", "--name", "Boris", "--external-id", client)
    other.sell([asked_line("a", 70, client=client)])
    branch.run("sync", "run")
    other.run("sync", "run")
    other.serve()
    branch.serve()
    recording = tmp_path / "call.mp3"
    recording.write_bytes(b"ID3" + os.urandom(FILE_BYTES_MAX - 3))
    branch.ask("client", "attach", client, str(recording))
    wait_until(lambda: waiting(branch) < FILE_BYTES_MAX, "the file has begun to move")
    for number in range(5):
        branch.sell([asked_line(f"b{number}", 70)])
        wait_until(lambda: branch.ask("sync", "status")["waiting"] == 0, "the sale is at the head office")
    wait_until(lambda: waiting(branch) == 0, "the file is at the head office")
    wait_until(lambda: parts_here(other, client) == [(80, 80)], "the file is at the other branch", seconds_max=90)
