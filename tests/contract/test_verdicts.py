"""Verdicts on what the audits find, on both databases: journaled, taken back, of what was there; kept by a backup."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from hq_server.operations.backup import restore_backup, take_backup
from hq_server.operations.refund_checks import find_over_refunds
from hq_server.operations.till_audit import AuditFilter, list_till_acts
from hq_server.operations.verdicts import (
    NOTE_CHARACTERS_MAX,
    SUBJECTS_MAX,
    Shown,
    Subject,
    SubjectKind,
    Verdict,
    give_verdict,
    parse_subject,
    standing_verdicts,
    take_back_verdict,
)
from hq_server.storage.review_tables import audit_verdict
from shared.domain.branch_facts import AuditEntry
from shared.domain.business_time import parse_local
from shared.domain.permissions import LOCAL_ADMINISTRATOR, NO_LIMITS, ROLES, Actor, Permission
from shared.domain.records import Record, RecordKind
from shared.errors import InvalidInput, NotFound, NotPermitted
from shared.wire.payloads import encode_branch_fact, encode_refund
from tests.support.journal import ZONE, JournalWriter, line, refund, sale
from tests.support.office import Office

AUDITOR = Actor(b"a" * 16, "vera", "Vera", "auditor", ROLES["auditor"].permissions, NO_LIMITS)
AT = parse_local("2026-11-20T12:00:00", ZONE, "at")


def act(journal: JournalWriter, detail: str) -> None:
    fact = AuditEntry("line_removed", "1", "anna", None, 500, detail, AT)
    journal.add([Record(RecordKind.AUDIT_ENTRY, journal.ids.new_id(), encode_branch_fact(fact))])


def judge(office: Office, subjects: list[Subject], verdict: Verdict, note: str = "", actor: Actor = AUDITOR) -> bytes:
    office.clock.advance(1)
    with office.store.write() as connection:
        return give_verdict(connection, office.ids, office.clock.now_us(), actor, subjects, verdict, note)


def take_back(office: Office, command_id: bytes) -> int:
    with office.store.write() as connection:
        return take_back_verdict(connection, office.clock.now_us(), AUDITOR, command_id)


def shown(office: Office, which: Shown) -> list[str]:
    with office.store.read() as connection:
        page = list_till_acts(connection, AUDITOR, AuditFilter(shown=which))
    return sorted(row.detail for row in page.rows)


def subjects_of(office: Office) -> list[Subject]:
    with office.store.read() as connection:
        rows = list_till_acts(connection, AUDITOR, AuditFilter()).rows
    return [row.subject for row in sorted(rows, key=lambda row: row.detail)]


def lists(office: Office) -> tuple[list[str], ...]:
    return shown(office, Shown.OPEN), shown(office, Shown.FOLLOW_UP), shown(office, Shown.IN_ORDER)


def test_what_is_judged_leaves_the_open_list_and_comes_back_when_it_is_taken_back(office: Office) -> None:
    journal = office.journal("B1")
    for detail in ("milk", "soap", "tea"):
        act(journal, detail)
    office.merge(journal, journal.batch())
    milk, soap, tea = subjects_of(office)
    assert lists(office) == (["milk", "soap", "tea"], [], [])
    first = judge(office, [milk, tea], Verdict.FOLLOW_UP, "ask anna")
    assert lists(office) == (["soap"], ["milk", "tea"], [])
    second = judge(office, [milk], Verdict.IN_ORDER)
    assert lists(office) == (["soap"], ["tea"], ["milk"])
    with office.store.read() as connection:
        standing = standing_verdicts(connection, [milk, soap, tea])
    assert {subject: (given.verdict, given.note) for subject, given in standing.items()} == {
        milk: (Verdict.IN_ORDER, ""),
        tea: (Verdict.FOLLOW_UP, "ask anna"),
    }
    # What was said before stands again; then nothing does.
    assert take_back(office, second) == 1
    assert lists(office) == (["soap"], ["milk", "tea"], [])
    assert take_back(office, first) == 2
    assert lists(office) == (["milk", "soap", "tea"], [], [])
    with pytest.raises(NotFound):
        take_back(office, first)
    # Nothing was overwritten, and all of it says who.
    rows = office.rows(select(audit_verdict.c.author, audit_verdict.c.taken_back_by))
    assert rows == [(AUDITOR.employee_id, AUDITOR.employee_id)] * 3


def test_an_over_refund_that_grows_is_open_again(office: Office) -> None:
    journal = office.journal("B1")
    sale_id = journal.add_sale(sale(1, [line("tea", quantity=1)]))
    for number in (2, 3):
        back = refund(number, sale_id, [(1, line("tea"))])
        journal.add([Record(RecordKind.REFUND, journal.ids.new_id(), encode_refund(back))])
    office.merge(journal, journal.batch())
    with office.store.read() as connection:
        (case,) = find_over_refunds(connection)
    judge(office, [case.subject], Verdict.IN_ORDER)
    again = refund(4, sale_id, [(1, line("tea"))])
    journal.add([Record(RecordKind.REFUND, journal.ids.new_id(), encode_refund(again))])
    office.merge(journal, journal.batch(3))
    with office.store.read() as connection:
        (grown,) = find_over_refunds(connection)
        assert case.subject in standing_verdicts(connection, [case.subject, grown.subject])
        assert grown.subject not in standing_verdicts(connection, [case.subject, grown.subject])


def test_a_verdict_survives_a_restore_and_is_asked_of_who_may(office: Office, tmp_path: Path) -> None:
    journal = office.journal("B1")
    act(journal, "milk")
    office.merge(journal, journal.batch())
    (milk,) = subjects_of(office)
    judge(office, [milk], Verdict.IN_ORDER, "seen on camera")
    take_backup(office.store, tmp_path / "hq.backup", office.clock, office.ids)
    judge(office, [milk], Verdict.FOLLOW_UP)
    restore_backup(office.store, tmp_path / "hq.backup", office.clock, office.ids)
    with office.store.read() as connection:
        assert standing_verdicts(connection, [milk])[milk].note == "seen on camera"
    looker = replace(AUDITOR, permissions=ROLES["auditor"].permissions - {Permission.RECORDS_REVIEW})
    with pytest.raises(NotPermitted):
        judge(office, [milk], Verdict.IN_ORDER, actor=looker)


def test_what_names_no_finding_is_refused_in_a_sentence(office: Office) -> None:
    whole = Subject(SubjectKind.TILL_ACT, b"b" * 16, b"r" * 16, "a.b")
    assert parse_subject(str(whole)) == whole
    for text in ("", "till_act", str(whole)[:-10].replace("till_act", "parked"), "till_act.zz.zz.", str(whole) + "\n"):
        with pytest.raises(InvalidInput, match="names no finding"):
            parse_subject(text)
    for subjects, verdict, note in (
        ([], Verdict.IN_ORDER, ""),
        ([whole], Verdict.ACCEPTED, ""),
        ([whole] * (SUBJECTS_MAX + 1), Verdict.IN_ORDER, ""),
        ([whole], Verdict.IN_ORDER, "x" * (NOTE_CHARACTERS_MAX + 1)),
    ):
        with pytest.raises(InvalidInput):
            judge(office, subjects, verdict, note, LOCAL_ADMINISTRATOR)
    assert office.count(audit_verdict) == 0
