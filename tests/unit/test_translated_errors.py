"""How the server's errors reach a caller: with a status, a stable reason and a hint, whatever went wrong."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest

from hq_server.sync_server.server import _Translated
from shared.errors import NotAuthorised, StoreBusy
from shared.wire.methods import HINT_KEY, REASON_KEY


class FakeContext:
    """Remembers how a call was aborted."""

    def __init__(self) -> None:
        self.aborted: list[tuple[grpc.StatusCode, str, dict[str, Any]]] = []

    async def abort(self, code: grpc.StatusCode, details: str, metadata: Any) -> None:
        self.aborted.append((code, details, dict(metadata)))


def call(error: Exception) -> tuple[grpc.StatusCode, str, dict[str, Any]]:
    context = FakeContext()

    async def fail() -> None:
        async with _Translated(context):
            raise error

    with pytest.raises(type(error)):
        asyncio.run(fail())
    (aborted,) = context.aborted
    return aborted


def test_an_error_of_ours_keeps_its_words() -> None:
    code, details, metadata = call(NotAuthorised("No.", "Ask."))
    assert (code, details) == (grpc.StatusCode.PERMISSION_DENIED, "No.")
    assert (metadata[REASON_KEY], metadata[HINT_KEY]) == ("not_authorised", b"Ask.")
    assert call(StoreBusy("Busy."))[0] is grpc.StatusCode.UNAVAILABLE


def test_any_other_error_says_nothing_of_what_is_inside_and_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    code, details, metadata = call(OverflowError("Python int too large to convert"))
    assert (code, metadata[REASON_KEY]) == (grpc.StatusCode.INTERNAL, "store_failed")
    assert "Python" not in details
    said = capsys.readouterr()
    assert "OverflowError" in said.out + said.err
