"""A client's timeline as a table for people and a document for programs, alike at a branch and at the head office."""

from __future__ import annotations

from typing import Any

from shared.cli.commands import GlobalOptions
from shared.cli.output import print_rows
from shared.domain.business_time import format_us
from shared.domain.identifiers import format_id
from shared.domain.interactions import Interaction, format_duration
from shared.domain.money import format_minor
from shared.domain.timeline import (
    ChangeEntry,
    LetterEntry,
    ReceiptEntry,
    SpokenEntry,
    TaskEntry,
    TimelineEntry,
    TimelinePage,
    TransferEntry,
)


def print_timeline(options: GlobalOptions, page: TimelinePage) -> None:
    """Entries, newest first; as JSON with the key after which the next page begins."""
    rows = [entry_document(entry) for entry in page.entries]
    columns = ("at", "kind", "branch", "who", "text")
    further = {"further": None if page.further is None else str(page.further)}
    print_rows(options, "entries", columns, rows, "Nothing has taken place with this client yet.", further)


def entry_document(entry: TimelineEntry) -> dict[str, Any]:
    """One entry."""
    return {
        "at": format_us(entry.key.at_us),
        "branch": entry.branch_code or None,
        "who": entry.who or None,
        "id": format_id(entry.key.id),
        **_document(entry),
    }


def interaction_document(said: Interaction) -> dict[str, Any]:
    """What was said."""
    return {
        "kind": said.channel,
        "direction": said.direction or None,
        "reached": said.reached,
        "outcome": said.outcome or None,
        "duration": format_duration(said.duration_seconds) or None,
        "told": said.told or None,
        "points": [point._asdict() for point in said.points],
        "text": " · ".join(filter(None, (said.outcome, said.subject, said.body, said.told))),
    }


def _document(entry: TimelineEntry) -> dict[str, Any]:
    match entry.what:
        case SpokenEntry(said, earlier, _, request_state):
            return {**interaction_document(said), "corrected": len(earlier), "state": request_state}
        case ReceiptEntry(is_refund, receipt, amount, currency, goods):
            text = f"{receipt}: {format_minor(amount, currency)} {currency}, {', '.join(goods)}"
            return {"kind": "refund" if is_refund else "sale", "amount_minor": amount, "text": text}
        case TransferEntry(fact, before, after):
            return {"kind": "transfer", "text": f"{before or '–'} → {after or '–'} {fact.reason}".strip()}
        case ChangeEntry(changes):
            values = [f"{change.field}: {_value(change.after)}" for change in changes]
            return {"kind": "change", "text": ", ".join(values)}
        case TaskEntry(_, title, outcome):
            return {"kind": "task", "text": " · ".join(filter(None, (title, outcome)))}
        case LetterEntry():
            letter = entry.what
            return {"kind": "letter", "state": letter.state or None, "text": letter.subject}


def _value(value: object) -> str:
    return format_id(value) if isinstance(value, bytes) else str(value)
