"""`Prove` beside a total: what it means, how complete it is, the chains it rests on, and a file for an outsider."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations.authority import Authority
from hq_server.operations.proving import (
    AT_ONCE_ENTRIES_MAX,
    PROOF_ENTRIES_MAX,
    Checked,
    Proof,
    check_proof,
    prove_sales,
    whole_days,
    write_proof,
)
from hq_server.operations.report_room import ask_report
from hq_server.web.check_words import say_found
from hq_server.web.context import context_of
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.permissions import Permission
from shared.errors import Refused
from shared.reports.registry import find_report
from shared.reports.report import Report
from shared.reports.result import ReportResult
from shared.web.completeness_words import completeness_words
from shared.web.pages import render
from shared.web.report_forms import first_ask, pairs_of
from shared.web.report_words import Words, asked_in_words, format_value, heading
from shared.web.translations import gettext

FILE_ENTRIES_MAX: Final = 50_000
"""Entries of a file that the page gives out; the command line writes larger ones."""
SCRIPT: Final = "docs/check_proof.py"


def page(request: Request) -> Response:
    """`/reports/NAME/prove`, asked like the report. `check=yes` follows the chains however long they are."""
    context, actor = context_of(request), actor_of(request)
    report = find_report(request.path_params["name"])
    ask = first_ask(report, request.query_params)
    now_us, lag_minutes = context.clock.now_us(), context.settings.completeness_lag_minutes
    with context.store.read() as connection:
        result = ask_report(connection, actor, report, ask, now_us, lag_minutes)
        proof = prove_sales(connection, whole_days(ask), now_us, lag_minutes, actor)
        may_check = actor.may(Permission.AUDIT_VIEW)
        asked_to = bool(request.query_params.get("check")) and proof.entries <= PROOF_ENTRIES_MAX
        checked = None
        if may_check and (asked_to or proof.entries <= AT_ONCE_ENTRIES_MAX):
            checked = check_proof(connection, proof, actor)
        names = {row.code: row.name or row.code for row in proof.branches}
    words = Words(context.chain.timezone, context.chain.currency, {"branch": names})
    address = f"/reports/{report.name}/prove?{urlencode([*pairs_of(ask), ('check', 'yes')])}"
    return render(
        request,
        "prove.html",
        report=report,
        back=f"/reports/{report.name}?{urlencode(pairs_of(ask))}",
        asked=asked_in_words(report, result.parameters, words),
        figures=_figures(report, result, words),
        completeness=completeness_words(result.completeness, names, context.chain.timezone),
        chains=_chains(proof, names, checked),
        is_sound=checked is not None and not any(each.problems or each.differing for each in checked),
        is_checked=checked is not None,
        check_url=address if may_check and proof.entries <= PROOF_ENTRIES_MAX else "",
        file_url=f"/reports/sales/proof.jsonl?{urlencode(pairs_of(whole_days(ask)))}" if may_check else "",
        entries=proof.entries,
        entries_max=FILE_ENTRIES_MAX,
        script=SCRIPT,
        say_found=say_found,
    )


def download(request: Request) -> Response:
    """`/reports/sales/proof.jsonl`: the file that docs/check_proof.py checks."""
    context, actor = context_of(request), actor_of(request)
    ask = whole_days(first_ask(find_report("sales"), request.query_params))
    authority = Authority.load(context.settings)
    with context.store.read() as connection:
        proof = prove_sales(connection, ask, context.clock.now_us(), context.settings.completeness_lag_minutes, actor)
        if proof.entries > FILE_ENTRIES_MAX:
            raise Refused(
                "The file would be too large to be given out by a page.",
                "Ask for a shorter period, or run: filial-hq report prove FILE",
            )
        content = b"".join(write_proof(connection, proof, authority, actor))
    headers = {"Content-Disposition": 'attachment; filename="proof.jsonl"', "Cache-Control": "no-store"}
    return Response(content, media_type="application/jsonl", headers=headers)


def _figures(report: Report, result: ReportResult, words: Words) -> list[dict[str, str]]:
    """Every total with what it means."""
    columns = result.columns[len(result.columns) - len(result.totals) :]
    definitions = report.all_definitions
    return [
        {
            "name": heading(column),
            "value": format_value(column, value, words),
            "definition": gettext(definitions[column.name]) if column.name in definitions else "",
        }
        for column, value in zip(columns, result.totals, strict=True)
    ]


def _chains(proof: Proof, names: dict[str, str], checked: list[Checked] | None) -> list[dict[str, Any]]:
    """A row for each branch: its newest stretch, and what was found."""
    found = {each.code: each for each in checked or ()}
    rows = []
    for row in proof.branches:
        stretches = [stretch for stretch in proof.stretches if stretch.branch.id == row.id]
        head = stretches[-1].head if stretches else None
        rows.append(
            {
                "name": names[row.code],
                "entries": sum(stretch.entries for stretch in stretches),
                "seq": None if head is None else head.seq,
                "hash": "" if head is None else head.entry_hash.hex(),
                "checked": found.get(row.code),
            }
        )
    return rows


ROUTES = (
    guarded("/reports/{name}/prove", page),
    guarded("/reports/sales/proof.jsonl", download),
)
