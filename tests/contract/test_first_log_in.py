"""The first administrator's link and logging in at the head office, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from hq_server.operations import authentication
from hq_server.operations.backup import restore_backup, take_backup
from hq_server.operations.first_log_in import (
    first_log_in_path,
    found_administrator,
    is_first_log_in,
    issue_first_log_in,
)
from hq_server.operations.people import Personnel
from hq_server.operations.people_lists import list_employees
from hq_server.settings import Settings
from hq_server.storage.tables import first_log_in
from shared.domain.permissions import ROLES, Actor, Permission, require
from shared.errors import AlreadyExists, InvalidInput, LockedOut, LogInRefused, TokenRefused
from shared.operations.passwords import hash_password
from shared.storage.session_tables import session
from tests.support.office import Office
from tests.support.staff import CHEAP, PASSWORD, TODAY

SETTINGS = Settings(home=Path())


@pytest.fixture
def link(office: Office) -> str:
    with office.store.write() as connection:
        return issue_first_log_in(connection, office.ids, office.clock.now_us())


def found(office: Office, token: str, code: str = "root", password: str = PASSWORD) -> bytes:
    with office.store.write() as connection:
        return found_administrator(connection, office.ids, office.clock.now_us(), token, code, "Root", password, CHEAP)


def log_in(office: Office, code: str = "root", password: str = PASSWORD) -> str:
    return authentication.log_in(office.store, SETTINGS, office.clock, office.ids, code, password, CHEAP).token


def current(office: Office, token: str) -> Actor | None:
    return authentication.current_actor(office.store, SETTINGS, office.clock, token)


def test_a_link_makes_one_administrator_who_logs_in(office: Office, link: str) -> None:
    assert first_log_in_path(link) == f"/first?token={link}"
    identity = found(office, link)
    actor = current(office, log_in(office))
    assert actor is not None
    assert (actor.employee_id, actor.role) == (identity, "administrator")
    assert actor.permissions == ROLES["administrator"].permissions
    require(actor, Permission.EMPLOYEE_EDIT)
    with pytest.raises(TokenRefused):
        found(office, link, "second")
    with office.store.read() as connection:
        assert [row["code"] for row in list_employees(connection, TODAY, everybody=True)] == ["root"]


def test_the_store_keeps_only_the_link_s_hash(office: Office, link: str) -> None:
    (row,) = office.rows(select(first_log_in))
    assert len(row.token_hash) == 32
    assert link.encode() not in row.token_hash


@pytest.mark.parametrize("token", ["", "x", "A" * 43])
def test_another_link_makes_nobody(office: Office, link: str, token: str) -> None:
    with pytest.raises(TokenRefused):
        found(office, token)


def test_a_link_works_for_a_day(office: Office, link: str) -> None:
    office.clock.advance(86_399)
    with office.store.read() as connection:
        assert is_first_log_in(connection, link, office.clock.now_us())
    office.clock.advance(1)
    with pytest.raises(TokenRefused):
        found(office, link)


def test_a_refused_password_does_not_use_the_link_up(office: Office, link: str) -> None:
    with pytest.raises(InvalidInput):
        found(office, link, "root", "short")
    found(office, link)


def test_there_is_no_password_before_somebody_sets_one(office: Office, link: str) -> None:
    for code in ("root", "admin", "administrator", ""):
        with pytest.raises(LogInRefused):
            log_in(office, code, "")


def test_five_failures_lock_at_the_head_office_too(office: Office, link: str) -> None:
    found(office, link)
    for _ in range(5):
        with pytest.raises(LogInRefused):
            log_in(office, password="wrong")
    with pytest.raises(LockedOut):
        log_in(office)


def test_a_session_ends_with_the_password_the_day_and_the_door(office: Office, link: str) -> None:
    found(office, link)
    token, other = log_in(office), log_in(office)
    authentication.log_out(office.store, other)
    assert current(office, other) is None
    office.clock.advance(40_000)
    assert current(office, token) is not None
    office.clock.advance(43_199)
    assert current(office, token) is not None
    with office.store.write() as connection:
        people = Personnel(connection, office.ids, office.clock.now_us())
        people.set_password("root", hash_password("quite another phrase", b"s" * 16, CHEAP))
    assert current(office, token) is None
    assert office.count(session) == 0
    again = log_in(office, password="quite another phrase")
    with office.store.write() as connection:
        Personnel(connection, office.ids, office.clock.now_us()).dismiss("root")
    assert current(office, again) is None


def test_an_administrator_is_not_made_over_somebody(office: Office, link: str) -> None:
    found(office, link)
    with office.store.write() as connection:
        second = issue_first_log_in(connection, office.ids, office.clock.now_us())
    with pytest.raises(AlreadyExists):
        found(office, second)
    found(office, second, "other")


def test_a_restored_backup_brings_no_session_back(office: Office, link: str, tmp_path: Path) -> None:
    found(office, link)
    token = log_in(office)
    take_backup(office.store, tmp_path / "backup", office.clock, office.ids)
    authentication.log_out(office.store, token)
    restore_backup(office.store, tmp_path / "backup", office.clock, office.ids)
    assert current(office, token) is None
    assert current(office, log_in(office)) is not None
