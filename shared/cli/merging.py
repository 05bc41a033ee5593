"""How the command lines show duplicates and merges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from shared.cli.commands import GlobalOptions
from shared.cli.output import print_result, print_rows
from shared.domain.business_time import format_us
from shared.domain.identifiers import format_id
from shared.domain.merging import FieldPlan
from shared.operations.client_merging import MergeDone, MergePreview
from shared.operations.duplicates import Proposal

PROPOSAL_COLUMNS = ("score", "one", "one_name", "other", "other_name", "reasons")


def print_proposals(options: GlobalOptions, proposals: Iterable[Proposal], merges: Sequence[MergeDone] = ()) -> None:
    """Pairs that may be one client; as JSON with the merges that hold."""
    rows = [
        {
            "score": each.score.points,
            "one": format_id(each.one.client_id),
            "one_name": each.one.name,
            "other": format_id(each.other.client_id),
            "other_name": each.other.name,
            "reasons": [str(reason) for reason in each.score.reasons],
        }
        for each in proposals
    ]
    extra = {"merged": [merge_document(each) for each in merges]}
    print_rows(options, "duplicates", PROPOSAL_COLUMNS, rows, "Nobody seems to be here twice.", extra)


def merge_document(merge: MergeDone) -> dict[str, Any]:
    """A merge that holds."""
    return {
        "merged": format_id(merge.loser_id),
        "name": merge.loser_name,
        "into": format_id(merge.survivor_id),
        "at": format_us(merge.at_ms * 1_000),
        "command": merge.command_id.hex(),
    }


def print_preview(options: GlobalOptions, preview: MergePreview) -> None:
    """Every field of both cards that says something, and what would be kept."""
    rows = [_field(plan) for plan in preview.plans if not plan.is_empty]
    print_rows(options, "fields", ("field", "own", "other", "kept", "why"), rows, "Both cards are empty.")


def print_merged(options: GlobalOptions, survivor_id: bytes, loser_id: bytes, command_id: bytes) -> None:
    """What was done, and how it is taken back."""
    document = {"survivor": format_id(survivor_id), "merged": format_id(loser_id), "command": command_id.hex()}
    sentence = f"Merged {format_id(loser_id)} into {format_id(survivor_id)}. Back: client unmerge {format_id(loser_id)}"
    print_result(options, document, sentence)


def _field(plan: FieldPlan) -> dict[str, Any]:
    def shown(value: Any) -> Any:
        return format_id(value) if isinstance(value, bytes) else list(value) if isinstance(value, tuple) else value

    own, other, kept = shown(plan.own), shown(plan.other), shown(plan.kept)
    return {"field": plan.field, "own": own, "other": other, "kept": kept, "why": str(plan.why)}
