"""One pass over scheduled reports: what is due is run, made into files, and delivered to addresses and the folder."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date
from typing import Final, NamedTuple

import structlog
from sqlalchemy import Connection

from hq_server.mail.accounts import sender_address, smtp_account
from hq_server.mail.passes import Line, MailRoom
from hq_server.mail.report_letters import LetterHead, ReportFile, compose_report, put_into_folder, safe_stem
from hq_server.mail.smtp import SmtpLine
from hq_server.operations.mail_sending import Answer
from hq_server.operations.report_room import branches_and_people
from hq_server.operations.report_runs import (
    FOLDER,
    RUNS_PER_PASS_MAX,
    Claim,
    DeliveryState,
    RunState,
    begin_delivery,
    claim_next,
    deliveries_of,
    end_delivery,
    finish,
    note_due,
    owner_of,
    put_off,
    wait_for_branches,
)
from hq_server.operations.reporting import run_report
from shared.domain.business_time import MICROSECONDS, local_moment
from shared.domain.permissions import Actor
from shared.errors import FilialError, InvalidInput
from shared.reports.asks import ask_of_document
from shared.reports.exports import EXPORTS
from shared.reports.naming import name_values, named_result, names_of_our_own, texts_of
from shared.reports.parameters import ReportAsk
from shared.reports.periods import named_period
from shared.reports.presentation import Presentation
from shared.reports.registry import find_report
from shared.reports.result import ReportResult
from shared.reports.wording import Speaker, completeness_of, filters_of, made_of, period_of, title_of
from shared.web.translations import gettext, speaking

Connect = Callable[[], AbstractContextManager[Line]]
_HOUR_US: Final = 3_600 * MICROSECONDS


class Made(NamedTuple):
    """A report that was run: its files, and what a letter says."""

    files: list[ReportFile]
    subject: str
    body: str
    completeness: str
    is_complete: bool


def deliver_due(room: MailRoom, connect: Connect | None = None) -> dict[str, int]:
    """Runs and delivers what is due; returns how many runs are in which state since. Any number of processes may do
    it at once: each run is of one of them. `connect` is for tests."""
    with room.store.write() as connection:
        note_due(connection, room.clock.now_us())
    counts: dict[str, int] = {}
    for _number in range(RUNS_PER_PASS_MAX):
        if room.is_over():
            break
        with room.store.write() as connection:
            claim = claim_next(connection, room.ids, room.clock.now_us())
        if claim is None:
            break
        state = _work_on(room, claim, connect or _smtp_of(room))
        counts[state] = counts.get(state, 0) + 1
    return counts


def _smtp_of(room: MailRoom) -> Connect:
    def connect() -> AbstractContextManager[Line]:
        account = smtp_account(room.settings)
        if account is None:
            raise InvalidInput("No server is set that takes letters.", "Set FILIAL_SMTP_HOST.")
        return SmtpLine(account, sender_address(room.settings))

    return connect


def _work_on(room: MailRoom, claim: Claim, connect: Connect) -> RunState:
    with speaking(claim.template.language or "ru"):
        try:
            made = _make(room, claim)
        except FilialError as error:
            return _put_off(room, claim, error.message)
        except Exception as error:  # noqa: BLE001 - a report that nobody foresaw must not keep the others back
            structlog.get_logger().exception("report not made", template=claim.template.name)
            return _put_off(room, claim, f"{type(error).__name__}: see the log")
        if made is None:
            with room.store.write() as connection:
                reason = "whoever saved it may not see the chain's reports any more"
                finish(connection, room.clock.now_us(), claim, RunState.FAILED, reason, "")
            return RunState.FAILED
        waits_until_us = claim.run.due_at_us + claim.template.wait_hours * _HOUR_US
        if not made.is_complete and not claim.run.by_hand and room.clock.now_us() < waits_until_us:
            with room.store.write() as connection:
                wait_for_branches(connection, room.clock.now_us(), claim, made.completeness)
            return RunState.WAITING
        return _conclude(room, claim, made, _deliver(room, claim, made, connect))


def _put_off(room: MailRoom, claim: Claim, reason: str) -> RunState:
    with room.store.write() as connection:
        return put_off(connection, room.clock.now_us(), claim, reason)


def _make(room: MailRoom, claim: Claim) -> Made | None:
    """Runs the report as of its due day; None when its owner may not ask it."""
    template, now_us = claim.template, room.clock.now_us()
    report, chain = find_report(template.report), room.chain()
    due = local_moment(claim.run.due_at_us, chain.timezone)
    with room.store.read() as connection:
        owner = owner_of(connection, template, now_us)
        if owner is None:
            return None
        ask = _of_day(ask_of_document(template.ask), due.business_date)
        found = run_report(connection, report, ask, now_us, room.settings.completeness_lag_minutes)
        result = _named(connection, owner, found, template.language or "ru")
    presentation = Presentation(template.language or "ru", gettext, chain.timezone, now_us, owner.name)
    speaker = Speaker(presentation, result.currency)
    stem = safe_stem(template.name, speaker.local(claim.run.due_at_us))
    files = [ReportFile(f"{stem}.{kind}", kind, EXPORTS[kind](result, presentation)) for kind in template.formats]
    return Made(
        files,
        f"{template.name}: {period_of(result.parameters, speaker)}",
        _body(result, speaker, claim, chain.name),
        completeness_of(result.completeness, speaker),
        not result.completeness.missing,
    )


def _named(connection: Connection, owner: Actor, found: ReportResult, language: str) -> ReportResult:
    branches, people = branches_and_people(connection, owner)
    names = name_values(connection, texts_of(found), language)
    names |= {"branch": dict(branches)} | names_of_our_own(gettext)
    for dimension in ("cashier", "employee", "team"):
        names[dimension] = dict(people)
    return named_result(found, names)


def _of_day(ask: ReportAsk, day: date) -> ReportAsk:
    """Its period as it was meant on the day when it was due: what runs late still tells of that yesterday."""
    if not ask.period:
        return ask
    first, last = named_period(ask.period, day)
    date_from, date_to = first.isoformat() if first else None, last.isoformat() if last else None
    return replace(ask, period=None, date_from=date_from, date_to=date_to)


def _body(result: ReportResult, speaker: Speaker, claim: Claim, chain_name: str) -> str:
    """What is asked, how complete it is, and when it was due if that is long ago."""
    say = speaker.say
    lines = [f"{title_of(result, speaker)}: {period_of(result.parameters, speaker)}", *filters_of(result, speaker)]
    lines += ["", completeness_of(result.completeness, speaker)]
    if claim.run.late:
        due = speaker.moment(claim.run.due_at_us)
        lines.append(gettext("This report was due on %(moment)s and is late.") % {"moment": due})
    zone = say("times of %(zone)s") % {"zone": speaker.presentation.zone}
    return "\n".join([*lines, "", f"{chain_name}. {made_of(speaker)}; {zone}", ""])


def _deliver(room: MailRoom, claim: Claim, made: Made, connect: Connect) -> list[str]:
    """Delivers to every place that it was not delivered to before; returns why some were not, to be tried again."""
    problems = []
    if claim.template.to_folder:
        problems += _into_folder(room, claim, made)
    done = {each.target for each in claim.run.deliveries}
    waiting = [address for address in claim.template.recipients if address not in done]
    if not waiting:
        return problems
    try:
        with connect() as line:
            for address in waiting:
                if room.is_over() or not line.is_open:
                    return [*problems, f"{address}: the mail server closed the line"]
                problems += _by_letter(room, claim, made, line, address)
    except FilialError as error:
        problems.append(error.message)
    return problems


def _into_folder(room: MailRoom, claim: Claim, made: Made) -> list[str]:
    """A file that was put there before is found again: it needs no doubt."""
    known = {each.target: each.state for each in claim.run.deliveries}
    is_again = FOLDER in known
    if known.get(FOLDER) is DeliveryState.DONE:
        return []
    with room.store.write() as connection:
        if is_again:
            end_delivery(connection, room.clock.now_us(), claim, FOLDER, None, "")
        if not begin_delivery(connection, room.clock.now_us(), claim, FOLDER):
            return []
    state, words, problems = DeliveryState.DONE, "", list[str]()
    try:
        words = ", ".join(put_into_folder(room.settings.report_folder, made.files, is_again))
    except FilialError as error:
        problems = [error.message]
    with room.store.write() as connection:
        end_delivery(connection, room.clock.now_us(), claim, FOLDER, None if problems else state, words)
    return problems


def _by_letter(room: MailRoom, claim: Claim, made: Made, line: Line, address: str) -> list[str]:
    try:
        data = compose_report(_head(room, claim, made, address), made.files)
    except InvalidInput as error:
        return [error.message]
    with room.store.write() as connection:
        if not begin_delivery(connection, room.clock.now_us(), claim, address):
            return []
    outcome = line.deliver(address, data)
    states = {
        Answer.TAKEN: DeliveryState.DONE,
        Answer.REJECTED: DeliveryState.FAILED,
        Answer.NONE: DeliveryState.UNCERTAIN,
        Answer.PUT_OFF: None,
    }
    with room.store.write() as connection:
        end_delivery(connection, room.clock.now_us(), claim, address, states[outcome.answer], outcome.words)
    return [f"{address}: {outcome.words}"] if outcome.answer is Answer.PUT_OFF else []


def _head(room: MailRoom, claim: Claim, made: Made, address: str) -> LetterHead:
    settings, run = room.settings, claim.run
    name = settings.mail_from_name or room.chain().name
    identity = run.template_id + run.due_at_us.to_bytes(8, "big")
    return LetterHead(sender_address(settings), name, address, made.subject, made.body, room.clock.now_us(), identity)


def _conclude(room: MailRoom, claim: Claim, made: Made, problems: list[str]) -> RunState:
    now_us = room.clock.now_us()
    with room.store.write() as connection:
        if problems:
            return put_off(connection, now_us, claim, "; ".join(problems), made.completeness)
        found = deliveries_of(connection, claim.run.template_id, claim.run.due_at_us)
        bad = [each for each in found if each.state is not DeliveryState.DONE]
        reason = "; ".join(f"{each.target}: {each.words or each.state}" for each in bad)
        state = RunState.FAILED if bad and len(bad) == len(found) else RunState.DONE
        finish(connection, now_us, claim, state, reason, made.completeness)
    return state
