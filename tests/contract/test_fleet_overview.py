"""How the fleet stands and stood, on both databases: who needs somebody, samples thinned, Z-reports counted."""

from __future__ import annotations

import pytest

from hq_server.operations import fleet_history
from hq_server.operations.authority import Authority
from hq_server.operations.enrolment import enrol, issue_token
from hq_server.operations.fleet import revoke_branch
from hq_server.operations.fleet_checks import CheckKind, CheckState, Result, keep_result
from hq_server.operations.fleet_overview import Finding, branch_overview, fleet_overview, judge, list_lives, read_fleet
from hq_server.operations.fleet_rules import DEFAULTS, Rule, Trouble, save_alerts
from hq_server.storage.fleet_tables import fleet_sample, fleet_shift_audit
from shared.certificates import certificate_request, new_key
from shared.domain.permissions import LOCAL_ADMINISTRATOR, ROLES, Actor
from shared.domain.records import Record, RecordKind
from shared.errors import NotFound, NotPermitted
from shared.wire.enrolment import EnrolRequest, decode_token
from shared.wire.payloads import encode_shift_close
from tests.support.fleet import HOUR_US, MINUTE_US, heard, overview, pass_time, stand
from tests.support.journal import z_report
from tests.support.office import Office

CASHIER = Actor(b"c" * 16, "c", "C", "cashier", ROLES["cashier"].permissions, ROLES["cashier"].limits)


def findings(office: Office, code: str) -> tuple[Finding, ...]:
    return next(each.findings for each in overview(office) if each.branch.row.code == code)


def sample(office: Office) -> int:
    with office.store.write() as connection:
        taken = fleet_history.take_samples(connection, read_fleet(connection), office.clock.now_us())
        fleet_history.thin_samples(connection, office.clock.now_us())
    return taken


def test_a_branch_that_is_offline_needs_nobody_until_it_lasts(office: Office) -> None:
    journal = heard(office, "B1")
    stand(office, journal.branch_id, connected=False)
    pass_time(office, 1_439 * MINUTE_US)
    assert findings(office, "B1") == ()
    pass_time(office, MINUTE_US)
    assert findings(office, "B1") == (Finding(Trouble.UNHEARD, 1_440),)


def test_the_worst_branch_comes_first_and_the_revoked_one_last(office: Office) -> None:
    fine, waiting, ahead = heard(office, "A"), heard(office, "B"), heard(office, "C")
    gone, split = heard(office, "D"), heard(office, "E")
    stand(office, waiting.branch_id, head_seq=5_000)
    stand(office, ahead.branch_id, skew_ms=-300_000)
    stand(office, split.branch_id, trouble="Two stores.", quarantine="Two stores.")
    stand(office, gone.branch_id, head_seq=9_000)
    with office.store.write() as connection:
        revoke_branch(connection, "D", office.clock.now_us())
        keep_result(
            connection,
            office.ids,
            1,
            LOCAL_ADMINISTRATOR,
            fine.branch_id,
            CheckKind.VERIFY,
            Result(CheckState.SOUND, ()),
        )
    assert [each.branch.row.code for each in overview(office)] == ["E", "C", "B", "A", "D"]
    assert findings(office, "C") == (Finding(Trouble.SKEW, 300),)
    assert findings(office, "D") == ()


def test_what_waited_and_the_last_check_are_told_and_a_branch_without_contact_has_no_figures(office: Office) -> None:
    journal = heard(office, "B1")
    office.add_branch("B2")
    stand(office, journal.branch_id, head_seq=14)
    with office.store.write() as connection:
        for kind, result in (
            (CheckKind.VERIFY, Result(CheckState.SOUND, ())),
            (CheckKind.DEEP, Result(CheckState.UNSOUND, ("a", "b"))),
            (CheckKind.REPAIR, Result(CheckState.SOUND, ())),
        ):
            now_us = office.clock.now_us()
            keep_result(connection, office.ids, now_us, LOCAL_ADMINISTRATOR, journal.branch_id, kind, result)
            pass_time(office, 1)
    first, second = overview(office)
    assert first.branch.waiting == 12
    assert first.branch.verified is not None
    assert (first.branch.verified.kind, first.branch.verified.is_sound) == ("deep", False)
    assert first.findings == (Finding(Trouble.UNSOUND, 2),)
    assert not second.branch.is_known
    assert (second.branch.watermark_us, second.branch.verified, second.findings) == (None, None, ())


def test_a_certificate_near_its_end_is_a_trouble_and_a_revoked_one_is_told(office: Office) -> None:
    row, authority = office.add_branch("B1"), Authority.found("Chain")
    with office.store.write() as connection:
        token = decode_token(issue_token(connection, authority, office.ids, "B1", office.clock.now_us(), 72))
        assert read_fleet(connection)[0].certificate is None
        enrol(connection, authority, EnrolRequest(token.secret, certificate_request(new_key())), office.clock.now_us())
        held = read_fleet(connection)[0].certificate
    assert held is not None
    assert held.valid_to_us is not None
    assert held.issued_at_us == office.clock.now_us()
    branch = overview(office)[0].branch
    assert judge(branch, DEFAULTS, held.valid_to_us - 31 * 24 * HOUR_US) == ()
    assert judge(branch, DEFAULTS, held.valid_to_us - 30 * 24 * HOUR_US) == (Finding(Trouble.CERTIFICATE, 30),)
    with office.store.write() as connection:
        revoke_branch(connection, "B1", office.clock.now_us())
    revoked = overview(office)[0].branch
    assert revoked.certificate is not None
    assert revoked.certificate.revoked_at_us == office.clock.now_us()
    assert judge(revoked, DEFAULTS, held.valid_to_us) == ()
    assert row.id == revoked.row.id


def test_rules_say_what_counts(office: Office) -> None:
    journal = heard(office, "B1")
    stand(office, journal.branch_id, head_seq=14, skew_ms=500_000)
    rules = {**DEFAULTS, Trouble.WAITING: Rule(True, 12), Trouble.SKEW: Rule(False, 1)}
    with office.store.write() as connection:
        save_alerts(connection, office.ids, 1, LOCAL_ADMINISTRATOR, rules, "", "", "ru")
    assert findings(office, "B1") == (Finding(Trouble.WAITING, 12),)


def test_who_may_not_see_the_fleet_is_refused(office: Office) -> None:
    row = office.add_branch("B1")
    with office.store.read() as connection:
        with pytest.raises(NotPermitted):
            fleet_overview(connection, 0, CASHIER)
        with pytest.raises(NotPermitted):
            list_lives(connection, CASHIER, row.id)
        with pytest.raises(NotFound):
            branch_overview(connection, 0, LOCAL_ADMINISTRATOR, b"x" * 16)
        assert branch_overview(connection, 0, LOCAL_ADMINISTRATOR, row.id).branch.row.code == "B1"


def test_samples_are_kept_for_two_days_and_one_an_hour_for_a_month(office: Office) -> None:
    journal = heard(office, "B1")
    office.add_branch("never")
    for _ in range(24 * 4):
        assert sample(office) == 1
        pass_time(office, 30 * MINUTE_US)
    with office.store.read() as connection:
        every = fleet_history.read_samples(connection, LOCAL_ADMINISTRATOR, journal.branch_id, 0)
    assert len(every) == 96
    pass_time(office, 24 * HOUR_US)
    sample(office)
    assert office.count(fleet_sample) == 24 + 48 + 1
    pass_time(office, 32 * 24 * HOUR_US)
    sample(office)
    assert office.count(fleet_sample) == 1


def test_a_moment_is_sampled_once_even_when_the_clock_is_set_back(office: Office) -> None:
    heard(office, "B1")
    assert sample(office) == 1
    assert sample(office) == 0
    office.clock.advance(-3_600)
    assert sample(office) == 0


def test_z_reports_are_counted_anew_only_when_the_branch_has_sent_something(office: Office) -> None:
    journal = heard(office, "B1", sales=1)
    honest = z_report(9, 1)
    record = Record(RecordKind.SHIFT_CLOSE, office.ids.new_id(), encode_shift_close(honest))
    journal.add([record])
    office.merge(journal, journal.batch(1))

    def stale() -> list[str]:
        with office.store.read() as connection:
            found = fleet_history.branches_to_audit(connection, read_fleet(connection), office.clock.now_us())
        return [each.row.code for each in found]

    assert stale() == ["B1"]
    branch = overview(office)[0].branch
    with office.store.write() as connection:
        counted = fleet_history.count_shifts(connection, journal.branch_id, "Europe/Moscow", office.clock.now_us())
        fleet_history.save_shifts(connection, branch, counted)
    assert (counted.reports, counted.differing) == (1, 1)
    assert stale() == []
    assert findings(office, "B1") == (Finding(Trouble.SHIFTS_DIFFER, 1),)
    journal.add_edit(RecordKind.CLIENT, office.ids.new_id(), {}, name="new")
    office.merge(journal, journal.batch(2))
    assert stale() == ["B1"]
    assert office.count(fleet_shift_audit) == 1
