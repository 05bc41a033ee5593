"""Bringing clients from a spreadsheet: a file, its columns, what it would do, how far it is, taking it back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from branch_node.operations import client_importing
from branch_node.operations.client_importing import IMPORT_BYTES_MAX, IMPORT_ROWS_MAX, ImportSettings, KeptImport
from branch_node.operations.client_importing.kept import (
    BAD,
    DONE,
    FILL,
    OVERWRITE,
    REVERTED,
    REVERTING,
    RUNNING,
    SKIP,
    STOPPED,
    WAITING,
)
from branch_node.web.context import WebContext, context_of
from branch_node.web.people import guarded, signed_in
from shared.domain.client_columns import IGNORED
from shared.domain.identifiers import format_id, is_id, parse_id
from shared.domain.permissions import Actor, Permission
from shared.errors import FilialError, NotFound
from shared.web.error_texts import translate_error
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import form_of, text_of
from shared.web.site import see_other
from shared.web.translations import LazyText, gettext
from shared.web.translations import lazy_text as _

UPLOAD_PATH: Final = "/clients/import/upload"
SAMPLE_ROWS: Final = 3
BAD_SHOWN_MAX: Final = 50

FIELDS: Final[tuple[tuple[str, LazyText], ...]] = (
    (IGNORED, _("leave out")),
    ("name", _("full name")),
    ("last_name", _("last name")),
    ("first_name", _("first name")),
    ("middle_name", _("middle name")),
    ("phones", _("phone")),
    ("emails", _("e-mail")),
    ("birthday", _("birthday")),
    ("loyalty_number", _("card number")),
    ("external_id", _("number elsewhere")),
    ("address", _("address")),
    ("note", _("note")),
    ("preferences", _("preferences")),
    ("tags", _("tags")),
    ("group", _("group")),
    ("tier", _("loyalty tier")),
    ("kind", _("person or company")),
    ("tax_number", _("tax number")),
    ("consent_data", _("consent to keep data")),
    ("consent_advertising", _("consent to advertising")),
    ("do_not_contact", _("do not contact")),
)
POLICIES: Final[tuple[tuple[str, LazyText], ...]] = (
    (FILL, _("fill in what their cards lack")),
    (OVERWRITE, _("take what the file says")),
    (SKIP, _("leave them as they are")),
)
STATES: Final[dict[str, LazyText]] = {
    WAITING: _("waits"),
    RUNNING: _("is being imported"),
    DONE: _("done"),
    STOPPED: _("stopped"),
    REVERTING: _("is being taken back"),
    REVERTED: _("taken back"),
}


def page(request: Request, failure: FilialError | None = None) -> Response:
    """`/clients/import`: the file's field, and the imports that there were."""
    context, actor = context_of(request), signed_in(request)
    return render(
        request,
        "client_imports.html",
        status_code=422 if failure else 200,
        failure=failure,
        imports=[(format_id(each.import_id), each) for each in client_importing.list_imports(context.store, actor)],
        states=STATES,
        zone=context.store.node()[0].timezone,
        mebibytes=IMPORT_BYTES_MAX // 1_048_576,
        rows_max=IMPORT_ROWS_MAX,
    )


def upload(request: Request) -> Response:
    """POST `file`: kept, and its columns guessed."""
    context, given = context_of(request), form_of(request).get("file")
    name, content = (given.filename or "", given.file.read()) if isinstance(given, UploadFile) else ("", b"")
    try:
        import_id = client_importing.keep_file(
            context.store, signed_in(request), name, content, context.settings.phone_country
        )
    except FilialError as error:
        return page(request, error)
    return see_other(request, f"/clients/import/{format_id(import_id)}")


def show(request: Request, failure: FilialError | None = None) -> Response:
    """`/clients/import/ID`: its columns while it waits, with `preview=1` what it would do; later how far it is."""
    context, actor = context_of(request), signed_in(request)
    kept = client_importing.read_import(context.store, actor, _id_asked(request))
    if kept.state != WAITING:
        return render(request, "client_import_done.html", failure=failure, **_progress_view(context, actor, kept))
    preview = None
    if request.query_params.get("preview"):
        country = context.settings.phone_country
        preview = client_importing.preview_import(context.store, actor, kept.import_id, country)
    return render(
        request,
        "client_import.html",
        status_code=422 if failure else 200,
        failure=failure,
        kept=kept,
        import_id=format_id(kept.import_id),
        samples=_samples(context, actor, kept),
        fields=[(name, str(label)) for name, label in FIELDS],
        policies=POLICIES,
        preview=preview,
        problems=[(each, translate_error(each.reason)) for each in preview.problems] if preview else [],
        field_names=dict(FIELDS),
        actor_id=actor.employee_id,
    )


def _samples(context: WebContext, actor: Actor, kept: KeptImport) -> dict[str, str]:
    """The first cells of each column."""
    rows = client_importing.first_rows(context.store, actor, kept.import_id, SAMPLE_ROWS)
    return {column: " · ".join(row[column] for row in rows if row.get(column))[:120] for column in kept.columns}


def settle(request: Request) -> Response:
    """POST: which field each column is, what becomes of known clients, a tag, an owner. Then the preview."""
    context, actor, import_id = context_of(request), signed_in(request), _id_asked(request)
    try:
        kept = client_importing.read_import(context.store, actor, import_id)
        mapping = {column: text_of(request, f"column-{number}") for number, column in enumerate(kept.columns)}
        owner_id = actor.employee_id if text_of(request, "owner") == "me" else None
        settings = ImportSettings(mapping, text_of(request, "policy"), text_of(request, "tag"), owner_id)
        client_importing.change_settings(context.store, actor, import_id, settings)
    except FilialError as error:
        return show(request, error)
    return see_other(request, f"/clients/import/{format_id(import_id)}?preview=1")


def run(request: Request) -> Response:
    """POST: begins, or goes on with what was interrupted."""
    context, actor, import_id = context_of(request), signed_in(request), _id_asked(request)
    try:
        client_importing.start_import(context.store, actor, import_id)
    except FilialError as error:
        return show(request, error)
    country = context.settings.phone_country
    _beside(lambda: client_importing.run_import(context.store, actor, import_id, country, context.commit))
    return see_other(request, f"/clients/import/{format_id(import_id)}")


def revert(request: Request) -> Response:
    """POST: takes the whole import back."""
    context, actor, import_id = context_of(request), signed_in(request), _id_asked(request)
    try:
        client_importing.start_reverting(context.store, actor, import_id)
    except FilialError as error:
        return show(request, error)
    _beside(lambda: client_importing.revert_import(context.store, actor, import_id, context.commit))
    return see_other(request, f"/clients/import/{format_id(import_id)}")


def _beside(work: Callable[[], object]) -> None:
    """Runs it while the page is answered. When the program ends amid it, it can be gone on with."""
    threading.Thread(target=work, name="client import", daemon=True).start()


def progress(request: Request) -> Response:
    """How far it is: what an open page asks for while it runs. At the end the page is loaded anew."""
    context, actor = context_of(request), signed_in(request)
    kept = client_importing.read_import(context.store, actor, _id_asked(request))
    view = _progress_view(context, actor, kept)
    if not view["is_running"] and request.headers.get("hx-request") == "true":
        return Response(headers={"HX-Refresh": "true"})
    return render(request, "client_import_progress.html", **view)


def _progress_view(context: WebContext, actor: Actor, kept: KeptImport) -> dict[str, Any]:
    found = client_importing.read_progress(context.store, actor, kept.import_id)
    bad = client_importing.rows_with_outcome(context.store, actor, kept.import_id, BAD, BAD_SHOWN_MAX)
    return {
        "kept": kept,
        "import_id": format_id(kept.import_id),
        "progress": found,
        "bad": [(row, translate_error(row.reason)) for row in bad],
        "states": STATES,
        "is_running": found.state in (RUNNING, REVERTING) and not found.is_interrupted,
        "may_go_on": found.state == STOPPED or (found.state == RUNNING and found.is_interrupted),
        "may_revert": (found.state in (DONE, STOPPED) or (found.state == REVERTING and found.is_interrupted))
        and (found.counts["added"] or found.counts["changed"]),
    }


def bad_rows(request: Request) -> Response:
    """`/clients/import/ID/bad.csv`: the rows that were not taken, to be corrected and brought again."""
    context, actor = context_of(request), signed_in(request)
    content = client_importing.bad_rows_file(
        context.store, actor, _id_asked(request), gettext("What is wrong"), translate_error
    )
    headers = {"Content-Disposition": 'attachment; filename="bad-rows.csv"', "Cache-Control": "no-store"}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


def discard(request: Request) -> Response:
    """POST: forgets a file that was not imported."""
    context, import_id = context_of(request), _id_asked(request)
    try:
        client_importing.discard(context.store, signed_in(request), import_id)
    except FilialError as error:
        return show(request, error)
    return see_other(request, "/clients/import", Notice(_("The file is forgotten.")))


def _id_asked(request: Request) -> bytes:
    text = request.path_params["id"]
    if not is_id(text):
        raise NotFound("There is no such import.", "Look at the list of imports.")
    return parse_id(text)


_ONE = "/clients/import/{id}"
ROUTES: tuple[Any, ...] = (
    guarded("/clients/import", page, Permission.CLIENT_IMPORT),
    guarded(UPLOAD_PATH, upload, Permission.CLIENT_IMPORT, ["POST"]),
    guarded(_ONE, show, Permission.CLIENT_IMPORT),
    guarded(f"{_ONE}/settings", settle, Permission.CLIENT_IMPORT, ["POST"]),
    guarded(f"{_ONE}/run", run, Permission.CLIENT_IMPORT, ["POST"]),
    guarded(f"{_ONE}/revert", revert, Permission.CLIENT_IMPORT, ["POST"]),
    guarded(f"{_ONE}/discard", discard, Permission.CLIENT_IMPORT, ["POST"]),
    guarded(f"{_ONE}/progress", progress, Permission.CLIENT_IMPORT, asks_by_itself=True),
    guarded(f"{_ONE}/bad.csv", bad_rows, Permission.CLIENT_IMPORT),
)
