"""Watching the fleet from beginning to end: a look, a letter by a real mail server, a message to a real webhook."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hq_server.bootstrap import HeadOffice, fleet_watching, head_office
from hq_server.cli import commands
from hq_server.mail.alert_passes import WATCHING, WatchRoom, tell_waiting, watch_fleet, webhook_secret
from hq_server.operations.fleet_alerts import list_alerts
from hq_server.operations.fleet_checks import CheckKind, ask_check, is_any_waiting, list_checks
from hq_server.operations.fleet_messages import list_messages
from hq_server.operations.fleet_rules import DEFAULTS, save_alerts
from hq_server.operations.founding import found_chain
from hq_server.settings import Settings
from hq_server.storage.fleet_tables import fleet_sample, fleet_shift_audit
from hq_server.storage.mail_lock import alone_with_mail
from hq_server.storage.store import connect_store
from shared.cli.commands import GlobalOptions
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.errors import InvalidInput, Refused
from tests.support.clock import FakeClock, SeededIds
from tests.support.fleet import heard, pass_time, stand
from tests.support.mail_servers import smtp_server
from tests.support.office import Office
from tests.support.webhooks import listening

MINUTE_US = 60_000_000


@pytest.fixture
def office(tmp_path: Path, sqlite_template: Path) -> Iterator[Office]:
    shutil.copy(sqlite_template, tmp_path / "hq.db")
    (tmp_path / "hq.toml").write_text('database = "sqlite:///hq.db"\n')
    clock = FakeClock()
    ids = SeededIds(clock)
    store = connect_store("sqlite:///hq.db", tmp_path, clock)
    yield Office(store, clock, ids, found_chain(store, "Сеть", "RUB", "Europe/Moscow", clock, ids))
    store.close()


@pytest.fixture
def room(office: Office, tmp_path: Path) -> WatchRoom:
    return WatchRoom(Settings(home=tmp_path), office.store, office.clock, office.ids)


def tell(office: Office, recipients: str = "", url: str = "") -> None:
    with office.store.write() as connection:
        now_us = office.clock.now_us()
        save_alerts(connection, office.ids, now_us, LOCAL_ADMINISTRATOR, DEFAULTS, recipients, url, "ru")


def test_a_trouble_reaches_people_by_letter_and_programs_by_a_signed_message(office: Office, room: WatchRoom) -> None:
    journal = heard(office, "B1")
    with smtp_server() as post, listening() as listener:
        room = replace(
            room,
            settings=replace(
                room.settings, smtp_host="127.0.0.1", smtp_port=post.port, smtp_tls="none", mail_from="hq@shop.example"
            ),
        )
        tell(office, "it@shop.example", listener.url)
        stand(office, journal.branch_id, trouble="Two stores.")
        assert watch_fleet(room) == {"sampled": 1, "audited": 1, "events": 1}
        assert tell_waiting(room) == {"delivered": 2}
        assert tell_waiting(room) == {}
        pass_time(office, 5 * MINUTE_US)
        assert watch_fleet(room) == {"sampled": 1, "audited": 0, "events": 0}
        stand(office, journal.branch_id, trouble=None)
        for _ in range(4):
            watch_fleet(room)
            pass_time(office, 5 * MINUTE_US)
        assert tell_waiting(room) == {"delivered": 2}
    first, second = (took.letter for took in post.took)
    assert post.took[0].recipient == "it@shop.example"
    assert first.subject == "Сеть: 1 филиал требует внимания"
    assert "B1: на связь выходят две копии хранилища" in first.body
    assert second.subject == "Сеть: Всё снова в порядке"
    secret = webhook_secret(room.settings, room.ids)
    for got, said in zip(listener.got, ("raised", "cleared"), strict=True):
        moment, signed = got.headers["X-Filial-Signature"].split(",")
        wanted = hmac.new(secret, moment.removeprefix("t=").encode() + b"." + got.body, hashlib.sha256).hexdigest()
        assert signed == f"v1={wanted}"
        assert [each["event"] for each in json.loads(got.body)["events"]] == [said]
    with office.store.read() as connection:
        (listed,) = list_alerts(connection, LOCAL_ADMINISTRATOR)
    assert listed.alert.delivered_at_us is not None
    assert listed.alert.error is None
    assert (office.count(fleet_sample), office.count(fleet_shift_audit)) == (5, 1)


def test_without_a_mail_server_a_letter_waits_and_says_why(office: Office, room: WatchRoom) -> None:
    journal = heard(office, "B1")
    tell(office, "it@shop.example")
    stand(office, journal.branch_id, trouble="Two stores.")
    watch_fleet(room)
    assert tell_waiting(room) == {"failed": 1}
    with office.store.read() as connection:
        (message,) = list_messages(connection)
        (listed,) = list_alerts(connection, LOCAL_ADMINISTRATOR)
    assert (message.attempts, message.next_attempt_us) == (1, office.clock.now_us() + MINUTE_US)
    assert listed.alert.error == message.words
    assert message.words != ""


def test_one_letter_that_is_refused_does_not_hold_the_others(office: Office, room: WatchRoom) -> None:
    journal = heard(office, "B1")
    tell(office, "gone@shop.example it@shop.example")
    stand(office, journal.branch_id, trouble="Two stores.")
    with smtp_server() as post:
        post.on_rcpt = lambda address: "550 no such box" if address.startswith("gone") else "250 OK"
        settings = replace(
            room.settings, smtp_host="127.0.0.1", smtp_port=post.port, smtp_tls="none", mail_from="hq@shop.example"
        )
        room = replace(room, settings=settings)
        watch_fleet(room)
        assert tell_waiting(room) == {"failed": 1, "delivered": 1}
    with office.store.read() as connection:
        assert all(each.next_attempt_us is None for each in list_messages(connection))


def test_the_webhooks_secret_is_made_once_and_must_not_be_short(office: Office, room: WatchRoom) -> None:
    made = webhook_secret(room.settings, room.ids)
    path = room.settings.home / "webhook.secret"
    assert (len(made), path.stat().st_mode & 0o077) == (64, 0)
    assert webhook_secret(room.settings, room.ids) == made
    path.write_text("short\n")
    with pytest.raises(InvalidInput):
        webhook_secret(room.settings, room.ids)
    tell(office, "", "http://127.0.0.1:9/")
    stand(office, heard(office, "B1").branch_id, trouble="Two stores.")
    watch_fleet(room)
    assert tell_waiting(room) == {"failed": 1}


def test_one_process_watches_at_a_time(office: Office, room: WatchRoom) -> None:
    with alone_with_mail(office.store, room.settings.home, WATCHING), pytest.raises(Refused):
        watch_fleet(room)


def test_a_program_that_ends_tells_no_further_message(office: Office, room: WatchRoom) -> None:
    tell(office, "", "http://127.0.0.1:9/")
    stand(office, heard(office, "B1").branch_id, trouble="Two stores.")
    watch_fleet(replace(room, is_over=lambda: True))
    assert office.count(fleet_shift_audit) == 0
    assert tell_waiting(replace(room, is_over=lambda: True)) == {}


def run(home: Path, *arguments: str) -> Any:
    """What a command says as JSON."""
    options = GlobalOptions(json=True, home=home, debug=False)
    result = CliRunner().invoke(commands, [*arguments], obj=options, catch_exceptions=False, standalone_mode=False)
    return json.loads(result.output)


def test_the_same_by_command(office: Office, tmp_path: Path) -> None:
    journal = heard(office, "B1")
    stand(office, journal.branch_id, trouble="Two stores.")
    assert run(tmp_path, "fleet", "watch")["events"] == 0
    (listed,) = run(tmp_path, "fleet", "alerts")["alerts"]
    assert (listed["branch"], listed["kind"], listed["told_at"]) == ("B1", "quarantined", None)
    with office.store.write() as connection:
        ask_check(connection, office.ids, 1, LOCAL_ADMINISTRATOR, journal.branch_id, CheckKind.DEEP)
    assert run(tmp_path, "sync", "verify", "B1")["equal"]
    with head_office(tmp_path) as home:
        assert fleet_watching.run_checks(home) == 1
    with office.store.read() as connection:
        kinds = {each.kind for each in list_checks(connection, LOCAL_ADMINISTRATOR, journal.branch_id)}
    assert kinds == {CheckKind.DEEP, CheckKind.VERIFY}


def test_a_server_watches_tells_and_ends_when_it_is_told(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = threading.Event()
    counts = {"watched": 0, "told": 0}

    def watch(_room: WatchRoom) -> dict[str, int]:
        counts["watched"] += 1
        raise Refused("Another process does it.")

    def tell_them(_room: WatchRoom) -> dict[str, int]:
        counts["told"] += 1
        if counts["told"] == 1:
            raise InvalidInput("Nothing is right.")
        looked.set()
        return {"failed": 1}

    async def scene(home: HeadOffice) -> None:
        watching = asyncio.create_task(fleet_watching.watch_at_intervals(home))
        await asyncio.to_thread(looked.wait, 10)
        watching.cancel()
        await asyncio.wait([watching])
        assert watching.cancelled()

    monkeypatch.setattr(fleet_watching, "watch_fleet", watch)
    monkeypatch.setattr(fleet_watching, "tell_waiting", tell_them)
    monkeypatch.setattr(fleet_watching, "TELLING_SECONDS", 0.01)
    with head_office(tmp_path) as home:
        asyncio.run(scene(replace(home, settings=replace(home.settings, fleet_sample_minutes=0))))
    assert looked.is_set()
    assert counts["watched"] == 0


def test_a_server_runs_what_was_asked_for_in_a_process_of_its_own(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = heard(office, "B1")
    with office.store.write() as connection:
        ask_check(connection, office.ids, 1, LOCAL_ADMINISTRATOR, journal.branch_id, CheckKind.DEEP)
    monkeypatch.setattr(fleet_watching, "CHECKING_SECONDS", 0.05)

    async def scene(home: HeadOffice) -> None:
        checking = asyncio.create_task(fleet_watching.check_as_asked(home))
        async with asyncio.timeout(60):
            while await asyncio.to_thread(waits):
                await asyncio.sleep(0.05)
        checking.cancel()
        await asyncio.wait([checking])

    def waits() -> bool:
        with office.store.read() as connection:
            return any(
                each.finished_at_us is None for each in list_checks(connection, LOCAL_ADMINISTRATOR, journal.branch_id)
            )

    with head_office(tmp_path) as home:
        asyncio.run(scene(home))
    with office.store.read() as connection:
        assert not is_any_waiting(connection)
        assert list_checks(connection, LOCAL_ADMINISTRATOR, journal.branch_id)[0].state == "sound"
