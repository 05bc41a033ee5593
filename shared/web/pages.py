"""Renders pages: Jinja with escaping on and undefined names refused, the components, and what every page knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from shared.domain.text_folding import sort_key
from shared.web import formats, translations
from shared.web.escaping import escape_without_objects
from shared.web.request_state import THEMES, RequestState, state_of
from shared.web.static_files import StaticFiles

TEMPLATES = Path(__file__).with_name("templates")
COMPONENTS = "components.html"
TEXTS_KEPT_MAX = 8_192
"""Translated texts of templates that are remembered, a megabyte."""

BARS_KEPT_MAX = 512
"""Rows of links to the pages that are remembered: of every role, on every page, in every language."""


class Destination(NamedTuple):
    """One page of the navigation. `hotkey` is written as filial.js reads it: `F4`, `Ctrl+KeyK`. What `is_minor` stands
    in the menu at the navigation's end."""

    url: str
    label: translations.LazyText
    hotkey: str = ""
    is_minor: bool = False


Frame = Callable[[Request], Mapping[str, Any]]


class Pages:
    """The templates of one program. `frame` gives what its layout needs for a request besides what is here."""

    def __init__(
        self,
        folders: Iterable[Path],
        static: StaticFiles,
        navigation: tuple[Destination, ...] = (),
        frame: Frame = lambda _request: {},
    ) -> None:
        self._static = static
        self._navigation = navigation
        self._frame = frame
        self.environment = make_environment((*folders, TEMPLATES))
        self._bars: dict[tuple[object, ...], Markup] = {}

    def render(
        self,
        request: Request,
        template: str,
        /,
        block: str = "",
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        **context: Any,
    ) -> HTMLResponse:
        """A page, or one block of it for htmx, which has no frame. The browser keeps none: the next person may not see
        them."""
        text = self.text(request, template, block, **context)
        return HTMLResponse(text, status_code, {"Cache-Control": "no-store", **(headers or {})})

    def text(self, request: Request, template: str, block: str = "", **context: Any) -> str:
        """The same as text."""
        # `shared`: the names hold what every template has already, and nobody copies them again.
        names = {**self._names(request), **context}
        if not block:
            names = {**names, **self._frame(request), **context}
        found = self.environment.get_template(template)
        if not block:
            names["bar_pages"] = self._bar_pages(names)
            return found.render(names)
        return "".join(found.blocks[block](found.new_context(names, shared=True)))

    def _bar_pages(self, names: Mapping[str, Any]) -> Markup:
        """The links to the pages, made once for each set of them, place and language."""
        navigation, path = names["navigation"], names["path"]
        here = tuple(page.url for page in navigation if path == page.url or path.startswith(f"{page.url}/"))
        marks = translations.marks_untranslated()
        key = (names["language"], marks, here, *((page.url, page.hotkey, page.is_minor) for page in navigation))
        found = self._bars.get(key)
        if found is None:
            if len(self._bars) >= BARS_KEPT_MAX:
                self._bars.clear()
            found = Markup(self.environment.get_template("bar_pages.html").render(names))  # noqa: S704 - a template's.
            self._bars[key] = found
        return found

    def _names(self, request: Request) -> dict[str, Any]:
        """What every template knows, the same for all of a request's: a card is a page of many."""
        state = state_of(request)
        if state.names is None:
            names = {**self.environment.globals, **self._base(request, state)}
            names["ui"] = self.environment.get_template(COMPONENTS).make_module(names, shared=True)
            state.names = names
        return state.names

    def _base(self, request: Request, state: RequestState) -> dict[str, Any]:
        return {
            "language": state.language,
            "theme": state.theme,
            "themes": THEMES,
            "path": request.url.path,
            "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            "csrf_token": state.csrf_token,
            "take_notices": state.take_notices,
            "static": self._static.url,
            "navigation": self._navigation,
            "site_name": "Filial",
            "chip": None,
            "practice": False,
        }


def make_environment(folders: Iterable[Path]) -> Environment:
    """Where templates are sought, in that order."""
    environment = Environment(
        loader=FileSystemLoader([str(folder) for folder in folders]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        # A program's templates do not change while it runs: nobody asks the disk at every request.
        auto_reload=False,
    )
    escape_without_objects(environment)
    # The type stubs do not know what an extension adds.
    environment.install_gettext_callables(translations.gettext, translations.ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.globals |= {"_": translate, "gettext": translate}
    environment.filters |= {
        "money": formats.format_money,
        "quantity": formats.format_quantity,
        "number": formats.format_number,
        "rate": formats.format_rate,
        "day": formats.format_date,
        "moment": formats.format_moment,
        "span": formats.format_span,
        "hotkey": show_hotkey,
        "in_order": in_order,
    }
    return environment


def translate(text: str, /, **values: Any) -> Markup:
    """What `_("…")` of a template shows: the translation is ours, the values are escaped."""
    if values:
        return Markup(translations.gettext(text)) % values  # noqa: S704 - a catalog's.
    return _translated(text, translations.current_language(), translations.marks_untranslated())


@lru_cache(maxsize=TEXTS_KEPT_MAX)
def _translated(text: str, _language: str, _marks: bool) -> Markup:
    return Markup(translations.gettext(text)) % {}  # noqa: S704 - a catalog's.


def in_order(items: Iterable[Any], name: str) -> list[Any]:
    """Sorted by what people read under that name, as the stores sort: Ёлка beside ель, empty ones last."""

    def key(item: Any) -> str:
        value = item[name] if isinstance(item, Mapping) else getattr(item, name)
        return sort_key(None if value is None else str(value))

    return sorted(items, key=key)


def show_hotkey(code: str) -> str:
    """`Ctrl+KeyK` as people say it: `Ctrl+K`."""
    return "+".join(part.removeprefix("Key").removeprefix("Digit") for part in code.split("+"))


def pages_of(request: Request) -> Pages:
    """The templates of the application that a request came to."""
    pages: Pages = request.app.state.pages
    return pages


def render(request: Request, template: str, /, **context: Any) -> HTMLResponse:
    """A page of this application; `block` names the one block that htmx wants."""
    return pages_of(request).render(request, template, **context)
