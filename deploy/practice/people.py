"""Who works in the practice chain, in a dated tree, and who stands at which till on a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from deploy.practice.contacts import DAYS, REPS_PER_BRANCH, rep_codes
from deploy.practice.names import invent_names

CASHIERS_PER_BRANCH = 2
EVERYWHERE = "*"
WEEKS_BEFORE_HIRING = 2
"""How long the first branch's second cashier has not been there yet; the manager stands in."""

FIRST_REGISTER, SECOND_REGISTER = "1", "2"


@dataclass(frozen=True, slots=True)
class PlannedPosition:
    """A position with its days; None is open."""

    role: str
    branches: tuple[str, ...]
    reports_to: str | None
    first: date
    last: date | None = None


@dataclass(frozen=True, slots=True)
class PlannedEmployee:
    """One employee. Positions in the order in which they are given; `logs_in` says whether a password is made."""

    code: str
    name: str
    positions: tuple[PlannedPosition, ...]
    logs_in: bool


@dataclass(frozen=True, slots=True)
class Staff:
    """Everybody, and the codes of a branch's manager and cashiers."""

    employees: tuple[PlannedEmployee, ...]
    managers: dict[str, str]
    cashiers: dict[str, tuple[str, ...]]
    hired: dict[str, date]

    def at_tills(self, branch: str, day: date) -> list[tuple[str, str]]:
        """Register and employee: one till from Monday to Thursday, two towards the weekend.

        Who has not been hired yet is stood in for by the manager.
        """
        pair = list(self.cashiers[branch])
        if day.toordinal() % 2:
            pair.reverse()
        standing = [code if self.hired[code] <= day else self.managers[branch] for code in pair]
        if len(standing) < 2 or day.isoweekday() < 5:
            return [(FIRST_REGISTER, standing[0])]
        return [(FIRST_REGISTER, standing[0]), (SECOND_REGISTER, standing[1])]


def plan_staff(seed: int, language: str, branches: tuple[str, ...], first: date) -> Staff:
    """The chain's people from the first day on."""
    chance = Random(f"{seed}:staff")
    names = iter(invent_names(chance, language, 3 + len(branches) * (1 + CASHIERS_PER_BRANCH + REPS_PER_BRANCH)))
    employees: list[PlannedEmployee] = []

    def hire(code: str, *positions: PlannedPosition, logs_in: bool = True) -> str:
        employees.append(PlannedEmployee(code, next(names).full, positions, logs_in))
        return code

    owner = hire("owner", PlannedPosition("owner", (EVERYWHERE,), None, first))
    head = hire("head", PlannedPosition("head_of_sales", (EVERYWHERE,), owner, first))
    hire("auditor", PlannedPosition("auditor", (EVERYWHERE,), owner, first))
    managers: dict[str, str] = {}
    cashiers: dict[str, tuple[str, ...]] = {}
    hired: dict[str, date] = {}
    for number, branch in enumerate(branches, 1):
        managers[branch] = hire(f"manager{number}", PlannedPosition("manager", (branch,), head, first))
        codes = []
        for place in range(CASHIERS_PER_BRANCH):
            code = f"cashier{number}{'ab'[place]}"
            is_late = number == 1 and place == 1
            begins = first + timedelta(weeks=WEEKS_BEFORE_HIRING) if is_late else first
            positions = [PlannedPosition("cashier", (branch,), managers[branch], begins)]
            if number == len(branches) > 1 and place == 0:
                positions.append(_holiday_stand_in(branch, head, first))
            codes.append(hire(code, *positions, logs_in=place == 0))
            hired[code] = begins
        cashiers[branch] = tuple(codes)
    for number, branch in enumerate(branches, 1):
        for place, code in enumerate(rep_codes(number)):
            begins = first - timedelta(days=DAYS)
            hire(code, PlannedPosition("sales_rep", (branch,), managers[branch], begins), logs_in=place == 0)
    return Staff(tuple(employees), managers, cashiers, hired)


def _holiday_stand_in(branch: str, head: str, first: date) -> PlannedPosition:
    """The third week: the manager is on holiday, a cashier is manager for that time."""
    begins = first + timedelta(weeks=2)
    return PlannedPosition("manager", (branch,), head, begins, begins + timedelta(days=6))
