"""`filial-hq report`: consolidated reports."""

from __future__ import annotations

from pathlib import Path

import click

from hq_server.bootstrap import head_office
from hq_server.cli.report_templates import add_template_commands
from hq_server.operations.chain_answers import list_told, tell_branches
from hq_server.operations.proving import prove_sales, write_proof
from hq_server.operations.reporting import run_report
from shared.cli.commands import GlobalOptions
from shared.cli.output import print_result, print_rows
from shared.cli.reports import report_group
from shared.domain.business_time import format_us
from shared.errors import InvalidInput
from shared.reports.branch_questions import QUESTIONS
from shared.reports.parameters import ReportAsk
from shared.reports.report import Report
from shared.reports.result import ReportResult


def _run(options: GlobalOptions, report: Report, ask: ReportAsk) -> ReportResult:
    with head_office(options.home) as office, office.store.read() as connection:
        lag_minutes = office.settings.completeness_lag_minutes
        return run_report(connection, report, ask, office.clock.now_us(), lag_minutes)


report = report_group(_run, "Consolidated reports.")
add_template_commands(report)


@report.command("prove")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--from", "date_from", help="First business date, YYYY-MM-DD.")
@click.option("--to", "date_to", help="Last business date, YYYY-MM-DD.")
@click.option("--branch", "branches", multiple=True, help="Code of a branch; may be repeated.")
@click.pass_obj
def prove_command(
    options: GlobalOptions, file: Path, date_from: str | None, date_to: str | None, branches: tuple[str, ...]
) -> None:
    """Write what the total of sales rests on: anybody can check it with docs/check_proof.py. It names people."""
    ask = ReportAsk(date_from=date_from, date_to=date_to, branches=branches)
    with head_office(options.home) as office, office.store.read() as connection:
        lag_minutes = office.settings.completeness_lag_minutes
        proof = prove_sales(connection, ask, office.clock.now_us(), lag_minutes)
        try:
            with file.open("wb") as target:
                target.writelines(write_proof(connection, proof, office.authority()))
        except OSError as error:
            raise InvalidInput(f"{file} cannot be written: {error.strerror}.") from None
    document = {"file": str(file), "entries": proof.entries, "branches": [row.code for row in proof.branches]}
    print_result(options, document, f"{file}: {proof.entries} entries of {len(proof.branches)} branches.")


@report.command("compute", hidden=True)
@click.pass_obj
def compute(options: GlobalOptions) -> None:
    """Compute the reports that were asked for and wait, then end. `serve` does it by itself."""
    from hq_server.bootstrap.computing import compute_waiting

    computed = compute_waiting(options.home)
    print_result(options, {"computed": computed})


@report.command("tell-branches")
@click.pass_obj
def tell_branches_command(options: GlobalOptions) -> None:
    """Compute now what branches are told of the whole chain every night, and leave it for the feed."""
    with head_office(options.home) as office:
        settings = office.settings
        for number, question in enumerate(QUESTIONS, 1):
            if not options.json:
                click.echo(f"{number} of {len(QUESTIONS)}: {question.name}", err=True)
            hour, lag_minutes = settings.chain_answers_hour, settings.completeness_lag_minutes
            tell_branches(office.store, office.clock, question, hour, lag_minutes)
        with office.store.read() as connection:
            told = list_told(connection)
    rows = [
        {
            "question": each.question.name,
            "computed_at": None if each.computed_at_us is None else format_us(each.computed_at_us),
            "branches": each.branches,
            "reason": each.reason,
        }
        for each in told
    ]
    print_rows(options, "answers", ("question", "computed_at", "branches", "reason"), rows, "There is no question.")
