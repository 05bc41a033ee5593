"""Alerts on both databases: when people are told and when they are not, what waits to be told, and who may set it."""

from __future__ import annotations

import json

import pytest

from hq_server.operations.fleet_alerts import Event, Saying, forget_old, list_alerts, step_alerts
from hq_server.operations.fleet_log import list_acts
from hq_server.operations.fleet_messages import (
    MESSAGE_ATTEMPTS_MAX,
    MESSAGES_WAITING_MAX,
    QUEUE_FULL,
    Channel,
    conclude_message,
    document_of,
    find_due,
    forget_messages,
    list_messages,
    messages_to,
    queue_messages,
    queue_trial,
    read_setting,
)
from hq_server.operations.fleet_overview import Judged, fleet_overview
from hq_server.operations.fleet_rules import DEFAULTS, RECIPIENTS_MAX, Rule, Told, Trouble, read_told, save_alerts
from hq_server.operations.mail_sending import Answer, Outcome
from hq_server.storage.fleet_tables import fleet_alert, fleet_message
from shared.domain.identifiers import NIL_ID
from shared.domain.permissions import LOCAL_ADMINISTRATOR, ROLES, Actor
from shared.errors import InvalidInput, NotPermitted
from tests.support.fleet import MINUTE_US, heard, pass_time, stand
from tests.support.office import Office

AUDITOR = Actor(b"a" * 16, "a", "A", "auditor", ROLES["auditor"].permissions, ROLES["auditor"].limits)
TOLD = Told(("it@shop.example",), "https://alerts.example/hook", "en")
REFUSED = Outcome(Answer.PUT_OFF, "503")


def judged(office: Office) -> list[Judged]:
    with office.store.read() as connection:
        return fleet_overview(connection, office.clock.now_us(), LOCAL_ADMINISTRATOR)


def look(office: Office, can_tell: bool = True) -> list[tuple[Saying, Trouble]]:
    """One pass; what is to be told."""
    with office.store.write() as connection:
        events = step_alerts(connection, office.ids, judged(office), office.clock.now_us(), can_tell)
    return [(each.saying, each.alert.kind) for each in events]


def later(office: Office, minutes: int) -> None:
    pass_time(office, minutes * MINUTE_US)


def queue(office: Office, told: Told = TOLD, events: list[Event] | None = None) -> None:
    with office.store.write() as connection:
        document = document_of(events or [], read_setting(connection, "en"), DEFAULTS, office.clock.now_us())
        messages = messages_to(office.ids, office.clock.now_us(), told, ("Subject", "Text"), document, events or [])
        queue_messages(connection, messages)


def test_a_trouble_is_told_once_reminded_once_a_day_and_once_when_it_is_over(office: Office) -> None:
    journal = heard(office, "B1")
    stand(office, journal.branch_id, trouble="Two stores.")
    assert look(office) == [(Saying.RAISED, Trouble.QUARANTINED)]
    for _ in range(23 * 12):
        later(office, 5)
        assert look(office) == []
    later(office, 60)
    assert look(office) == [(Saying.REMINDER, Trouble.QUARANTINED)]
    stand(office, journal.branch_id, trouble=None)
    assert look(office) == []
    later(office, 15)
    assert look(office) == [(Saying.CLEARED, Trouble.QUARANTINED)]
    later(office, 60)
    assert look(office) == []
    assert office.count(fleet_alert) == 1


def test_a_branch_that_comes_and_goes_does_not_spam(office: Office) -> None:
    journal = heard(office, "B1")
    told = []
    for turn in range(24 * 60 // 20):
        # Twenty minutes so, twenty minutes otherwise: each pause is long enough to be an all-clear.
        stand(office, journal.branch_id, trouble="Two stores." if turn % 2 == 0 else None)
        for _ in range(4):
            told += look(office)
            later(office, 5)
    assert told == [(Saying.RAISED, Trouble.QUARANTINED), (Saying.CLEARED, Trouble.QUARANTINED)]
    assert office.count(fleet_alert) == 1


def test_a_trouble_that_comes_back_and_stays_is_told_again(office: Office) -> None:
    journal = heard(office, "B1")
    stand(office, journal.branch_id, trouble="Two stores.")
    look(office)
    stand(office, journal.branch_id, trouble=None)
    look(office)
    later(office, 15)
    assert look(office) == [(Saying.CLEARED, Trouble.QUARANTINED)]
    stand(office, journal.branch_id, trouble="Two stores.")
    later(office, 5)
    assert look(office) == []
    later(office, 59)
    assert look(office) == []
    later(office, 1)
    assert look(office) == [(Saying.RAISED, Trouble.QUARANTINED)]


def test_who_was_not_there_is_told_of_what_lasts_once_he_is(office: Office) -> None:
    journal = heard(office, "B1")
    stand(office, journal.branch_id, trouble="Two stores.")
    assert look(office, can_tell=False) == []
    later(office, 5)
    assert look(office, can_tell=True) == [(Saying.RAISED, Trouble.QUARANTINED)]


def test_alerts_are_listed_the_open_ones_first_and_forgotten_in_the_end(office: Office) -> None:
    first, second = heard(office, "B1"), heard(office, "B2")
    stand(office, first.branch_id, trouble="Two stores.")
    look(office)
    later(office, 10)
    stand(office, first.branch_id, trouble=None)
    stand(office, second.branch_id, skew_ms=900_000)
    look(office)
    later(office, 20)
    look(office)
    with office.store.read() as connection:
        listed = list_alerts(connection, AUDITOR)
        assert [(each.branch_code, each.alert.is_open) for each in listed] == [("B2", True), ("B1", False)]
        assert len(list_alerts(connection, AUDITOR, first.branch_id)) == 1
    later(office, 91 * 24 * 60)
    with office.store.write() as connection:
        forget_old(connection, office.clock.now_us())
    assert office.count(fleet_alert) == 1


def test_a_message_is_tried_a_bounded_number_of_times_and_the_alert_says_why(office: Office) -> None:
    journal = heard(office, "B1")
    stand(office, journal.branch_id, trouble="Two stores.")
    with office.store.write() as connection:
        events = step_alerts(connection, office.ids, judged(office), office.clock.now_us(), True)
    queue(office, TOLD._replace(recipients=()), events)
    tried = 0
    for _ in range(2_000):
        with office.store.write() as connection:
            for message in find_due(connection, office.clock.now_us()):
                conclude_message(connection, message, REFUSED, office.clock.now_us())
                tried += 1
        later(office, 1)
    assert tried == MESSAGE_ATTEMPTS_MAX
    with office.store.write() as connection:
        (message,) = list_messages(connection)
        assert (message.next_attempt_us, message.delivered_at_us, message.words) == (None, None, "503")
        assert list_alerts(connection, AUDITOR)[0].alert.error == "503"
        conclude_message(connection, message, Outcome(Answer.TAKEN, "200"), office.clock.now_us())
        delivered = list_alerts(connection, AUDITOR)[0].alert
        assert (delivered.error, delivered.delivered_at_us) == (None, office.clock.now_us())
    later(office, 91 * 24 * 60)
    with office.store.write() as connection:
        forget_messages(connection, office.clock.now_us())
    assert office.count(fleet_message) == 0


def test_the_queue_is_bounded_and_the_oldest_are_given_up(office: Office) -> None:
    for _ in range(MESSAGES_WAITING_MAX // 2 + 2):
        queue(office)
        later(office, 1)
    waiting = [row for row in office.rows(fleet_message.select()) if row.next_attempt_at is not None]
    given_up = [row for row in office.rows(fleet_message.select()) if row.next_attempt_at is None]
    assert len(waiting) == MESSAGES_WAITING_MAX
    assert {row.words for row in given_up} == {QUEUE_FULL}
    assert max(row.created_at for row in given_up) < min(row.created_at for row in waiting)


def test_the_webhooks_document_says_what_happened_where(office: Office) -> None:
    journal = heard(office, "B1")
    stand(office, journal.branch_id, trouble="Two stores.")
    with office.store.write() as connection:
        events = step_alerts(connection, office.ids, judged(office), office.clock.now_us(), True)
        document = json.loads(document_of(events, read_setting(connection, "en"), DEFAULTS, office.clock.now_us()))
    assert (document["version"], document["trial"], document["chain"]["name"]) == (1, False, "Chain")
    (event,) = document["events"]
    assert (event["event"], event["branch"], event["kind"], event["threshold"]) == ("raised", "B1", "quarantined", 1)
    assert event["cleared_at"] is None


@pytest.mark.parametrize(
    "url",
    [
        "ftp://alerts.example/x", "file:///etc/passwd", "https://", "https:///x", "alerts.example", "https://a b/",
        "https://user:word@alerts.example/", "javascript:alert(1)", "https://alerts.example:0/", "https://[::1/",
        "https://alerts.example/" + "x" * 500, "https://пример.рф/", "https://alerts.example:99999/",
        "//alerts.example/",
    ],
)  # fmt: skip
def test_an_address_that_is_no_webhook_is_refused(office: Office, url: str) -> None:
    with office.store.write() as connection, pytest.raises(InvalidInput):
        save_alerts(connection, office.ids, 1, LOCAL_ADMINISTRATOR, DEFAULTS, "", url, "ru")


def test_alerts_are_set_by_who_may_and_it_is_written_down(office: Office) -> None:
    url = "https://alerts.example:8443/filial?x=1"
    with office.store.write() as connection:
        with pytest.raises(NotPermitted):
            save_alerts(connection, office.ids, 1, AUDITOR, DEFAULTS, "", "", "ru")
        with pytest.raises(NotPermitted):
            queue_trial(connection, office.ids, 1, AUDITOR, ("", ""))
        with pytest.raises(InvalidInput, match="Nobody"):
            queue_trial(connection, office.ids, 1, LOCAL_ADMINISTRATOR, ("", ""))
        addresses = "IT@Shop.example, boss@shop.example\nit@shop.example"
        save_alerts(connection, office.ids, 1, LOCAL_ADMINISTRATOR, DEFAULTS, addresses, url, "ru")
        told = read_told(connection)
        assert (told.recipients, told.webhook_url) == (("it@shop.example", "boss@shop.example"), url)
        assert queue_trial(connection, office.ids, 1, LOCAL_ADMINISTRATOR, ("Trial", "Text")) == 3
        assert [each.channel for each in find_due(connection, 1)].count(Channel.WEBHOOK) == 1
        assert [act.act for act in list_acts(connection, NIL_ID)] == ["alerts"]


@pytest.mark.parametrize(
    ("rules", "recipients", "language"),
    [
        ({Trouble.WAITING: Rule(True, 0)}, "", "ru"),
        ({Trouble.WAITING: Rule(True, 10**10)}, "", "ru"),
        ({}, "nobody", "ru"),
        ({}, " ".join(f"a{number}@shop.example" for number in range(RECIPIENTS_MAX + 1)), "ru"),
        ({}, "", "tlh"),
    ],
)
def test_bad_settings_are_refused(office: Office, rules: dict[Trouble, Rule], recipients: str, language: str) -> None:
    with office.store.write() as connection, pytest.raises(InvalidInput):
        save_alerts(connection, office.ids, 1, LOCAL_ADMINISTRATOR, {**DEFAULTS, **rules}, recipients, "", language)
