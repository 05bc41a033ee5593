"""A tiny practice chain through the real programs: sums as planned, log-ins that work, baskets that wait."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from branch_node.bootstrap import open_store, settings_for
from branch_node.operations import basket
from branch_node.operations.authentication import log_in
from deploy.demo.chain import HeadOffice
from deploy.practice.building import SHEET_FILE, TIMEZONE, State, build, events_by_now
from deploy.practice.generator import TINY_SIZE, make_plan
from deploy.practice.letters import unanswered_letters
from deploy.practice.plan import CloseShift, Plan, Sell
from deploy.practice.serving import Served
from deploy.practice.today import sums_of
from hq_server.bootstrap import head_office
from hq_server.operations.letters import count_letters, list_unmatched
from shared.clock import SystemClock
from shared.domain.business_time import local_moment
from shared.domain.mail import MailState
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.operations.clients import find_by_external_id
from shared.operations.letters import letters_of


def today() -> date:
    return local_moment(SystemClock().now_us(), TIMEZONE).business_date


def require_sums(office: HeadOffice, plan: Plan) -> None:
    """Head office has every receipt, to the kopeck, and every Z-report with the planned variance."""
    events = events_by_now(plan, "CENTRE")
    receipts, _ = sums_of(events)
    report = office.ask("report", "run", "sales", "--by", "branch")
    (row,) = [dict(zip([column["name"] for column in report["columns"]], row)) for row in report["rows"]]
    net = sum(event.net_minor for event in events if isinstance(event, Sell))
    assert row["receipts"] == receipts
    assert row["net"] + row["returns"] == net
    closed = [event for event in events if isinstance(event, CloseShift)]
    audit = office.ask("audit", "shifts")
    assert len(audit["shifts"]) == len(closed)


def require_letters(office: HeadOffice, plan: Plan) -> None:
    """Letters of every state are there, three of nobody known, and of the planted client two without an answer."""
    with head_office(office.home) as opened, opened.store.read() as connection:
        counts = count_letters(connection, LOCAL_ADMINISTRATOR)
        assert {state: counts[state] for state in ("waiting", "uncertain", "refused", "unmatched")} == {
            "waiting": 3,
            "uncertain": 2,
            "refused": 1,
            "unmatched": 3,
        }
        candidates = [len(each.candidates) for each in list_unmatched(connection, LOCAL_ADMINISTRATOR)[0]]
        assert sorted(candidates) == [0, 0, 2]
        client_id = find_by_external_id(connection, next(iter(unanswered_letters(list(plan.letters.values())))))
        assert client_id is not None
        assert [letter.state for letter in letters_of(connection, client_id, 10)] == [MailState.RECEIVED] * 2


def test_a_tiny_chain_is_built_served_and_served_again(tmp_path: Path) -> None:
    plan = make_plan(today(), size=TINY_SIZE)
    said: list[str] = []
    built = build(tmp_path / "practice", plan, said.append)
    assert State.load(tmp_path / "practice") == built
    assert (tmp_path / "practice" / SHEET_FILE).read_bytes().startswith(b"%PDF")
    require_sums(HeadOffice(tmp_path / "practice" / "hq"), plan)
    require_letters(HeadOffice(tmp_path / "practice" / "hq"), plan)
    before = ""
    for _ in range(2):
        served = Served(tmp_path / "practice", built)
        try:
            served.start()
            cashier = next(each for each in served.log_ins if each.role == "cashier")
            assert cashier.password != before
            before = cashier.password
            settings = settings_for(tmp_path / "practice" / "centre")
            assert settings.is_practice
            store = open_store(settings)
            try:
                logged_in = log_in(store, settings, cashier.code, cashier.password)
                assert logged_in.actor.code == cashier.code
                assert sorted(each.title for each in basket.held(store)) == sorted(each.title for each in plan.held)
                assert all(each.total_minor > 0 for each in basket.held(store))
            finally:
                store.close()
            shift = served.branches[0].ask("shift", "show", "--register", "1")
            assert shift["receipts"] > 0
        finally:
            served.stop()
    stored = b"".join(path.read_bytes() for path in (tmp_path / "practice").rglob("*") if path.is_file())
    assert before.encode() not in stored


def test_a_folder_without_a_finished_chain_is_none(tmp_path: Path) -> None:
    assert State.load(tmp_path) is None
