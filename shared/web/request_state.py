"""What a request brings besides its question: language, theme, visitor; and what the answer tells the browser.

Contains no rules about who may do what.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from starlette.requests import HTTPConnection
from starlette.responses import Response

from shared.web.cookies import YEAR_SECONDS, read_cookie, set_cookie, sign, signature, unsign
from shared.web.translations import LANGUAGES, SOURCE_LANGUAGE, LazyText

THEMES: Final = ("auto", "light", "dark")
DEFAULT_THEME: Final = THEMES[0]
ACCEPTED_LANGUAGES_MAX = 20
NOTICE_CHARACTERS_MAX = 1_000

LANGUAGE_COOKIE, THEME_COOKIE, VISITOR_COOKIE, NOTICE_COOKIE = "language", "theme", "visitor", "notice"


class Notice(NamedTuple):
    """What the next page says of what was just done; `undo_url` takes it back with a POST of `undo_fields`."""

    text: LazyText | str
    undo_url: str = ""
    undo_fields: dict[str, str] = {}  # noqa: RUF012 - never changed.


@dataclass(slots=True)
class RequestState:
    """Made by the frame for every request. `names` are what its templates know all, once one was rendered."""

    connection: HTTPConnection
    secret: bytes
    language: str
    theme: str
    visitor: str
    visitor_is_new: bool
    session: str
    request_id: str
    token_was_shown: bool = False
    notices_were_read: bool = False
    form_token: str = ""
    names: dict[str, Any] | None = None

    def csrf_token(self) -> str:
        """The token that forms carry: bound to the session, or to the visitor before there is one."""
        self.token_was_shown = True
        if not self.form_token:
            self.form_token = signature(self.secret, "form", self.session or self.visitor)
        return self.form_token

    def take_notices(self) -> list[Notice]:
        """What the last answer left for this page to say; it is said once."""
        self.notices_were_read = True
        held = unsign(self.secret, NOTICE_COOKIE, read_cookie(self.connection, NOTICE_COOKIE))
        return [Notice(*json.loads(_from_ascii(held)))] if held else []

    def finish(self, response: Response) -> None:
        """Writes the cookies that this request made necessary."""
        if self.token_was_shown and self.visitor_is_new and not self.session:
            value = sign(self.secret, VISITOR_COOKIE, self.visitor)
            set_cookie(response, self.connection, VISITOR_COOKIE, value, YEAR_SECONDS)
        if self.notices_were_read and read_cookie(self.connection, NOTICE_COOKIE):
            set_cookie(response, self.connection, NOTICE_COOKIE, "", max_age_seconds=0)


def state_of(connection: HTTPConnection) -> RequestState:
    """The state of a request that came through the frame."""
    state: RequestState = connection.scope["state"]["web"]
    return state


def leave_notice(response: Response, connection: HTTPConnection, notice: Notice) -> None:
    """The next page says it."""
    state = state_of(connection)
    state.notices_were_read = False
    short = notice._replace(text=str(notice.text)[:NOTICE_CHARACTERS_MAX])
    set_cookie(response, connection, NOTICE_COOKIE, sign(state.secret, NOTICE_COOKIE, _to_ascii(json.dumps(short))))


def read_state(connection: HTTPConnection, secret: bytes, session: str, new_salt: Callable[[], bytes]) -> RequestState:
    """Reads the cookies and headers of a request."""
    visitor = unsign(secret, VISITOR_COOKIE, read_cookie(connection, VISITOR_COOKIE))
    theme = read_cookie(connection, THEME_COOKIE)
    return RequestState(
        connection,
        secret,
        choose_language(read_cookie(connection, LANGUAGE_COOKIE), connection.headers.get("accept-language", "")),
        theme if theme in THEMES else DEFAULT_THEME,
        visitor or new_salt().hex(),
        visitor is None,
        session,
        new_salt().hex()[:12],
    )


def choose_language(chosen: str, accepted: str) -> str:
    """The cookie's language when it is one of ours, else the best of `Accept-Language`, else English."""
    if chosen in LANGUAGES:
        return chosen
    best, best_weight = SOURCE_LANGUAGE, 0.0
    for part in accepted.split(",")[:ACCEPTED_LANGUAGES_MAX]:
        name, _, parameters = part.strip().partition(";")
        language = name.strip().lower().split("-")[0]
        weight = _weight(parameters)
        if language in LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def _to_ascii(text: str) -> str:
    return text.encode().hex()


def _from_ascii(text: str) -> str:
    return bytes.fromhex(text).decode()
