"""`filial-hq audit`: what an auditor holds against the tills."""

from __future__ import annotations

from datetime import date
from typing import Any

import click

from hq_server.bootstrap import head_office
from hq_server.operations.refund_checks import OverRefund, find_over_refunds
from hq_server.operations.shift_audit import FORGED, ShiftAudit, audit_shifts
from hq_server.storage.branches import branch_by_code, branch_names
from shared.cli.commands import GlobalOptions, Group
from shared.cli.output import print_rows
from shared.cli.program import EXIT_FAILED
from shared.domain.business_time import parse_date
from shared.domain.identifiers import format_id
from shared.domain.money import quantity_number
from shared.domain.sales import format_receipt


@click.group(cls=Group)
def audit() -> None:
    """Z-reports against the receipts, refunds against the sales."""


@audit.command("shifts")
@click.argument("codes", metavar="[CODE]...", nargs=-1)
@click.option("--from", "date_from", metavar="DATE", help="First business date.")
@click.option("--to", "date_to", metavar="DATE", help="Last business date.")
@click.option("--differing", is_flag=True, help="Only those that are not as the receipts make them.")
@click.pass_obj
def shifts_command(
    options: GlobalOptions, codes: tuple[str, ...], date_from: str | None, date_to: str | None, differing: bool
) -> int:
    """Compare every Z-report with HQ's own sums and the branch's signature; exit 1 when one differs."""
    period = (_day(date_from, "--from"), _day(date_to, "--to"))
    with head_office(options.home) as office, office.store.read() as connection:
        names = branch_names(connection)
        branch_ids = [branch_by_code(connection, code).id for code in codes] or None
        audits = audit_shifts(connection, branch_ids, *period)
    wrong = [each for each in audits if each.differences or each.signature == FORGED]
    rows = [_shift_document(names, each) for each in (wrong if differing else audits)]
    columns = ("branch", "register", "business_date", "first_receipt", "last_receipt", "signature", "differences")
    print_rows(options, "shifts", columns, rows, "There is no Z-report in this period.")
    return EXIT_FAILED if wrong else 0


@audit.command("refunds")
@click.pass_obj
def refunds_command(options: GlobalOptions) -> int:
    """List lines of which more came back than was sold; exit 1 when there are any."""
    with head_office(options.home) as office, office.store.read() as connection:
        names = branch_names(connection)
        cases = find_over_refunds(connection)
    columns = ("branch", "receipt", "line", "sku", "sold", "refunded", "refunded_minor")
    print_rows(options, "cases", columns, [_case_document(names, case) for case in cases], "Nothing came back twice.")
    return EXIT_FAILED if cases else 0


def _day(text: str | None, option: str) -> date | None:
    return None if text is None else parse_date(text, option)


def _shift_document(names: dict[bytes, str], audited: ShiftAudit) -> dict[str, Any]:
    report = audited.report
    return {
        "branch": names.get(audited.branch_id, audited.branch_id.hex()),
        "register": report.register,
        "business_date": report.business_date.isoformat(),
        "cashier": report.cashier,
        "first_receipt": format_receipt(report.register, report.first_receipt) if report.first_receipt else None,
        "last_receipt": format_receipt(report.register, report.last_receipt) if report.last_receipt else None,
        "net_minor": report.net_minor,
        "returns_minor": report.returns_minor,
        "cash_variance_minor": report.cash_variance_minor,
        "signature": audited.signature,
        "equal": not audited.differences,
        "differences": list(audited.differences),
    }


def _case_document(names: dict[bytes, str], case: OverRefund) -> dict[str, Any]:
    return {
        "branch": names.get(case.sale_branch_id, case.sale_branch_id.hex()),
        "receipt": case.receipt,
        "sale": format_id(case.sale_id),
        "line": case.line,
        "sku": case.sku,
        "sold": quantity_number(case.sold_thousandths),
        "refunded": quantity_number(case.refunded_thousandths),
        "refunded_minor": case.refunded_minor,
    }
