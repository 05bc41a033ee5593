"""Static files in memory, served under a name that changes with their content: browsers keep them for good."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

FOLDER = Path(__file__).with_name("static")
PREFIX = "/static"
HASH_CHARACTERS = 16
FOREVER = "public, max-age=31536000, immutable"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


class StaticFile(NamedTuple):
    """One file: its address, its bytes, its media type."""

    url: str
    content: bytes
    media_type: str


class StaticFiles:
    """The files of some folders. A later folder's file hides an earlier one's of the same name."""

    def __init__(self, folders: Iterable[Path] = (FOLDER,)) -> None:
        self._by_name: dict[str, StaticFile] = {}
        for folder in folders:
            for path in sorted(folder.rglob("*")):
                if path.is_file() and path.suffix != ".json":
                    name = path.relative_to(folder).as_posix()
                    self._by_name[name] = _read(name, path)
        self._by_url = {file.url: file for file in self._by_name.values()}

    def url(self, name: str) -> str:
        """The address of `filial.css` or `vendor/htmx.min.js`; empty when the file is not there."""
        file = self._by_name.get(name)
        return file.url if file else ""

    def route(self) -> Route:
        """Serves them."""
        return Route(f"{PREFIX}/{{rest:path}}", self._serve, name="static")

    async def _serve(self, request: Request) -> Response:
        file = self._by_url.get(request.url.path)
        if file is None:
            return PlainTextResponse("Not found", status_code=404)
        return Response(file.content, media_type=file.media_type, headers={"Cache-Control": FOREVER})


def _read(name: str, path: Path) -> StaticFile:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:HASH_CHARACTERS]
    media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return StaticFile(f"{PREFIX}/{digest}/{name}", content, media_type)
