"""People across real processes: hired at the head office, logged in at a branch, out within seconds of a dismissal."""

from __future__ import annotations

import time

import pytest

from branch_node.bootstrap import open_store
from branch_node.operations.authentication import current_actor, log_in
from branch_node.operations.staff import list_staff
from branch_node.settings import Settings
from deploy.demo.chain import Branch
from shared.errors import LogInRefused
from tests.support.chains import Chain
from tests.support.commands import hq as filial_hq
from tests.support.commands import require_done
from tests.support.deadlines import wait_until
from tests.support.tills import asked_line

PASSWORD = "correct horse battery"
DISMISSED_SECONDS_MAX = 5


def hire(chain: Chain, code: str, branch: Branch, role: str = "cashier") -> None:
    placed = ("--name", code.title(), "--role", role, "--branch", branch.code, "--password", "-")
    require_done(filial_hq(chain.office.home, "employee", "add", code, *placed, give=f"{PASSWORD}\n"))


def test_a_dismissal_at_the_head_office_ends_a_session_at_a_branch_within_seconds(chain: Chain, branch: Branch) -> None:
    hire(chain, "zoe", branch)
    branch.serve()
    settings = Settings(home=branch.home)
    store = open_store(settings)

    def entered() -> str | None:
        try:
            return log_in(store, settings, "zoe", PASSWORD).token
        except LogInRefused:
            return None

    wait_until(lambda: list_staff(store), "the branch to learn of zoe")
    token = wait_until(entered, "zoe to log in")
    actor = current_actor(store, settings, token)
    assert actor is not None
    assert actor.role == "cashier"
    require_done(filial_hq(chain.office.home, "employee", "dismiss", "zoe"))
    began = time.monotonic()
    wait_until(lambda: current_actor(store, settings, token) is None, "the session to end", DISMISSED_SECONDS_MAX)
    assert time.monotonic() - began < DISMISSED_SECONDS_MAX
    with pytest.raises(LogInRefused):
        log_in(store, settings, "zoe", PASSWORD)
    (sold,) = branch.sell([asked_line("after", cashier="zoe")])
    assert sold["status"] == "committed"
    chain.wait_for_sales(branch.code, 1)
    acts = filial_hq(chain.office.home, "employee", "audit", "--json").document()["acts"]
    assert [(act["employee"], act["acts"], act["reason"]) for act in acts if act["branch"] == branch.code] == [
        ("zoe", 1, "after dismissal")
    ]
    store.close()
