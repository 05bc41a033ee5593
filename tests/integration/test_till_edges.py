"""A till's devices and questions across real processes: a fiscal device told once, a client of another branch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from branch_node.bootstrap import open_store
from branch_node.bootstrap.serving import Sellers
from branch_node.operations import client_search
from branch_node.settings import Settings
from branch_node.storage.fiscal_jobs import read_fiscal_state
from deploy.demo.chain import Branch
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.errors import Refused
from tests.support.chains import Chain
from tests.support.deadlines import wait_until
from tests.support.tills import asked_line


def test_a_fiscal_device_is_told_once_although_the_program_is_killed(
    branch: Branch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "fiscal.json"
    monkeypatch.setenv("FILIAL_FISCAL_DEVICE", f"simulator:{target}")
    settings = Settings(home=branch.home, fiscal_device=f"simulator:{target}")
    branch.serve()
    branch.sell([asked_line(f"k{number}") for number in range(20)])
    branch.kill()
    branch.sell([asked_line(f"m{number}") for number in range(3)])
    branch.serve()
    store = open_store(settings)

    def waits() -> int:
        with store.read_cursor() as cursor:
            return read_fiscal_state(cursor).waiting

    wait_until(lambda: waits() == 0, "the device to be told")
    with store.read_cursor() as cursor:
        counted = cursor.execute("SELECT COUNT(*), SUM(state = 'signed') FROM fiscal_job").fetchone()
    store.close()
    told: dict[str, Any] = json.loads(target.read_text())
    # A fiscal shift was opened, and 23 sales are in it.
    assert tuple(counted) == (24, 24)
    assert told["document"] == 24


def test_a_client_of_another_branch_is_found_named_and_then_known(chain: Chain, branch: Branch) -> None:
    other = chain.join()
    other.run("client", "add", "--name", "Борис Иванов", "--phone", "+7 912 000-98-76")
    other.run("sync", "run")
    settings = Settings(home=branch.home)
    store = open_store(settings)
    sellers = Sellers(settings, store)
    (found,) = client_search.find_in_chain(sellers.query, LOCAL_ADMINISTRATOR, "9876")
    assert (found.name, found.phone) == ("Б. Иван…", "•••9876")
    named = client_search.chain_client(sellers.query, LOCAL_ADMINISTRATOR, found.reference)
    sellers.close()
    store.close()
    assert branch.ask("client", "find", "9876")["clients"] == []
    branch.sell([asked_line("k1", client=named.reference)])
    branch.run("sync", "run")
    branch.run("sync", "run")
    assert [each["name"] for each in branch.ask("client", "find", "9876")["clients"]] == ["Борис Иванов"]


def test_without_the_head_office_the_till_is_told_so(own_chain: Chain) -> None:
    lonely = own_chain.join()
    own_chain.stop()
    settings = Settings(home=lonely.home)
    store = open_store(settings)
    sellers = Sellers(settings, store)
    with pytest.raises(Refused, match="does not answer"):
        client_search.find_in_chain(sellers.query, LOCAL_ADMINISTRATOR, "9876")
    sellers.close()
    store.close()
