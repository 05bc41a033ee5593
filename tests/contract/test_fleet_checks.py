"""Checks and acts of the fleet on both databases: what is asked for waits, runs, is kept; nobody without the right."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from hq_server.operations import fleet_acts
from hq_server.operations.authority import Authority
from hq_server.operations.fleet_checks import (
    CHECKS_KEPT_MAX,
    CheckKind,
    CheckState,
    Result,
    ask_check,
    count_checks,
    fail_lost,
    is_any_waiting,
    keep_result,
    list_checks,
    run_waiting,
)
from hq_server.operations.fleet_log import list_acts
from hq_server.storage.fleet_tables import fleet_verification
from hq_server.storage.lives import lives_of
from hq_server.storage.tables import journal_entry, record_counter
from shared.domain.identifiers import NIL_ID, format_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR, ROLES, Actor
from shared.errors import InvalidInput, NotFound, NotPermitted, Refused
from shared.wire.enrolment import decode_token
from tests.support.fleet import heard
from tests.support.office import Office

ADMINISTRATOR = LOCAL_ADMINISTRATOR
AUDITOR = Actor(b"a" * 16, "aud", "A", "auditor", ROLES["auditor"].permissions, ROLES["auditor"].limits)
CASHIER = Actor(b"c" * 16, "c", "C", "cashier", ROLES["cashier"].permissions, ROLES["cashier"].limits)


def ask(office: Office, kind: CheckKind, branch_id: bytes | None = None, actor: Actor = ADMINISTRATOR) -> int:
    with office.store.write() as connection:
        return ask_check(connection, office.ids, office.clock.now_us(), actor, branch_id, kind)


def states(office: Office, branch_id: bytes) -> list[tuple[str, str, int]]:
    with office.store.read() as connection:
        return [(each.kind, each.state, each.found) for each in list_checks(connection, AUDITOR, branch_id)]


def run(office: Office) -> int:
    return run_waiting(office.store, office.clock)


def test_an_auditor_has_all_branches_checked_one_after_the_other(office: Office) -> None:
    first, second = heard(office, "B1"), heard(office, "B2")
    assert ask(office, CheckKind.DEEP, actor=AUDITOR) == 3
    assert ask(office, CheckKind.DEEP, actor=AUDITOR) == 0
    with office.store.write() as connection:
        assert is_any_waiting(connection)
        assert count_checks(connection, AUDITOR).waiting == 3
        assert count_checks(connection, AUDITOR, first.branch_id).waiting == 1
        connection.execute(update(journal_entry).where(journal_entry.c.branch_id == second.branch_id).values(data=b""))
    assert run(office) == 3
    assert run(office) == 0
    assert states(office, first.branch_id) == [("deep", "sound", 0)]
    ((_, state, found),) = states(office, second.branch_id)
    assert (state, found > 0) == ("unsound", True)
    assert states(office, NIL_ID)[0][1] in ("sound", "unsound")


def test_a_repair_puts_right_what_differs_and_says_so(office: Office) -> None:
    journal = heard(office, "B1")
    with office.store.write() as connection:
        connection.execute(update(record_counter).values(records=99))
    ask(office, CheckKind.DEEP, journal.branch_id)
    run(office)
    ask(office, CheckKind.REPAIR, journal.branch_id)
    run(office)
    ask(office, CheckKind.DEEP, journal.branch_id)
    run(office)
    found = states(office, journal.branch_id)
    assert sorted(found) == sorted([("deep", "unsound", 1), ("repair", "sound", 1), ("deep", "sound", 0)])
    with office.store.read() as connection:
        assert [act.act for act in list_acts(connection, journal.branch_id)] == ["repair"]


def test_nobody_repairs_without_the_right_nor_all_at_once_nor_a_branch_that_is_none(office: Office) -> None:
    journal = heard(office, "B1")
    with pytest.raises(NotPermitted):
        ask(office, CheckKind.REPAIR, journal.branch_id, AUDITOR)
    with pytest.raises(NotPermitted):
        ask(office, CheckKind.VERIFY, journal.branch_id, CASHIER)
    with pytest.raises(Refused):
        ask(office, CheckKind.REPAIR)
    with pytest.raises(NotFound):
        ask(office, CheckKind.VERIFY, b"x" * 16)
    assert run(office) == 0


def test_a_check_whose_process_died_is_told_and_may_be_asked_for_again(office: Office) -> None:
    journal = heard(office, "B1")
    ask(office, CheckKind.VERIFY, journal.branch_id)
    with office.store.write() as connection:
        connection.execute(update(fleet_verification).values(state="running"))
        assert count_checks(connection, AUDITOR).running == 1
    with office.store.write() as connection:
        assert fail_lost(connection, office.clock.now_us()) == 1
    assert states(office, journal.branch_id) == [("verify", "failed", 0)]
    assert ask(office, CheckKind.VERIFY, journal.branch_id) == 1


def test_results_are_kept_but_not_for_ever(office: Office) -> None:
    journal = heard(office, "B1")
    for number in range(CHECKS_KEPT_MAX + 5):
        office.clock.advance(1)
        result = Result(CheckState.UNSOUND, ("s",) * number)
        with office.store.write() as connection:
            keep_result(
                connection,
                office.ids,
                office.clock.now_us(),
                ADMINISTRATOR,
                journal.branch_id,
                CheckKind.VERIFY,
                result,
            )
    kept = states(office, journal.branch_id)
    assert [found for _kind, _state, found in kept] == list(range(CHECKS_KEPT_MAX + 4, 4, -1))
    assert office.count(fleet_verification) == CHECKS_KEPT_MAX


def test_a_program_that_ends_begins_no_further_check(office: Office) -> None:
    heard(office, "B1")
    ask(office, CheckKind.VERIFY)
    assert run_waiting(office.store, office.clock, lambda: True) == 0


def test_tokens_heirs_and_revoking_are_written_down_without_their_secrets(office: Office) -> None:
    journal, authority = heard(office, "B1"), Authority.found("Chain")
    ids, now_us = office.ids, office.clock.now_us()
    with office.store.write() as connection:
        token = fleet_acts.new_token(connection, lambda: authority, ids, now_us, ADMINISTRATOR, journal.branch_id, 72)
        assert decode_token(token).secret
        (life,) = lives_of(connection, journal.branch_id)
        fleet_acts.choose_heir(connection, ids, now_us, ADMINISTRATOR, journal.branch_id, format_id(life.id))
        with pytest.raises(InvalidInput):
            fleet_acts.revoke(connection, ids, now_us, ADMINISTRATOR, journal.branch_id, "B2")
        assert fleet_acts.find_branch(connection, AUDITOR, journal.branch_id).revoked_at_us is None
        fleet_acts.revoke(connection, ids, now_us, ADMINISTRATOR, journal.branch_id, "B1")
        assert fleet_acts.find_branch(connection, AUDITOR, journal.branch_id).revoked_at_us == now_us
        acts = list_acts(connection, journal.branch_id)
    assert {act.act for act in acts} == {"token", "heir", "revoke"}
    assert token not in str(acts)


def test_every_act_asks_for_its_right(office: Office, tmp_path: Path) -> None:
    journal = heard(office, "B1")
    ids, branch_id = office.ids, journal.branch_id
    with office.store.write() as connection:

        def none_for_you() -> Authority:
            raise AssertionError("the key was read for somebody who may not use it")

        refused: list[Any] = [
            lambda: fleet_acts.new_token(connection, none_for_you, ids, 1, AUDITOR, branch_id, 72),
            lambda: fleet_acts.revoke(connection, ids, 1, AUDITOR, branch_id, "B1"),
            lambda: fleet_acts.choose_heir(connection, ids, 1, AUDITOR, branch_id, ""),
            lambda: fleet_acts.take_carried(office.store, none_for_you, office.clock, ids, AUDITOR, io.BytesIO()),
            lambda: fleet_acts.write_carried(office.store, none_for_you, office.clock, ids, AUDITOR, branch_id),
            lambda: fleet_acts.find_branch(connection, CASHIER, branch_id),
            lambda: fleet_acts.explain_record(connection, CASHIER, "x", "B1"),
            lambda: count_checks(connection, CASHIER),
        ]
        for act in refused:
            with pytest.raises(NotPermitted):
                act()


def test_a_file_for_a_branch_is_written_and_leaves_nothing_behind(office: Office) -> None:
    journal, authority = heard(office, "B1"), Authority.found("Chain")
    code, path = fleet_acts.write_carried(
        office.store, lambda: authority, office.clock, office.ids, ADMINISTRATOR, journal.branch_id
    )
    assert (code, path.stat().st_size > 0, path.parent.stat().st_mode & 0o077) == ("B1", True, 0)
    fleet_acts.remove_carried(path)
    assert not path.parent.exists()
    with pytest.raises(InvalidInput):
        fleet_acts.take_carried(
            office.store, lambda: authority, office.clock, office.ids, ADMINISTRATOR, io.BytesIO(b"no carry file")
        )
