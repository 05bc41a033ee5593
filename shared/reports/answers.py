"""A report's answer as bytes: what the head office keeps of reports that take long, and what it tells branches."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any

from shared.errors import DecodeError
from shared.reports.parameters import ReportAsk, ReportParameters
from shared.reports.result import BranchCompleteness, Column, Completeness, ReportResult

ANSWER_JSON_BYTES_MAX = 256_000_000
"""Of one answer, unpacked."""


def parameters_json(parameters: ReportParameters) -> str:
    """Canonical: equal questions are equal texts, however their period was named."""
    return json.dumps(parameters.as_json(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def ask_of(document: dict[str, Any]) -> ReportAsk:
    """The question that parameters, as their JSON shows them, are the answer to."""
    return ReportAsk(
        by=document["by"],
        date_from=document["from"],
        date_to=document["to"],
        branches=document["branches"],
        as_of=document["as_of"],
        filters=[f"{name}={value}" for name, values in document.get("filters", {}).items() for value in values],
        team=document.get("team", ""),
        compare=document.get("compare"),
        like_for_like=document.get("like_for_like", False),
        options=[f"{name}={value}" for name, value in document.get("options", {}).items()],
    )


def encode_answer(result: ReportResult) -> bytes:
    """Everything of an answer, what was asked included, compressed."""
    document = {
        "asked": result.parameters.as_json(),
        "columns": [[column.name, column.type, column.label, column.unit] for column in result.columns],
        "rows": result.rows,
        "left_out": result.rows_left_out,
        "totals": result.totals,
        "currency": result.currency,
        "branches": [
            [known.branch, known.watermark_us, known.last_seen_us, known.complete, known.share_basis_points]
            for known in result.completeness.branches
        ],
    }
    return zlib.compress(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())


def decode_answer(data: bytes, report: str, parameters: ReportParameters) -> ReportResult:
    """The answer as it was given. Raises DecodeError."""

    def tuples(rows: Sequence[Sequence[Any]]) -> tuple[tuple[Any, ...], ...]:
        return tuple(tuple(row) for row in rows)

    document = _unpacked(data)
    try:
        return ReportResult(
            report,
            parameters,
            tuple(Column(*column) for column in document["columns"]),
            tuples(document["rows"]),
            tuple(document["totals"]),
            Completeness(tuple(BranchCompleteness(*known) for known in document["branches"])),
            document["currency"],
            rows_left_out=document.get("left_out", 0),
        )
    except (KeyError, TypeError) as error:
        raise DecodeError("The answer of a report cannot be read.") from error


def asked_of(data: bytes) -> ReportAsk:
    """What an answer is the answer to. Raises DecodeError."""
    try:
        return ask_of(_unpacked(data)["asked"])
    except (KeyError, TypeError, AttributeError) as error:
        raise DecodeError("The answer of a report cannot be read.") from error


def _unpacked(data: bytes) -> dict[str, Any]:
    try:
        unpacking = zlib.decompressobj()
        text = unpacking.decompress(data, ANSWER_JSON_BYTES_MAX)
        document = json.loads(text) if unpacking.eof else None
    except (zlib.error, ValueError, RecursionError) as error:
        raise DecodeError("The answer of a report cannot be read.") from error
    if not isinstance(document, dict):
        raise DecodeError("The answer of a report cannot be read.")
    return document
