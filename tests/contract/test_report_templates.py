"""Templates of reports, on both databases: who sees them, who changes them, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from hq_server.operations import report_templates
from hq_server.operations.card_changes import Noun, OfficeEdit, Subject, read_changes, take_back
from hq_server.operations.people import Personnel, Placement
from hq_server.operations.report_runs import owner_of
from hq_server.operations.report_templates import (
    Plan,
    archive_template,
    change_ask,
    change_template,
    find_by_name,
    find_template,
    list_templates,
    plan_template,
    save_template,
)
from hq_server.storage.feed import number_feed
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor
from shared.domain.records import RecordKind
from shared.errors import InvalidInput, NotFound, NotPermitted
from shared.operations.people import actor_on, day_in_zone, find_employee
from shared.reports.asks import ask_document
from shared.reports.parameters import ReportAsk
from shared.reports.templates import Template
from shared.sync.messages import CardChange, CardFull
from tests.support.office import Office

ASK = ReportAsk(by=("branch",), period="yesterday", compare="previous")


def hire(office: Office, code: str, role: str) -> Actor:
    """Somebody of a role, as the head office knows him today."""
    with office.store.write() as connection:
        people = Personnel(connection, office.ids, office.clock.now_us())
        identity = people.hire(code, code.title(), Placement(role, ("*",)))
    with office.store.read() as connection:
        person = find_employee(connection, identity)
        assert person is not None
        actor = actor_on(connection, person, day_in_zone(office.clock.now_us(), office.chain.timezone), None)
    assert actor is not None
    return actor


def save(office: Office, actor: Actor, name: str = "Продажи", report: str = "sales", **changes: Any) -> bytes:
    with office.store.write() as connection:
        return save_template(
            connection, office.ids, office.clock.now_us(), actor, name, report, changes.pop("ask", ASK), **changes
        )


def seen(office: Office, actor: Actor, **asked: Any) -> list[str]:
    with office.store.read() as connection:
        return [each.name for each in list_templates(connection, actor, **asked)]


def read(office: Office, template_id: bytes, actor: Actor = LOCAL_ADMINISTRATOR) -> Template:
    with office.store.read() as connection:
        return find_template(connection, actor, template_id)


def change(office: Office, work: Any, actor: Actor, template_id: bytes, *given: Any) -> None:
    office.clock.advance(1)
    with office.store.write() as connection:
        work(connection, office.ids, office.clock.now_us(), actor, template_id, *given)


def test_a_template_is_one_s_own_until_it_is_shared_with_a_role(office: Office) -> None:
    head, auditor, second = (hire(office, code, code[:-1]) for code in ("head_of_sales1", "auditor1", "auditor2"))
    saved = save(office, head)
    assert (seen(office, head), seen(office, auditor)) == (["Продажи"], [])
    with pytest.raises(NotFound):
        read(office, saved, auditor)
    change(office, change_template, head, saved, "Продажи", ["auditor"], True, "ru")
    assert seen(office, auditor) == seen(office, second) == ["Продажи"]
    change(office, change_template, head, saved, "Продажи", [], True, "en")
    assert read(office, saved, auditor).language == "en"
    change(office, change_template, head, saved, "Продажи", ["auditor"], False, "ru")
    assert seen(office, auditor) == []


def test_only_who_saved_it_and_who_administers_people_change_it(office: Office) -> None:
    head, auditor = hire(office, "head", "head_of_sales"), hire(office, "auditor", "auditor")
    administrator, cashier = hire(office, "admin", "administrator"), hire(office, "cashier", "cashier")
    saved = save(office, head, is_shared=True)
    with pytest.raises(NotPermitted, match="somebody else"):
        change(office, change_template, auditor, saved, "Моё", [], True, "ru")
    change(office, change_template, administrator, saved, "Наше", [], True, "ru")
    assert seen(office, head) == ["Наше"]
    for work in (lambda: seen(office, cashier), lambda: save(office, cashier)):
        with pytest.raises(NotPermitted):
            work()


def test_a_template_that_is_put_away_comes_back(office: Office) -> None:
    head = hire(office, "head", "head_of_sales")
    saved = save(office, head)
    change(office, archive_template, head, saved)
    assert (seen(office, head), seen(office, head, with_archived=True)) == ([], ["Продажи"])
    change(office, archive_template, head, saved, False)
    assert seen(office, head) == ["Продажи"]


def test_branches_learn_of_templates_over_the_feed(office: Office) -> None:
    branch = office.add_branch("B1")
    saved = save(office, LOCAL_ADMINISTRATOR)
    change(office, change_template, LOCAL_ADMINISTRATOR, saved, "Иначе", [], False, "ru")
    number_feed(office.store, office.clock.now_us())
    told = [each for each in office.feed_of(branch.id) if getattr(each, "kind", None) == RecordKind.REPORT_TEMPLATE]
    assert [type(each) for each in told] == [CardFull, CardChange]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": " "}, "has a name"),
        ({"name": "x" * 121}, "has a name"),
        ({"report": "nothing"}, "no report"),
        ({"ask": ReportAsk(by=("nothing",))}, "no dimension"),
        ({"ask": ReportAsk(period="someday")}, "no period"),
        ({"is_shared": True, "roles": ["nobody"]}, "no role"),
        ({"language": "de"}, "no language"),
    ],
)
def test_what_could_not_be_run_is_not_saved(office: Office, changes: dict[str, Any], message: str) -> None:
    with pytest.raises((InvalidInput, NotFound), match=message):
        save(office, LOCAL_ADMINISTRATOR, **changes)
    assert seen(office, LOCAL_ADMINISTRATOR) == []


def test_there_is_a_most_of_templates(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_templates, "TEMPLATES_MAX", 2)
    saved = save(office, LOCAL_ADMINISTRATOR, "1")
    save(office, LOCAL_ADMINISTRATOR, "2")
    with pytest.raises(InvalidInput, match="2 templates already"):
        save(office, LOCAL_ADMINISTRATOR, "3")
    change(office, archive_template, LOCAL_ADMINISTRATOR, saved)
    save(office, LOCAL_ADMINISTRATOR, "3")


def test_a_template_is_found_by_its_name_one_s_own_first(office: Office) -> None:
    head, auditor = hire(office, "head", "head_of_sales"), hire(office, "auditor", "auditor")
    save(office, head, is_shared=True)
    mine = save(office, auditor)
    with office.store.read() as connection:
        assert find_by_name(connection, auditor, " Продажи ").template_id == mine
        with pytest.raises(NotFound):
            find_by_name(connection, head, "Остатки")


def test_a_template_asks_something_else_under_the_same_name(office: Office) -> None:
    saved = save(office, LOCAL_ADMINISTRATOR)
    change(office, change_ask, LOCAL_ADMINISTRATOR, saved, ReportAsk(by=("category",), period="last-week"))
    assert read(office, saved).ask == '{"by":["category"],"period":"last-week"}'


def test_a_scheduled_template_is_not_made_to_ask_about_fixed_days(office: Office) -> None:
    saved = save(office, LOCAL_ADMINISTRATOR)
    change(office, plan_template, LOCAL_ADMINISTRATOR, saved, PLAN)
    with pytest.raises(InvalidInput, match="fixed days"):
        change(office, change_ask, LOCAL_ADMINISTRATOR, saved, ReportAsk(date_from="2026-11-01", date_to="2026-11-07"))
    assert read(office, saved).ask == ask_document(ASK)


# What changed, and taking it back.


def edits(office: Office, template_id: bytes, actor: Actor = LOCAL_ADMINISTRATOR) -> list[OfficeEdit]:
    with office.store.read() as connection:
        return read_changes(connection, actor, Subject(Noun.TEMPLATE, template_id))


def undo(office: Office, template_id: bytes, number: int = 0, actor: Actor = LOCAL_ADMINISTRATOR) -> None:
    command_id = edits(office, template_id)[number].command_id
    office.clock.advance(1)
    with office.store.write() as connection:
        subject = Subject(Noun.TEMPLATE, template_id)
        take_back(connection, office.ids, office.clock.now_us(), actor, subject, command_id)


def test_a_changed_question_is_taken_back(office: Office) -> None:
    saved = save(office, LOCAL_ADMINISTRATOR)
    change(office, change_ask, LOCAL_ADMINISTRATOR, saved, ReportAsk(by=("category",), period="last-week"))
    assert [each.field for each in edits(office, saved)[0].parts[0].changes] == ["ask"]
    undo(office, saved)
    assert read(office, saved).ask == ask_document(ASK)
    undo(office, saved)
    assert read(office, saved).ask == '{"by":["category"],"period":"last-week"}'


def test_only_who_may_change_a_template_sees_what_changed_and_takes_it_back(office: Office) -> None:
    head, auditor = hire(office, "head", "head_of_sales"), hire(office, "auditor", "auditor")
    saved = save(office, head, is_shared=True)
    change(office, change_template, head, saved, "Иначе", [], True, "ru")
    with pytest.raises(NotPermitted):
        edits(office, saved, auditor)
    with pytest.raises(NotPermitted):
        undo(office, saved, actor=auditor)
    undo(office, saved, actor=head)
    assert read(office, saved).name == "Продажи"


def test_a_schedule_that_comes_back_runs_nothing_that_was_due_meanwhile(office: Office) -> None:
    saved = save(office, LOCAL_ADMINISTRATOR)
    change(office, plan_template, LOCAL_ADMINISTRATOR, saved, PLAN)
    change(office, plan_template, LOCAL_ADMINISTRATOR, saved, Plan())
    undo(office, saved)
    known = read(office, saved)
    assert (known.schedule, known.scheduled_at_us) == ("weekly 1,5 08:00", office.clock.now_us())
    # What follows from the schedule does not count as changed again: the first plan is taken back too.
    change(office, archive_template, LOCAL_ADMINISTRATOR, saved)
    change(office, archive_template, LOCAL_ADMINISTRATOR, saved, False)
    undo(office, saved, 2)
    assert (read(office, saved).schedule, read(office, saved).scheduled_at_us) == ("", None)


def test_a_question_of_fixed_days_does_not_come_back_under_a_schedule(office: Office) -> None:
    saved = save(office, LOCAL_ADMINISTRATOR, ask=ReportAsk(date_from="2026-11-01", date_to="2026-11-07"))
    change(office, change_ask, LOCAL_ADMINISTRATOR, saved, ASK)
    change(office, plan_template, LOCAL_ADMINISTRATOR, saved, PLAN)
    with pytest.raises(InvalidInput, match="fixed days"):
        undo(office, saved, 1)
    undo(office, saved, 0)
    undo(office, saved, 2)
    assert "2026-11-01" in read(office, saved).ask


def test_saving_a_template_is_taken_back_by_putting_it_away(office: Office) -> None:
    saved = save(office, LOCAL_ADMINISTRATOR)
    undo(office, saved)
    assert read(office, saved).archived


# Schedules.

PLAN = Plan("weekly 5,1 8:00", ("xlsx", "pdf"), ("Boss@Shop.Example", "boss@shop.example"), False, 4)


def test_a_plan_is_kept_in_one_way_of_writing(office: Office) -> None:
    saved = save(office, LOCAL_ADMINISTRATOR)
    change(office, plan_template, LOCAL_ADMINISTRATOR, saved, PLAN)
    known = read(office, saved)
    assert (known.schedule, known.formats) == ("weekly 1,5 08:00", ("pdf", "xlsx"))
    assert (known.recipients, known.wait_hours) == (("boss@shop.example",), 4)
    assert known.scheduled_at_us == office.clock.now_us()
    change(office, plan_template, LOCAL_ADMINISTRATOR, saved, PLAN._replace(formats=("csv",)))
    assert read(office, saved).scheduled_at_us == known.scheduled_at_us
    change(office, plan_template, LOCAL_ADMINISTRATOR, saved, Plan())
    assert (read(office, saved).timetable, read(office, saved).scheduled_at_us) == (None, None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schedule": "hourly"}, "no schedule"),
        ({"formats": ()}, "needs a format"),
        ({"formats": ("exe",)}, "no format"),
        ({"recipients": ()}, "go somewhere"),
        ({"recipients": ("nobody",)}, "not an e-mail"),
        ({"recipients": tuple(f"a{number}@shop.example" for number in range(21))}, "at most 20"),
        ({"wait_hours": 73}, "from 0 to 72"),
    ],
)
def test_what_could_not_be_delivered_is_not_planned(office: Office, changes: dict[str, Any], message: str) -> None:
    saved = save(office, LOCAL_ADMINISTRATOR)
    with pytest.raises(InvalidInput, match=message):
        change(office, plan_template, LOCAL_ADMINISTRATOR, saved, PLAN._replace(**changes))
    assert read(office, saved).timetable is None


def test_fixed_days_are_not_sent_again_and_again(office: Office) -> None:
    saved = save(office, LOCAL_ADMINISTRATOR, ask=ReportAsk(date_from="2026-11-01", date_to="2026-11-07"))
    with pytest.raises(InvalidInput, match="fixed days"):
        change(office, plan_template, LOCAL_ADMINISTRATOR, saved, PLAN)


def test_a_template_runs_in_the_name_of_who_saved_it_while_he_may_see_it(office: Office) -> None:
    head = hire(office, "head", "head_of_sales")
    saved = save(office, head)
    with office.store.write() as connection:
        assert owner_of(connection, read(office, saved), office.clock.now_us()) == head
        Personnel(connection, office.ids, office.clock.now_us()).dismiss("head")
    office.clock.advance(2 * 86_400)
    with office.store.read() as connection:
        assert owner_of(connection, read(office, saved), office.clock.now_us()) is None
