"""Reports over the whole chain at a branch: what the head office computed and told, shown as it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from sqlalchemy import Connection

from branch_node.storage.chain_answers import answers_of
from shared.domain.identifiers import is_id, parse_id
from shared.errors import DecodeError, InvalidInput, Refused
from shared.reports.answers import asked_of, decode_answer
from shared.reports.branch_questions import Question, questions_of
from shared.reports.client_cards import ClientCards
from shared.reports.parameters import ReportAsk, parse_ask
from shared.reports.report import Report
from shared.reports.result import ReportResult

BRANCH, CLIENT = "branch", "client"


class NotToldYet(Refused):
    """The head office has told no answer to this question so far."""


def told_answer(
    connection: Connection, report: Report, ask: ReportAsk, code: str, zone: str, today: date
) -> ReportResult:
    """The newest answer to a question that branches are told the answer to. Raises InvalidInput for any other
    question, NotToldYet, Refused."""
    question = _question_of(report, ask, code)
    row = answers_of(connection, report.name).get(question.name)
    if row is None:
        raise NotToldYet(
            "The head office has not sent this report yet.",
            "It computes it every night; it comes with the synchronisation that follows.",
        )
    try:
        parameters = parse_ask(asked_of(row.data), list(report.all_dimensions), report.options, zone, today)
        result = decode_answer(row.data, report.name, parameters)
    except (DecodeError, InvalidInput) as error:
        raise Refused(
            "What the head office sent cannot be read by this release.", "Upgrade the program, or wait for the night."
        ) from error
    return replace(_with_clients(connection, result), computed_at_us=row.computed_at)


def find_question(report: Report, ask: ReportAsk, code: str) -> Question | None:
    """The question that is asked, if branches are told its answer; where nothing is said, the first of the report."""
    by = tuple(name for name in ask.by if name != BRANCH)
    is_plain = not (ask.date_from or ask.date_to or ask.as_of or ask.filters or ask.team or ask.compare or ask.options)
    if not is_plain or not set(ask.branches) <= {code}:
        return None
    for question in questions_of(report.name):
        if (not by or by == question.by) and (not ask.period or ask.period == question.period):
            return question
    return None


def _question_of(report: Report, ask: ReportAsk, code: str) -> Question:
    found, known = find_question(report, ask, code), questions_of(report.name)
    if found is not None:
        return found
    if not known:
        raise InvalidInput(f"The report {report.name} needs the whole chain.", "Run it at the head office.")
    there = "; ".join(f"{', '.join(each.by)} {each.period}".strip() for each in known)
    raise InvalidInput(
        f"Of the report {report.name} a branch is told only fixed questions, and this is none of them.",
        f"There are: {there}. Anything else is answered at the head office.",
    )


def _with_clients(connection: Connection, result: ReportResult) -> ReportResult:
    """Clients as they are called here, who came as the ids of their cards; of the erased nothing is said."""
    places = [place for place, column in enumerate(result.columns) if column.name == CLIENT]
    if not places:
        return result
    cards = ClientCards(connection, are_named=True)
    labels = cards.labels()

    def label(text: str) -> str:
        key = cards.client_of(parse_id(text), None) if is_id(text) else None
        return "" if key is None else labels.of(key)

    rows = [tuple(label(value) if place in places else value for place, value in enumerate(row)) for row in result.rows]
    return replace(result, rows=tuple(rows))
