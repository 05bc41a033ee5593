"""A client's documents and recordings: a panel of the card and a page of its own, sending files and getting them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from branch_node.operations.file_carrying import ANOTHER_FILE, DAMAGED_HERE, FETCHED_AGAIN, UNKNOWN_CONTENT
from branch_node.operations.files import (
    FileShown,
    OpenedFile,
    archive_file,
    attach_file,
    find_file,
    list_files,
    open_file,
    read_bytes,
)
from branch_node.web.context import context_of
from branch_node.web.people import guarded, signed_in
from branch_node.web.sale import is_part
from shared.domain.attachments import FILE_BYTES_MAX, SHOWN_TYPES
from shared.domain.identifiers import format_id, is_id, parse_id
from shared.domain.permissions import Permission
from shared.errors import InvalidInput, NotFound
from shared.operations.aliases import are_one
from shared.web.error_texts import translate_error
from shared.web.formats import format_number, format_quantity
from shared.web.pages import render
from shared.web.request_state import Notice
from shared.web.security import StreamedPath, form_of, text_of
from shared.web.site import see_other
from shared.web.translations import LazyText, lazy_plural
from shared.web.translations import lazy_text as _

FORM_BYTES_BESIDE_MAX = 65_536
"""Of a form with files: its other fields, and what stands between."""

FILES_PER_FORM_MAX = 4
"""As many as a form may hold: see shared.web.security."""

STREAMED: Final = (
    StreamedPath(re.compile("/clients/[^/]+/files"), FILES_PER_FORM_MAX * FILE_BYTES_MAX + FORM_BYTES_BESIDE_MAX),
)
"""What may be sent here is larger than elsewhere."""

HEADERS: Final[Mapping[str, str]] = {
    # Whatever it is: it runs nothing, loads nothing, and is of no origin.
    "Content-Security-Policy": (
        "default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
    ),
    "X-Content-Type-Options": "nosniff",
    "Accept-Ranges": "bytes",
}

PROBLEMS: Final[Mapping[str, LazyText]] = {
    UNKNOWN_CONTENT: _("The card does not say what the file is."),
    DAMAGED_HERE: _("A part of the file is damaged here."),
    FETCHED_AGAIN: _("A part of the file was damaged here: it is fetched again."),
    ANOTHER_FILE: _("The parts are not the file that its card names."),
}
"""What the carrier of files notes of one, as people read it; the rest are errors, which are translated as such."""

_RANGE = re.compile(r"bytes=(\d{0,12})-(\d{0,12})")


def files_panel(request: Request, client_id: bytes) -> dict[str, Any]:
    """What the panel's template needs."""
    context, actor = context_of(request), signed_in(request)
    is_all = request.query_params.get("all") == "1"
    return {
        "client_id": format_id(client_id),
        "files": [(format_id(each.file_id), each) for each in list_files(context.store, actor, client_id, is_all)],
        "shows_all": is_all,
        "may_attach": actor.may(Permission.CLIENT_EDIT),
        "may_open": actor.may(Permission.CLIENT_CONTACTS),
        "mebibytes_max": FILE_BYTES_MAX // 1_048_576,
        "bytes_max": FILE_BYTES_MAX,
        "files_max": FILES_PER_FORM_MAX,
        "zone": context.store.node()[0].timezone,
        "size_text": size_text,
        "problem_text": problem_text,
    }


def page(request: Request) -> Response:
    """`/clients/ID/files`; `all=1` shows those that were put away too."""
    values = files_panel(request, _client_of(request))
    return render(request, "client_files.html", block="panel" if is_part(request) else "", **values)


def send(request: Request) -> Response:
    """POST `file`, up to four of them, and perhaps `interaction_id`."""
    context, actor, client_id = context_of(request), signed_in(request), _client_of(request)
    given = text_of(request, "interaction_id")
    if given and not is_id(given):
        raise InvalidInput("There is no such call.", "Load the page again.")
    interaction_id = parse_id(given) if given else None
    sent = [each for each in form_of(request).getlist("file") if isinstance(each, UploadFile) and each.filename]
    if not sent:
        raise InvalidInput("No file was chosen.", "Choose one, or drop it onto the page.")
    kept = [
        attach_file(context.store, context.commit, actor, client_id, each.file, each.filename or "", interaction_id)
        for each in sent
    ]
    text = lazy_plural("%(count)s file is attached.", "%(count)s files are attached.", len(kept))
    notice = Notice(text)
    if len(kept) == 1:
        notice = Notice(text, f"{_address(client_id)}/{format_id(kept[0])}/away", {"archived": "1"})
    return see_other(request, _back(request, client_id), notice)


def content(request: Request) -> Response:
    """`/clients/ID/files/FILE`: the bytes, or a part of them; `download=1` saves what could be shown."""
    context, actor, shown = context_of(request), signed_in(request), _file_of(request)
    opened = open_file(context.store, actor, shown.file_id)
    size = opened.described.size
    headers = {**HEADERS, "Content-Disposition": _disposition(request, opened)}
    first, last = 0, size - 1
    asked = request.headers.get("range")
    if asked is not None:
        wanted = read_range(asked, size)
        if wanted is None:
            return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
        first, last = wanted
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    headers["Content-Length"] = str(last - first + 1)
    media_type = opened.media_type if opened.is_shown else "application/octet-stream"
    return StreamingResponse(
        read_bytes(context.store, opened, first, last), 200 if asked is None else 206, headers, media_type
    )


def archive(request: Request) -> Response:
    """POST `archived`: 1 puts the file away, 0 brings it back."""
    context, shown = context_of(request), _file_of(request)
    is_archived = text_of(request, "archived") == "1"
    archive_file(context.store, context.commit, signed_in(request), shown.file_id, is_archived)
    back = {"archived": "0" if is_archived else "1"}
    text = _("The file is put away.") if is_archived else _("The file is back.")
    undo_url = f"{_address(shown.client_id)}/{format_id(shown.file_id)}/away"
    return see_other(request, _back(request, shown.client_id), Notice(text, undo_url, back))


def read_range(asked: str, size: int) -> tuple[int, int] | None:
    """The first and the last byte that a Range header asks for; None when there are none such.

    Several ranges at once are not given: no player asks for them.
    """
    found = _RANGE.fullmatch(asked.strip())
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        length = min(size, int(found[2]))
        return (size - length, size - 1) if length else None
    first = int(found[1])
    last = min(size - 1, int(found[2])) if found[2] else size - 1
    return (first, last) if first <= last else None


def size_text(size: int) -> str:
    """A size as people say it."""
    if size < 1_024:
        return str(lazy_plural("%(count)s byte", "%(count)s bytes", size))
    if size < 1_048_576:
        return str(_("%(number)s KiB", number=format_number(-(-size // 1_024))))
    return str(_("%(number)s MiB", number=format_quantity(size * 10 // 1_048_576 * 100)))


def problem_text(problem: str | None) -> str:
    """Why a file does not come, as people read it."""
    return "" if problem is None else str(PROBLEMS.get(problem, "")) or translate_error(problem)


def _disposition(request: Request, opened: OpenedFile) -> str:
    is_inline = opened.media_type in SHOWN_TYPES and request.query_params.get("download") != "1"
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", opened.described.name)
    exact = quote(opened.described.name, safe="")
    return f"{'inline' if is_inline else 'attachment'}; filename=\"{plain}\"; filename*=UTF-8''{exact}"


def _client_of(request: Request) -> bytes:
    text = request.path_params["id"]
    if not is_id(text):
        raise NotFound("There is no such client here.", "Look for them by phone or name.")
    return parse_id(text)


def _file_of(request: Request) -> FileShown:
    """The file of an address, whichever of the client's cards it came to; of another client's there is none."""
    client_id, text = _client_of(request), request.path_params["file"]
    if not is_id(text):
        raise NotFound("There is no such file here.", "Look at the client's files.")
    store = context_of(request).store
    shown = find_file(store, signed_in(request), parse_id(text))
    with store.read() as connection:
        is_his = are_one(connection, shown.client_id, client_id)
    if not is_his:
        raise NotFound("There is no such file here.", "Look at the client's files.")
    return shown


def _address(client_id: bytes) -> str:
    return f"/clients/{format_id(client_id)}/files"


def _back(request: Request, client_id: bytes) -> str:
    """The page that the form stood on: the card, or the list of files."""
    return text_of(request, "next") or _address(client_id)


ROUTES = (
    guarded("/clients/{id}/files", page, Permission.CLIENT_VIEW),
    guarded("/clients/{id}/files", send, Permission.CLIENT_EDIT, methods=("POST",)),
    guarded("/clients/{id}/files/{file}", content, Permission.CLIENT_VIEW),
    guarded("/clients/{id}/files/{file}/away", archive, Permission.CLIENT_EDIT, methods=("POST",)),
)
