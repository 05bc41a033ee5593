"""Scheduled reports, on both databases: each run once, late ones marked, failing ones tried a few times and shown."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from hq_server.mail import report_passes
from hq_server.mail.passes import MailRoom
from hq_server.mail.report_passes import deliver_due
from hq_server.operations import reporting
from hq_server.operations.mail_sending import Answer, Outcome
from hq_server.operations.report_runs import (
    ATTEMPTS_MAX,
    KEPT_DAYS,
    LEASE_MINUTES,
    DeliveryState,
    Run,
    RunState,
    begin_delivery,
    claim_next,
    list_runs,
    note_due,
    run_by_hand,
    runs_of,
)
from hq_server.operations.report_templates import Plan, archive_template, plan_template, save_template
from hq_server.settings import Settings
from hq_server.storage.report_tables import report_delivery, report_run
from shared.domain.mail_text import ReceivedLetter, parse_letter
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.errors import InvalidInput, MailServerFailed
from shared.reports.parameters import ReportAsk
from tests.support.clock import START_US
from tests.support.office import Office

BOSS, AUDITOR = "boss@shop.example", "auditor@shop.example"
HOUR, DAY = 3_600, 86_400
# It is 19:00 in Moscow when the tests begin.
PLAN = Plan("daily 20:00", ("csv",), (BOSS, AUDITOR))


class Post:
    """A mail server: what it took, and what it says of an address instead."""

    def __init__(self) -> None:
        self.took: list[tuple[str, ReceivedLetter]] = []
        self.says: dict[str, Outcome] = {}
        self.is_down = False
        self.is_open = True

    def deliver(self, recipient: str, data: bytes) -> Outcome:
        said = self.says.get(recipient, Outcome(Answer.TAKEN, "250 OK"))
        if said.answer is Answer.TAKEN:
            self.took.append((recipient, parse_letter(data)))
        return said

    @contextmanager
    def connect(self) -> Iterator[Post]:
        if self.is_down:
            raise MailServerFailed("The mail server does not let us send.", "Letters wait.")
        yield self

    @property
    def recipients(self) -> list[str]:
        return [address for address, _letter in self.took]


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def room(office: Office, tmp_path: Path) -> MailRoom:
    folder = tmp_path / "reports"
    folder.mkdir()
    settings = Settings(home=tmp_path, mail_from="shop@shop.example", report_folder=folder)
    return MailRoom(settings, office.store, office.clock, office.ids)


def planned(office: Office, plan: Plan = PLAN, name: str = "Продажи вчера", **ask: Any) -> bytes:
    asked = ReportAsk(by=("branch",), **(ask or {"period": "yesterday"}))
    with office.store.write() as connection:
        now_us = office.clock.now_us()
        saved = save_template(connection, office.ids, now_us, LOCAL_ADMINISTRATOR, name, "sales", asked)
        plan_template(connection, office.ids, now_us, LOCAL_ADMINISTRATOR, saved, plan)
    return saved


def deliver(room: MailRoom, post: Post) -> dict[str, int]:
    return {str(state): count for state, count in deliver_due(room, post.connect).items()}


def runs(office: Office, template_id: bytes) -> list[Run]:
    with office.store.read() as connection:
        return runs_of(connection, template_id)


def test_a_report_goes_out_at_its_time_and_once(office: Office, room: MailRoom, post: Post) -> None:
    saved = planned(office)
    assert deliver(room, post) == {}
    office.clock.advance(HOUR)
    assert deliver(room, post) == {"done": 1}
    assert deliver(room, post) == {}
    assert post.recipients == [AUDITOR, BOSS]
    (run,) = runs(office, saved)
    assert (run.state, run.late, run.attempts, run.due_at_us) == (RunState.DONE, False, 1, START_US + HOUR * 1_000_000)
    assert {each.state for each in run.deliveries} == {DeliveryState.DONE}
    office.clock.advance(DAY)
    assert deliver(room, post) == {"done": 1}
    assert len(post.took) == 4


def test_a_letter_says_what_it_is_of_and_how_complete_and_brings_the_file(
    office: Office, room: MailRoom, post: Post
) -> None:
    office.add_branch("B1")
    planned(office, PLAN._replace(formats=("csv", "pdf", "xlsx"), recipients=(BOSS,)))
    office.clock.advance(HOUR)
    deliver(room, post)
    ((_address, letter),) = post.took
    assert letter.subject == "Продажи вчера: 22.11.2026"
    assert "Филиалы с полными данными: 0 из 1; неполные: B1 (связи ещё не было)" in letter.body
    assert "Europe/Moscow" in letter.body
    stem = "Продажи-вчера_2026-11-23_2000"
    assert letter.attachments == (f"{stem}.csv", f"{stem}.pdf", f"{stem}.xlsx")
    assert letter.is_automatic


def test_what_was_due_before_the_schedule_was_made_is_not_run(office: Office, room: MailRoom, post: Post) -> None:
    planned(office, PLAN._replace(schedule="daily 18:00"))
    assert deliver(room, post) == {}


def test_after_a_standstill_the_latest_run_goes_out_once_and_says_that_it_is_late(
    office: Office, room: MailRoom, post: Post
) -> None:
    saved = planned(office)
    office.clock.advance(3 * DAY + 5 * HOUR)
    assert deliver(room, post) == {"done": 1}
    (run,) = runs(office, saved)
    assert run.late
    letter = post.took[0][1]
    # Yesterday is that of the day when it was due: 26 November, 20:00.
    assert letter.subject == "Продажи вчера: 25.11.2026"
    assert "должен был уйти 26.11.2026 20:00" in letter.body


def test_two_processes_share_no_run(office: Office) -> None:
    planned(office)
    office.clock.advance(HOUR)
    with office.store.write() as connection:
        note_due(connection, office.clock.now_us())
        note_due(connection, office.clock.now_us())
        first = claim_next(connection, office.ids, office.clock.now_us())
        assert first is not None
        assert claim_next(connection, office.ids, office.clock.now_us()) is None
    office.clock.advance(LEASE_MINUTES * 60 + 1)
    with office.store.write() as connection:
        second = claim_next(connection, office.ids, office.clock.now_us())
        assert second is not None
        # Whoever was slow has lost it, and delivers nothing any more.
        assert not begin_delivery(connection, office.clock.now_us(), first, BOSS)
        assert begin_delivery(connection, office.clock.now_us(), second, BOSS)


def test_many_processes_at_once_deliver_each_run_once(office: Office, room: MailRoom, post: Post) -> None:
    for number in range(8):
        planned(office, PLAN._replace(recipients=(BOSS,)), f"Отчёт {number}")
    office.clock.advance(HOUR)
    with ThreadPoolExecutor(4) as processes:
        counts = list(processes.map(lambda _number: deliver(room, post).get("done", 0), range(4)))
    assert sum(counts) == 8
    assert len({letter.subject for _address, letter in post.took}) == len(post.took) == 8


def test_a_letter_whose_sender_died_is_uncertain_and_not_sent_again(office: Office, room: MailRoom, post: Post) -> None:
    saved = planned(office)
    office.clock.advance(HOUR)
    with office.store.write() as connection:
        note_due(connection, office.clock.now_us())
        claim = claim_next(connection, office.ids, office.clock.now_us())
        assert claim is not None
        assert begin_delivery(connection, office.clock.now_us(), claim, BOSS)
    assert deliver(room, post) == {}
    office.clock.advance(LEASE_MINUTES * 60 + 1)
    assert deliver(room, post) == {"done": 1}
    assert post.recipients == [AUDITOR]
    (run,) = runs(office, saved)
    assert [(each.target, each.state) for each in run.deliveries] == [
        (AUDITOR, DeliveryState.DONE),
        (BOSS, DeliveryState.UNCERTAIN),
    ]
    assert BOSS in run.reason


def test_a_mail_server_that_is_down_is_tried_again_a_few_times_with_pauses(
    office: Office, room: MailRoom, post: Post
) -> None:
    saved = planned(office)
    office.clock.advance(HOUR)
    post.is_down = True
    assert deliver(room, post) == {"waiting": 1}
    assert deliver(room, post) == {}
    (run,) = runs(office, saved)
    assert (run.attempts, run.reason) == (1, "The mail server does not let us send.")
    for _attempt in range(ATTEMPTS_MAX - 1):
        office.clock.advance(3 * HOUR)
        deliver(room, post)
    (run,) = runs(office, saved)
    assert (run.state, run.attempts) == (RunState.FAILED, ATTEMPTS_MAX)
    assert "does not let us send" in run.reason


def test_only_those_who_have_not_got_it_are_written_to_again(office: Office, room: MailRoom, post: Post) -> None:
    saved = planned(office)
    office.clock.advance(HOUR)
    post.says[BOSS] = Outcome(Answer.PUT_OFF, "451 busy")
    assert deliver(room, post) == {"waiting": 1}
    post.says.clear()
    office.clock.advance(HOUR)
    assert deliver(room, post) == {"done": 1}
    assert post.recipients == [AUDITOR, BOSS]
    assert runs(office, saved)[0].attempts == 2


@pytest.mark.parametrize(
    ("answer", "state"), [(Answer.REJECTED, DeliveryState.FAILED), (Answer.NONE, DeliveryState.UNCERTAIN)]
)
def test_what_a_server_said_is_kept(
    office: Office, room: MailRoom, post: Post, answer: Answer, state: DeliveryState
) -> None:
    saved = planned(office, PLAN._replace(recipients=(BOSS,)))
    office.clock.advance(HOUR)
    post.says[BOSS] = Outcome(answer, "554 no")
    assert deliver(room, post) == {"failed": 1}
    (run,) = runs(office, saved)
    assert (run.deliveries[0].state, run.deliveries[0].words, run.reason) == (state, "554 no", f"{BOSS}: 554 no")


def test_a_report_waits_for_missing_branches_as_long_as_it_may(office: Office, room: MailRoom, post: Post) -> None:
    office.add_branch("B1")
    saved = planned(office, PLAN._replace(wait_hours=2))
    office.clock.advance(HOUR)
    assert deliver(room, post) == {"waiting": 1}
    (run,) = runs(office, saved)
    assert (run.attempts, run.completeness) == (
        0,
        "Филиалы с полными данными: 0 из 1; неполные: B1 (связи ещё не было)",
    )
    office.clock.advance(HOUR)
    assert deliver(room, post) == {"waiting": 1}
    office.clock.advance(HOUR)
    assert deliver(room, post) == {"done": 1}
    assert len(post.took) == 2


def test_a_report_of_which_nothing_is_missing_does_not_wait(office: Office, room: MailRoom, post: Post) -> None:
    planned(office, PLAN._replace(wait_hours=2))
    office.clock.advance(HOUR)
    assert deliver(room, post) == {"done": 1}


def test_a_report_that_cannot_be_made_says_why_and_keeps_no_other_back(
    office: Office, room: MailRoom, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = planned(office, name="Плохой"), planned(office, name="Хороший")

    def run_report(connection: Any, report: Any, ask: Any, *given: Any) -> Any:
        if not done:
            done.append(True)
            raise ZeroDivisionError
        return reporting.run_report(connection, report, ask, *given)

    done: list[bool] = []
    monkeypatch.setattr(report_passes, "run_report", run_report)
    office.clock.advance(HOUR)
    assert deliver(room, post) == {"waiting": 1, "done": 1}
    assert {run.reason for each in (bad, good) for run in runs(office, each)} == {"ZeroDivisionError: see the log", ""}


def test_a_run_that_ends_every_process_is_given_up(office: Office, room: MailRoom, post: Post) -> None:
    saved = planned(office)
    office.clock.advance(HOUR)
    for _attempt in range(ATTEMPTS_MAX):
        with office.store.write() as connection:
            note_due(connection, office.clock.now_us())
            assert claim_next(connection, office.ids, office.clock.now_us()) is not None
        office.clock.advance(LEASE_MINUTES * 60 + 1)
    assert deliver(room, post) == {}
    assert runs(office, saved)[0].state is RunState.FAILED


def test_a_template_that_is_put_away_is_not_run_until_it_is_back(office: Office, room: MailRoom, post: Post) -> None:
    saved = planned(office)
    for archived in (True, False):
        with office.store.write() as connection:
            archive_template(connection, office.ids, office.clock.now_us(), LOCAL_ADMINISTRATOR, saved, archived)
        office.clock.advance(DAY if archived else 2 * HOUR)
        assert deliver(room, post) == ({} if archived else {"done": 1})
        office.clock.set(START_US + DAY)


def test_a_report_is_delivered_by_hand_as_its_schedule_would(office: Office, room: MailRoom, post: Post) -> None:
    saved = planned(office)
    with office.store.write() as connection:
        run_by_hand(connection, office.clock.now_us(), LOCAL_ADMINISTRATOR, saved)
        bare = save_template(
            connection, office.ids, office.clock.now_us(), LOCAL_ADMINISTRATOR, "Без адреса", "sales", ReportAsk()
        )
        with pytest.raises(InvalidInput, match="says not where"):
            run_by_hand(connection, office.clock.now_us(), LOCAL_ADMINISTRATOR, bare)
    assert deliver(room, post) == {"done": 1}
    with office.store.read() as connection:
        ((template, run),) = list_runs(connection, LOCAL_ADMINISTRATOR)
    assert (template.name, run.by_hand) == ("Продажи вчера", True)


# The folder.


def test_a_report_is_put_into_the_folder_whole(office: Office, room: MailRoom, post: Post) -> None:
    saved = planned(office, Plan("daily 20:00", ("csv", "xlsx"), (), True), "../Продажи: “вчера”/все")
    office.clock.advance(HOUR)
    assert deliver(room, post) == {"done": 1}
    folder = room.settings.report_folder
    stem = "Продажи-вчера-все_2026-11-23_2000"
    assert sorted(each.name for each in folder.iterdir()) == [f"{stem}.csv", f"{stem}.xlsx"]
    assert (folder / f"{stem}.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert runs(office, saved)[0].deliveries[0].words == f"{stem}.csv, {stem}.xlsx"


def test_no_file_in_the_folder_is_written_over(office: Office, room: MailRoom, post: Post) -> None:
    folder, name = room.settings.report_folder, "Продажи-вчера_2026-11-23_2000"
    (folder / f"{name}.csv").write_text("mine")
    outside = room.settings.home / "outside"
    (folder / f"{name}_2.csv").symlink_to(outside)
    planned(office, Plan("daily 20:00", ("csv",), (), True))
    office.clock.advance(HOUR)
    assert deliver(room, post) == {"done": 1}
    assert (folder / f"{name}.csv").read_text() == "mine"
    assert (folder / f"{name}_3.csv").exists()
    assert not outside.exists()


def test_a_folder_that_is_not_there_is_said_and_tried_again(office: Office, room: MailRoom, post: Post) -> None:
    folder = room.settings.report_folder
    folder.rmdir()
    saved = planned(office, Plan("daily 20:00", ("csv",), (BOSS,), True))
    office.clock.advance(HOUR)
    assert deliver(room, post) == {"waiting": 1}
    assert "There is no folder" in runs(office, saved)[0].reason
    folder.mkdir()
    office.clock.advance(HOUR)
    assert deliver(room, post) == {"done": 1}
    assert (len(list(folder.iterdir())), post.recipients) == (1, [BOSS])


def test_old_runs_are_forgotten(office: Office, room: MailRoom, post: Post) -> None:
    saved = planned(office)
    office.clock.advance(HOUR)
    deliver(room, post)
    office.clock.advance(KEPT_DAYS * DAY + 1)
    deliver(room, post)
    assert [run.due_at_us for run in runs(office, saved)] == [START_US + (HOUR + KEPT_DAYS * DAY) * 1_000_000]
    with office.store.read() as connection:
        counts = [
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (report_run, report_delivery)
        ]
    assert counts == [1, 2]
