"""Bringing the catalogue from a spreadsheet: a file, what it would change, the import, and taking it back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from hq_server.operations.catalog_history import list_imports, revert_import
from hq_server.operations.catalog_rows import CATALOG_COLUMNS
from hq_server.operations.catalog_uploads import (
    UPLOAD_BYTES_MAX,
    discard_upload,
    fingerprint,
    import_upload,
    keep_upload,
    preview_upload,
)
from hq_server.operations.importing import FieldChange
from hq_server.operations.paging import PAGE_ROWS_MAX
from hq_server.web.context import context_of
from hq_server.web.forms import Failure, id_of_path, or_again, status
from hq_server.web.signed_in import actor_of, guarded
from shared.domain.business_time import date_from_days, to_us
from shared.domain.identifiers import format_id, parse_id
from shared.web.error_texts import translate_error
from shared.web.formats import format_date, format_money
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import form_of, text_of
from shared.web.site import see_other
from shared.web.translations import gettext
from shared.web.translations import lazy_plural as plural
from shared.web.translations import lazy_text as _

UPLOAD_PATH = "/catalog/upload"
_DAYS = ("valid_from", "valid_to")
FIELD_NAMES = {
    "sku": _("SKU"),
    "name": _("name"),
    "category": _("category"),
    "barcode": _("barcode"),
    "unit": _("unit"),
    "amount_minor": _("price"),
    "zone": _("price zone"),
    "valid_from": _("first day"),
    "valid_to": _("last day"),
    "vat_code": _("VAT"),
    "weighed": _("sold by weight"),
    "limited": _("no more than the chain has"),
    "archived": _("archived"),
}


def page(request: Request, failure: Failure | None = None) -> Response:
    """`/catalog`: the file's field, and the imports that there were."""
    context = context_of(request)
    with context.store.read() as connection:
        imports = list_imports(connection, actor_of(request))
    return render(
        request,
        "catalog.html",
        status_code=status(failure),
        failure=failure,
        imports=imports,
        columns=CATALOG_COLUMNS,
        moment_us=_moment_us,
        zone=context.chain.timezone,
        mebibytes=UPLOAD_BYTES_MAX // 1_048_576,
    )


@or_again(page)
def upload(request: Request) -> Response:
    """POST `file`: kept for its preview."""
    context, actor = context_of(request), actor_of(request)
    given = form_of(request).get("file")
    name, content = "", b""
    if isinstance(given, UploadFile):
        name, content = given.filename or "", given.file.read()
    upload_id = context.change(
        lambda connection, now_us: keep_upload(connection, context.ids, now_us, actor, name, content)
    )
    return see_other(request, f"/catalog/preview/{format_id(upload_id)}")


def preview(request: Request) -> Response:
    """`/catalog/preview/{id}`: old and new values by row; nothing is written yet."""
    context, actor = context_of(request), actor_of(request)
    with context.store.read() as connection:
        kept, outcome = preview_upload(connection, context.ids, context.clock.now_us(), actor, id_of_path(request))
    shown = [change for change in outcome.changes if change.field != "product_id"]
    problems = [{"row": each["row"], "reason": translate_error(each["reason"])} for each in outcome.problems]
    return render(
        request,
        "catalog_preview.html",
        source=kept.source,
        upload_id=format_id(kept.upload_id),
        outcome=outcome,
        expected=fingerprint(outcome),
        changes=[_shown(request, change) for change in shown[:PAGE_ROWS_MAX]],
        changes_left=max(0, len(shown) - PAGE_ROWS_MAX),
        problems=problems[:PAGE_ROWS_MAX],
        problems_left=max(0, len(problems) - PAGE_ROWS_MAX),
    )


def take(request: Request) -> Response:
    """POST `upload_id`, `expected`: imports what the preview showed."""
    context, actor = context_of(request), actor_of(request)
    upload_id, expected = parse_id(text_of(request, "upload_id")), text_of(request, "expected")
    outcome = context.change(
        lambda connection, now_us: import_upload(connection, context.ids, now_us, actor, upload_id, expected)
    )
    text = _("Imported: %(added)s added, %(changed)s changed.", added=outcome.added, changed=outcome.changed)
    if outcome.import_id is None:
        return see_other(request, "/catalog", Notice(text))
    return see_other(request, "/catalog", Notice(text, "/catalog/revert", {"import_id": format_id(outcome.import_id)}))


def discard(request: Request) -> Response:
    """POST `upload_id`."""
    actor, upload_id = actor_of(request), parse_id(text_of(request, "upload_id"))
    context_of(request).change(lambda connection, _now_us: discard_upload(connection, actor, upload_id))
    return see_other(request, "/catalog", Notice(_("The file is forgotten; nothing was changed.")))


def revert(request: Request) -> Response:
    """POST `import_id`: takes an import back as far as nobody has changed the same since."""
    context, actor = context_of(request), actor_of(request)
    import_id = parse_id(text_of(request, "import_id"))
    outcome = context.change(
        lambda connection, now_us: revert_import(connection, context.ids, now_us, import_id, actor)
    )
    kept = len([each for each in outcome.kept if each.field != "product_id"])
    text = _("The import is taken back.")
    if kept:
        text = plural(
            "The import is taken back; %(count)s value that somebody changed since stays.",
            "The import is taken back; %(count)s values that somebody changed since stay.",
            kept,
        )
    return see_other(request, "/catalog", Notice(text))


def _shown(request: Request, change: FieldChange) -> dict[str, Any]:
    return {
        "row": change.row,
        "card": change.label,
        "is_new": change.created,
        "field": FIELD_NAMES.get(change.field, change.field),
        "old": _readable(request, change.field, change.old),
        "new": _readable(request, change.field, change.new),
    }


def _readable(request: Request, field: str, value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if field in _DAYS:
        return format_date(date_from_days(value))
    return format_money(value, context_of(request).chain.currency) if isinstance(value, int) else str(value)


def _moment_us(text: str) -> int:
    """The microseconds of what `list_imports` says as ISO 8601."""
    return to_us(datetime.fromisoformat(text))


ROUTES = (
    guarded("/catalog", page),
    guarded(UPLOAD_PATH, upload, "POST"),
    guarded("/catalog/preview/{id}", preview),
    guarded("/catalog/import", take, "POST"),
    guarded("/catalog/discard", discard, "POST"),
    guarded("/catalog/revert", revert, "POST"),
)
