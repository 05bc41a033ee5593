"""What was planted in the practice chain is found by the reports, and they say what the generator's own log says."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any, NamedTuple

import pytest

from deploy.demo.chain import HeadOffice
from deploy.practice.building import TIMEZONE, build, events_by_now
from deploy.practice.generator import Size, make_plan
from deploy.practice.plan import CloseShift, Event, GiveBack, GiveBackLoose, Plan, Sell
from deploy.practice.planted import truths_of
from shared.clock import SystemClock
from shared.domain.business_time import local_moment

SMALL_SIZE = Size(weeks=2, branches=2, stores_per_branch=1)
"""The smallest chain that has a thief, a lazy rep and an hour with one till."""

pytestmark = pytest.mark.slow


class Built(NamedTuple):
    """A chain, its plan, and what of the plan has happened."""

    office: HeadOffice
    plan: Plan
    events: list[tuple[str, Event]]
    truths: dict[str, dict[str, Any]]

    def report(self, name: str, *by: str, **bounds: str) -> dict[tuple[Any, ...], dict[str, Any]]:
        """The measures by the groups, as the command line gives them."""
        arguments = [argument for dimension in by for argument in ("--by", dimension)]
        arguments += [argument for bound, value in bounds.items() for argument in (f"--{bound}", value)]
        told = self.office.ask("report", "run", name, *arguments)
        columns = [column["name"] for column in told["columns"]]
        rows = [dict(zip(columns, row, strict=True)) for row in told["rows"]]
        return {tuple(row[dimension] for dimension in by): row for row in rows}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("practice") / "chain"
    plan = make_plan(local_moment(SystemClock().now_us(), TIMEZONE).business_date, size=SMALL_SIZE)
    build(folder, plan, lambda _: None)
    events = [(branch.code, event) for branch in plan.branches for event in events_by_now(plan, branch.code)]
    return Built(HeadOffice(folder / "hq"), plan, events, {truth.name: truth.facts for truth in truths_of(plan)})


def test_the_thief_is_found_by_cash_and_by_returns_without_a_receipt(built: Built) -> None:
    short: Counter[str] = Counter()
    unreceipted: Counter[str] = Counter()
    returns: Counter[str] = Counter()
    for _, event in built.events:
        if isinstance(event, CloseShift):
            short[event.cashier] += event.variance_minor
        elif isinstance(event, GiveBackLoose):
            unreceipted[event.cashier] += event.amount_minor
            returns[event.cashier] += 1
        elif isinstance(event, GiveBack):
            returns[event.cashier] += 1
    cash, losses = built.report("cash-variance", "cashier"), built.report("loss", "cashier")
    assert {key[0]: row["variance"] for key, row in cash.items()} == dict(short)
    assert {key[0]: row["unreceipted_sum"] for key, row in losses.items() if row["unreceipted"]} == dict(unreceipted)
    assert {key[0]: row["returns"] for key, row in losses.items() if row["returns"]} == dict(returns)
    thief = built.truths["thieving_cashier"]["cashier"]
    assert min(cash, key=lambda key: cash[key]["variance"]) == (thief,)
    assert max(losses, key=lambda key: losses[key]["unreceipted_per_100"] or 0) == (thief,)


def test_the_rep_who_calls_at_lunch_is_found_by_calls(built: Built) -> None:
    facts = built.truths["lazy_rep"]
    today = built.plan.today.isoformat()
    calls = [call for contacts in built.plan.contacts.values() for call in contacts.calls if call.at[:10] < today]
    yesterday = (built.plan.today - timedelta(days=1)).isoformat()
    told = built.report("calls", "employee", to=yesterday)
    made, reached = Counter(call.rep for call in calls), Counter(call.rep for call in calls if call.reached)
    assert {key[0]: (row["outgoing"], row["reached"]) for key, row in told.items()} == {
        rep: (made[rep], reached[rep]) for rep in made
    }
    lazy = min(told, key=lambda key: told[key]["reached_percent"])
    assert lazy == (facts["rep"],)
    by_hour = built.report("calls", "employee", "hour", to=yesterday)
    assert {hour for rep, hour in by_hour if rep == facts["rep"]} <= {13, 14}
    assert {hour for rep, hour in by_hour if rep != facts["rep"]} & {13, 14} == set()


def test_the_hour_with_one_till_is_found_by_sales(built: Built) -> None:
    facts = built.truths["understaffed_hour"]
    planned = Counter((code, int(event.at[11:13])) for code, event in built.events if isinstance(event, Sell))
    told = built.report("sales", "branch", "hour")
    assert {key: row["receipts"] for key, row in told.items() if row["receipts"]} == dict(planned)
    branch, hour = facts["branch"], facts["hour"]
    assert all(told[branch, hour]["receipts"] >= row["receipts"] for key, row in told.items() if key[1] == hour)


def test_what_grows_is_found_by_sales_week_by_week(built: Built) -> None:
    begin: date = built.plan.first_day
    for category, pieces in built.truths["growing_category"]["pieces_by_week"].items():
        told = []
        for week in range(SMALL_SIZE.weeks):
            first = begin + timedelta(weeks=week)
            bounds = {"from": str(first), "to": str(first + timedelta(days=6)), "where": f"category={category}"}
            told.append(int(built.report("sales", **bounds)[()]["units"]))
        assert told == pieces


def test_every_receipt_of_the_practice_chain_is_there_once(built: Built) -> None:
    told = built.report("completeness", "branch", "register")
    for code in {code for code, _ in built.events}:
        numbered = sum(isinstance(event, Sell | GiveBack | GiveBackLoose) for at, event in built.events if at == code)
        own = [row for key, row in told.items() if key[0] == code]
        assert sum(row["received"] for row in own) == numbered
        assert sum(row["missing"] + row["twice"] + row["z_differing"] for row in own) == 0
