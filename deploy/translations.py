"""Finds the texts that people read and holds them against the catalogs. Run as `python -m deploy.translations`.

It prints what has no Russian translation, ready to be put into a `.po` file, and what no page says any more.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from babel.messages.extract import extract
from jinja2.ext import babel_extract

from shared.reports.registry import REPORTS
from shared.reports.report import Report
from shared.web.translations import LANGUAGES, SOURCE_LANGUAGE, read_catalog

ROOT = Path(__file__).resolve().parent.parent
WEB_ROOMS = ("shared/web", "shared/reports", "branch_node/web", "hq_server/web", "hq_server/mail")
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "lazy_text": None, "lazy_plural": (1, 2), "plural": (1, 2)}

ERROR_SOURCES = (
    "shared/web",
    "branch_node/web",
    "hq_server/web",
    "shared/errors.py",
    "shared/domain/attachments.py",
    "shared/domain/business_time.py",
    "shared/domain/client_columns.py",
    "shared/domain/clients.py",
    "shared/domain/dictionaries.py",
    "shared/domain/interactions.py",
    "shared/domain/erasing.py",
    "shared/domain/identifiers.py",
    "shared/domain/loyalty.py",
    "shared/domain/mail.py",
    "shared/domain/mail_text.py",
    "shared/domain/money.py",
    "shared/domain/permissions.py",
    "shared/domain/refunds.py",
    "shared/domain/rounding.py",
    "shared/domain/repeating.py",
    "shared/domain/report_schedules.py",
    "shared/domain/sales.py",
    "shared/domain/timeline.py",
    "shared/domain/tasks.py",
    "shared/operations/client_merging.py",
    "shared/operations/clients.py",
    "shared/reports/comparing.py",
    "shared/reports/drilling.py",
    "shared/reports/parameters.py",
    "shared/reports/periods.py",
    "shared/reports/running.py",
    "shared/reports/teams.py",
    "shared/operations/hand_over.py",
    "shared/operations/substitutions.py",
    "shared/operations/passwords.py",
    "shared/reports/asks.py",
    "shared/reports/templates.py",
    "shared/storage/sqlite_engine.py",
    "shared/storage/write_gate.py",
    "shared/wire/cards.py",
    "shared/wire/entries.py",
    "shared/wire/parsing.py",
    "branch_node/devices/fiscal.py",
    "branch_node/devices/fiscal_queue.py",
    "branch_node/operations/authentication.py",
    "branch_node/operations/exchanging.py",
    "branch_node/operations/paying_back.py",
    "branch_node/operations/basket",
    "branch_node/operations/budgets.py",
    "branch_node/operations/team_day.py",
    "branch_node/operations/client_importing",
    "branch_node/operations/card_charges.py",
    "branch_node/operations/taking_back.py",
    "branch_node/operations/card_payments.py",
    "branch_node/operations/cash.py",
    "branch_node/operations/client_access.py",
    "branch_node/operations/client_export.py",
    "branch_node/operations/client_search.py",
    "branch_node/operations/contacting.py",
    "branch_node/operations/interaction_desk.py",
    "branch_node/operations/interactions.py",
    "branch_node/operations/drawer_actions.py",
    "branch_node/operations/client_editing.py",
    "branch_node/operations/client_looking.py",
    "branch_node/operations/clients.py",
    "branch_node/operations/hand_over.py",
    "branch_node/operations/client_points.py",
    "branch_node/operations/file_carrying.py",
    "branch_node/operations/files.py",
    "hq_server/operations/files.py",
    "branch_node/operations/keys.py",
    "branch_node/operations/letters.py",
    "branch_node/operations/loyalty.py",
    "branch_node/operations/own_password.py",
    "branch_node/operations/pairing.py",
    "branch_node/operations/pins.py",
    "branch_node/operations/processing.py",
    "branch_node/operations/quick_key_editing.py",
    "branch_node/operations/receipt_finding.py",
    "branch_node/operations/ringing.py",
    "branch_node/operations/refund_request.py",
    "branch_node/operations/refunding.py",
    "branch_node/operations/chain_answers.py",
    "branch_node/operations/reporting.py",
    "branch_node/operations/sale_actions.py",
    "branch_node/operations/sale_payments.py",
    "branch_node/operations/selling.py",
    "branch_node/operations/shifts.py",
    "branch_node/operations/stock.py",
    "branch_node/operations/stock_drafts.py",
    "branch_node/operations/stock_files.py",
    "branch_node/operations/stock_looking.py",
    "branch_node/operations/task_calendar.py",
    "branch_node/operations/tasks.py",
    "branch_node/operations/withdrawing.py",
    "branch_node/operations/z_reports.py",
    "branch_node/storage/transaction.py",
    "branch_node/sync_client/central.py",
    "branch_node/sync_client/processor.py",
    "hq_server/operations/card_changes.py",
    "hq_server/operations/chain_answers.py",
    "shared/reports/affinity.py",
    "hq_server/operations/fleet.py",
    "hq_server/operations/restored_cards.py",
    "hq_server/operations/vat_rates.py",
    "hq_server/operations/fleet_acts.py",
    "hq_server/operations/fleet_checks.py",
    "hq_server/operations/fleet_messages.py",
    "hq_server/operations/fleet_overview.py",
    "hq_server/operations/fleet_rules.py",
    "hq_server/operations/carrying.py",
    "shared/operations/carry_files.py",
    "shared/sync/carried.py",
    "hq_server/operations/erasing.py",
    "hq_server/operations/authentication.py",
    "hq_server/operations/catalog_uploads.py",
    "hq_server/operations/conflicts.py",
    "hq_server/operations/parked.py",
    "hq_server/operations/parked_lists.py",
    "hq_server/operations/refund_cases.py",
    "hq_server/operations/verdicts.py",
    "hq_server/operations/dictionaries.py",
    "hq_server/operations/letters.py",
    "hq_server/operations/client_search.py",
    "hq_server/operations/hand_over.py",
    "hq_server/operations/loyalty.py",
    "hq_server/operations/stock_overview.py",
    "hq_server/operations/people.py",
    "hq_server/operations/product_requests.py",
    "hq_server/operations/products.py",
    "hq_server/operations/proposals_back.py",
    "hq_server/operations/promotion_preview.py",
    "hq_server/operations/promotions.py",
    "hq_server/operations/report_runs.py",
    "hq_server/operations/report_templates.py",
    "hq_server/mail/report_letters.py",
    "hq_server/mail/report_passes.py",
    "shared/operations/client_finding.py",
    "shared/operations/passwords.py",
)
"""Rooms and modules whose errors pages show: their messages and hints need translations too. Add yours."""

NOT_ERRORS = ("AssertionError", "ValueError", "TypeError", "KeyError", "RuntimeError")


class Found(NamedTuple):
    """A text, its plural or "", and where it is said."""

    text: str
    plural: str
    place: str


def texts_of_pages(root: Path = ROOT) -> Iterator[Found]:
    """Every text that a template or a module of the web marks for translation."""
    for room in WEB_ROOMS:
        for path in sorted((root / room).rglob("*.py")):
            yield from _extracted(path, root, "python")
        for path in sorted((root / room).rglob("*.html")):
            yield from _extracted(path, root, babel_extract)


def _extracted(path: Path, root: Path, method: object) -> Iterator[Found]:
    options = {"trimmed": "true"}
    with path.open("rb") as file:
        for line, message, _comments, _context in extract(method, file, KEYWORDS, (), options):  # type: ignore[arg-type]
            text, plural = (message[0], message[1]) if isinstance(message, tuple) else (message, "")
            yield Found(str(text), str(plural or ""), f"{path.relative_to(root).as_posix()}:{line}")


def texts_of_errors(root: Path = ROOT) -> Iterator[Found]:
    """Messages and hints of the errors that pages show, with `%(1)s` in the place of values."""
    for source in ERROR_SOURCES:
        paths = sorted((root / source).rglob("*.py")) if (root / source).is_dir() else [root / source]
        for path in paths:
            for line, text in error_texts(path.read_text()):
                yield Found(text, "", f"{path.relative_to(root).as_posix()}:{line}")


def texts_of_reports(reports: Iterable[Report] = REPORTS.values()) -> Iterator[Found]:
    """Everything that a report says of itself: its title, headings, units, definitions, options and notes."""
    for report in reports:
        columns = (*report.all_dimensions.values(), *report.all_measures)
        said = [report.title, report.summary, *report.notes, *report.all_definitions.values()]
        said += [option.meaning for option in report.options]
        said += [text for column in columns for text in (column.heading, column.unit) if text]
        for text in said:
            yield Found(text, "", f"shared/reports: {report.name}")


def all_texts(root: Path = ROOT) -> Iterator[Found]:
    """Whatever people read."""
    yield from texts_of_pages(root)
    yield from texts_of_errors(root)
    yield from texts_of_reports()


def error_texts(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of each message and hint that a module gives an error: in a `raise`, or in what a function returns
    as an error."""
    for node in ast.walk(ast.parse(source)):
        call = node.exc if isinstance(node, ast.Raise) else node.value if isinstance(node, ast.Return) else None
        if isinstance(call, ast.Call) and _makes_error(call, isinstance(node, ast.Raise)):
            for argument in call.args[:2]:
                text = shape_of(argument)
                if text:
                    yield argument.lineno, text


def _makes_error(call: ast.Call, raised: bool) -> bool:
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    return name[:1].isupper() and name not in NOT_ERRORS and (raised or name in _ERROR_NAMES)


_ERRORS = ast.parse((ROOT / "shared" / "errors.py").read_text())
_ERROR_NAMES = frozenset(node.name for node in ast.walk(_ERRORS) if isinstance(node, ast.ClassDef))


def shape_of(node: ast.expr) -> str | None:
    """The text of a literal, or of an f-string with its values as numbered places; None of anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return None
    parts, number = [], 0
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value).replace("%", "%%"))
        else:
            number += 1
            parts.append(f"%({number})s")
    return "".join(parts)


def untranslated(language: str, root: Path = ROOT) -> list[Found]:
    """What is said and has no translation."""
    catalog = read_catalog(language)
    missing: dict[str, Found] = {}
    for found in all_texts(root):
        message = catalog.get(found.text)
        strings = (message.string if isinstance(message.string, tuple) else (message.string,)) if message else ()
        whole = bool(strings) and all(strings) and (len(strings) > 1) == bool(found.plural)
        if not whole:
            missing.setdefault(found.text, found)
    return list(missing.values())


def unused(language: str, root: Path = ROOT) -> list[str]:
    """What is translated and said nowhere."""
    said = {found.text for found in all_texts(root)}
    ids = (message.id for message in read_catalog(language) if message.id)
    return sorted(text for text in (known if isinstance(known, str) else known[0] for known in ids) if text not in said)


def as_po(found: Found) -> str:
    """An entry of a `.po` file to be filled in."""
    lines = [f"#: {found.place}", f"msgid {_quoted(found.text)}"]
    if found.plural:
        lines += [f"msgid_plural {_quoted(found.plural)}", *(f'msgstr[{form}] ""' for form in range(3))]
    else:
        lines.append('msgstr ""')
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def main() -> int:
    """1 when something is missing or left over."""
    wrong = False
    for language in LANGUAGES:
        if language == SOURCE_LANGUAGE:
            continue
        for found in untranslated(language):
            print(as_po(found))
            wrong = True
        for text in unused(language):
            print(f"# no longer said: {text}")
            wrong = True
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
