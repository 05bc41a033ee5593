"""Runs of scheduled reports: which are due, who works on one, and what became of it. Speaks with no mail server.

Theory of operation. A run is a template and the moment when it was due; the row of that pair is made once, whoever
looks first. It is worked on under a lease, by one process at a time:

    waiting ──claimed──► waiting, held ──done──► done
       ▲                      │
       └── put off, or the lease ran out ──┘      too often put off, or nobody may ask it: failed

Before a letter is spoken of to a mail server the delivery is noted *sending*. Whoever takes a run over finds such a
delivery of a holder that is gone: nobody knows, and it becomes *uncertain*, not sent again.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, and_, or_, select

from hq_server.operations.founding import read_chain
from hq_server.operations.report_templates import find_template, list_templates
from hq_server.storage.report_tables import report_delivery, report_run
from shared.clock import Ids
from shared.domain.business_time import MICROSECONDS
from shared.domain.identifiers import NIL_ID
from shared.domain.permissions import LOCAL_ADMINISTRATOR, Actor, Permission
from shared.domain.report_schedules import last_due_us
from shared.errors import InvalidInput
from shared.operations.people import actor_on, day_in_zone, find_employee
from shared.reports.templates import Template, template_of
from shared.storage.card_rows import insert_missing
from shared.storage.tables import report_template

_MINUTE_US = 60 * MICROSECONDS
LEASE_MINUTES: Final = 15
LATE_MINUTES: Final = 15
"""A run that begins later than this after it was due is marked late."""

ATTEMPTS_MAX: Final = 6
PAUSES_MINUTES: Final = (1, 5, 15, 60, 180)
WAITING_PAUSE_MINUTES: Final = 10
RUNS_PER_PASS_MAX: Final = 20
RUNS_SHOWN_MAX: Final = 50
KEPT_DAYS: Final = 400
REASON_CHARACTERS_MAX: Final = 500
FOLDER: Final = "folder"


class RunState(StrEnum):
    """What became of a run."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


class DeliveryState(StrEnum):
    """What became of a run's delivery to one place; *uncertain*: its sender is gone, or the server did not say."""

    SENDING = "sending"
    DONE = "done"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


class Delivery(NamedTuple):
    """One place that a run went to: `folder`, or an address."""

    target: str
    state: DeliveryState
    words: str


class Run(NamedTuple):
    """A run. `completeness` is the report's sentence, in the template's language."""

    template_id: bytes
    due_at_us: int
    state: RunState
    by_hand: bool
    late: bool
    attempts: int
    next_attempt_at_us: int
    finished_at_us: int | None
    reason: str
    completeness: str
    deliveries: tuple[Delivery, ...] = ()


class Claim(NamedTuple):
    """A run that one process alone works on until the lease ends."""

    template: Template
    run: Run
    holder: bytes


def note_due(connection: Connection, now_us: int) -> None:
    """Makes a run of each template whose moment has come; of several that were missed only the latest."""
    zone = read_chain(connection).timezone
    for table in (report_run, report_delivery):
        connection.execute(table.delete().where(table.c.due_at < now_us - KEPT_DAYS * 24 * 60 * _MINUTE_US))
    scheduled = select(report_template).where(
        report_template.c.schedule.is_not(None), report_template.c.archived.is_(False)
    )
    for template in map(template_of, connection.execute(scheduled).all()):
        timetable = template.timetable
        due_us = None if timetable is None else last_due_us(timetable, now_us, zone)
        if due_us is not None and due_us > (template.scheduled_at_us or now_us):
            late = now_us - due_us > LATE_MINUTES * _MINUTE_US
            _insert(connection, template.template_id, due_us, now_us, late=late, by_hand=False)


def run_by_hand(connection: Connection, now_us: int, actor: Actor, template_id: bytes) -> None:
    """Delivers a template now, as its schedule would. Raises NotPermitted, NotFound, InvalidInput."""
    template = find_template(connection, actor, template_id)
    if not template.formats or not (template.recipients or template.to_folder):
        raise InvalidInput("The template says not where it goes.", "Give it formats, and addresses or the folder.")
    _insert(connection, template_id, now_us, now_us, late=False, by_hand=True)


def _insert(connection: Connection, template_id: bytes, due_us: int, now_us: int, late: bool, by_hand: bool) -> None:
    row = {
        "template_id": template_id,
        "due_at": due_us,
        "state": RunState.WAITING.value,
        "by_hand": by_hand,
        "late": late,
        "attempts": 0,
        "next_attempt_at": now_us,
        "reason": "",
        "completeness": "",
    }
    connection.execute(insert_missing(report_run, connection), row)


def claim_next(connection: Connection, ids: Ids, now_us: int) -> Claim | None:
    """Takes the run that waits longest, so that nobody else works on it; None when none waits."""
    is_free = or_(report_run.c.leased_until.is_(None), report_run.c.leased_until <= now_us)
    waits = and_(report_run.c.state == RunState.WAITING.value, report_run.c.next_attempt_at <= now_us, is_free)
    order = (report_run.c.next_attempt_at, report_run.c.template_id)
    # Who tried it last is gone each time: it may be what ended them.
    hopeless = and_(waits, report_run.c.attempts >= ATTEMPTS_MAX)
    over = {"state": RunState.FAILED.value, "holder": None, "leased_until": None, "finished_at": now_us}
    connection.execute(report_run.update().where(hopeless).values(**over, reason="interrupted too often"))
    for row in connection.execute(select(report_run).where(waits).order_by(*order).limit(RUNS_PER_PASS_MAX)).all():
        holder = ids.new_id()
        taken = {"holder": holder, "leased_until": now_us + LEASE_MINUTES * _MINUTE_US, "attempts": row.attempts + 1}
        # The same conditions again: another process may have been faster.
        if connection.execute(
            report_run.update().where(_is(row.template_id, row.due_at), waits).values(**taken)
        ).rowcount:
            _doubt(connection, row.template_id, row.due_at, now_us)
            found = connection.execute(select(report_template).where(report_template.c.id == row.template_id)).one()
            run = _run(row, deliveries_of(connection, row.template_id, row.due_at))
            return Claim(template_of(found), run._replace(attempts=row.attempts + 1), holder)
    return None


def _doubt(connection: Connection, template_id: bytes, due_us: int, now_us: int) -> None:
    """Whoever was sending these held the lease before and is gone."""
    lost = and_(_of(template_id, due_us), report_delivery.c.state == DeliveryState.SENDING.value)
    connection.execute(report_delivery.update().where(lost).values(state=DeliveryState.UNCERTAIN.value, at=now_us))


def begin_delivery(connection: Connection, now_us: int, claim: Claim, target: str) -> bool:
    """Notes that a delivery begins, and renews the lease. False when the run is not ours any more."""
    until = now_us + LEASE_MINUTES * _MINUTE_US
    held = and_(_is(claim.run.template_id, claim.run.due_at_us), report_run.c.holder == claim.holder)
    if not connection.execute(report_run.update().where(held).values(leased_until=until)).rowcount:
        return False
    row = {"template_id": claim.run.template_id, "due_at": claim.run.due_at_us, "target": target}
    connection.execute(report_delivery.insert().values(**row, state=DeliveryState.SENDING.value, words="", at=now_us))
    return True


def end_delivery(
    connection: Connection, now_us: int, claim: Claim, target: str, state: DeliveryState | None, words: str
) -> None:
    """Notes what became of a delivery; None: nothing did, it is tried again."""
    among = and_(_of(*claim.run[:2]), report_delivery.c.target == target)
    if state is None:
        connection.execute(report_delivery.delete().where(among))
        return
    kept = {"state": state.value, "words": words[:REASON_CHARACTERS_MAX], "at": now_us}
    connection.execute(report_delivery.update().where(among).values(**kept))


def finish(connection: Connection, now_us: int, claim: Claim, state: RunState, reason: str, completeness: str) -> None:
    """The run is over, unless another holds it by now."""
    _let_go(connection, claim, state=state.value, reason=reason, completeness=completeness, finished_at=now_us)


def put_off(connection: Connection, now_us: int, claim: Claim, reason: str, completeness: str = "") -> RunState:
    """Tries it again later, or never when it was tried often enough."""
    if claim.run.attempts >= ATTEMPTS_MAX:
        finish(connection, now_us, claim, RunState.FAILED, reason, completeness)
        return RunState.FAILED
    pause = PAUSES_MINUTES[min(claim.run.attempts, len(PAUSES_MINUTES)) - 1]
    _let_go(connection, claim, reason=reason, completeness=completeness, next_attempt_at=now_us + pause * _MINUTE_US)
    return RunState.WAITING


def wait_for_branches(connection: Connection, now_us: int, claim: Claim, completeness: str) -> None:
    """Looks again in a while; that counts as no attempt."""
    at_us = now_us + WAITING_PAUSE_MINUTES * _MINUTE_US
    _let_go(connection, claim, attempts=claim.run.attempts - 1, completeness=completeness, next_attempt_at=at_us)


def _let_go(connection: Connection, claim: Claim, **values: Any) -> None:
    if "reason" in values:
        values["reason"] = values["reason"][:REASON_CHARACTERS_MAX]
    held = and_(_is(claim.run.template_id, claim.run.due_at_us), report_run.c.holder == claim.holder)
    connection.execute(report_run.update().where(held).values(holder=None, leased_until=None, **values))


def runs_of(connection: Connection, template_id: bytes, limit: int = RUNS_SHOWN_MAX) -> list[Run]:
    """A template's runs, the latest first."""
    found = select(report_run).where(report_run.c.template_id == template_id)
    rows = connection.execute(found.order_by(report_run.c.due_at.desc()).limit(limit)).all()
    return [_run(row, deliveries_of(connection, row.template_id, row.due_at)) for row in rows]


def list_runs(connection: Connection, actor: Actor, limit: int = RUNS_SHOWN_MAX) -> list[tuple[Template, Run]]:
    """The latest runs of the templates that the actor sees. Raises NotPermitted."""
    templates = {each.template_id: each for each in list_templates(connection, actor, with_archived=True)}
    rows = connection.execute(
        select(report_run)
        .where(report_run.c.template_id.in_(list(templates)))
        .order_by(report_run.c.due_at.desc())
        .limit(limit)
    ).all()
    return [
        (templates[row.template_id], _run(row, deliveries_of(connection, row.template_id, row.due_at))) for row in rows
    ]


def deliveries_of(connection: Connection, template_id: bytes, due_us: int) -> tuple[Delivery, ...]:
    """What became of a run's deliveries so far."""
    rows = connection.execute(
        select(report_delivery).where(_of(template_id, due_us)).order_by(report_delivery.c.target)
    )
    return tuple(Delivery(row.target, DeliveryState(row.state), row.words) for row in rows)


def owner_of(connection: Connection, template: Template, now_us: int) -> Actor | None:
    """In whose name a template runs today; None when that one may see the chain's reports no more."""
    if template.owner_id in (None, NIL_ID):
        return LOCAL_ADMINISTRATOR
    assert template.owner_id is not None
    person = find_employee(connection, template.owner_id)
    day = day_in_zone(now_us, read_chain(connection).timezone)
    actor = None if person is None or person.archived else actor_on(connection, person, day, None)
    return actor if actor is not None and actor.may(Permission.REPORT_CHAIN) else None


def _is(template_id: bytes, due_us: int) -> Any:
    return and_(report_run.c.template_id == template_id, report_run.c.due_at == due_us)


def _of(template_id: bytes, due_us: int) -> Any:
    return and_(report_delivery.c.template_id == template_id, report_delivery.c.due_at == due_us)


def _run(row: Row[Any], deliveries: tuple[Delivery, ...]) -> Run:
    return Run(
        row.template_id,
        row.due_at,
        RunState(row.state),
        row.by_hand,
        row.late,
        row.attempts,
        row.next_attempt_at,
        row.finished_at,
        row.reason,
        row.completeness,
        deliveries,
    )
