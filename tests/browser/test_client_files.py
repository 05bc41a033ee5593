"""A client's files in a browser: dropping, listening, looking, putting away – in Russian, and what it looks like."""

from __future__ import annotations

import io
import struct
import wave
import zlib
from functools import partial
from pathlib import Path

import pytest

from branch_node.operations.files import attach_file, list_files
from shared.domain.attachments import CHUNK_BYTES
from shared.domain.identifiers import derived_id, format_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.records import RecordKind
from tests.browser.conftest import ServedBranch, Visit, log_in
from tests.support.browsing import screenshot, serious_barriers
from tests.support.deadlines import wait_until
from tests.support.files import bytes_of
from tests.support.shop import change

CLIENT = derived_id("client", b"anna")
FILES = f"/clients/{format_id(CLIENT)}/files"


def recording(seconds: int = 20) -> bytes:
    """A sound in the simplest of formats: longer than a chunk."""
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        one = b"".join(struct.pack("<h", (step % 73 - 36) * 300) for step in range(16_000))
        sound.writeframes(one * seconds)
    return out.getvalue()


def picture() -> bytes:
    """A PNG of colours that run into each other."""

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    width, height = 240, 120
    rows = b"".join(b"\0" + bytes(v for x in range(width) for v in (x, 2 * y, 128)) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = part(b"IHDR", header) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def learn_client(branch: ServedBranch) -> None:
    branch.staff.shop.learn(change(RecordKind.CLIENT, CLIENT, name="Анна Петрова"))


def test_a_recording_is_attached_and_heard(branch: ServedBranch, visit: Visit, tmp_path: Path) -> None:
    learn_client(branch)
    visitor = visit(branch.address, "ru")
    log_in(visitor)
    page = visitor.open(FILES)
    assert "У клиента нет файлов." in page.inner_text("main")
    screenshot(page, "client-files-empty-ru")
    sound, evil = tmp_path / "Звонок 26 ноября.wav", tmp_path / "Договор.pdf"
    sound.write_bytes(recording())
    evil.write_bytes(b"%PDF-1.7\n" + bytes_of(3_000))
    # Choosing is enough: each goes with its progress, then the page is looked at anew.
    with page.expect_navigation():
        page.set_input_files("input[type=file]", [sound, evil])
    page.wait_for_selector("audio")
    assert "Звонок 26 ноября.wav" in page.inner_text(".file-list")
    assert "Прикреплён 1 файл." in page.inner_text("#notices")
    wait_until(lambda: page.evaluate("document.querySelector('audio').duration > 19"), "the recording's length")
    # The player asks for the part it is sent to.
    page.evaluate("document.querySelector('audio').currentTime = 15")
    wait_until(lambda: page.evaluate("!document.querySelector('audio').seeking"), "the place in the recording")
    assert page.evaluate("document.querySelector('audio').readyState") >= 2
    assert page.evaluate("document.querySelector('audio').error") is None
    with page.expect_download() as saved:
        page.click("a:has-text('Договор.pdf')")
    assert saved.value.suggested_filename == "Договор.pdf"
    assert Path(saved.value.path()).read_bytes() == evil.read_bytes()
    page.click("button[aria-label='В архив: Договор.pdf']")
    page.wait_for_selector("#notices:has-text('Файл убран.')")
    assert "Договор.pdf" not in page.inner_text(".file-list")
    page.keyboard.press("Control+z")
    page.wait_for_selector(".file-list:has-text('Договор.pdf')")


def test_a_file_that_is_refused_says_why_and_stays_to_be_read(
    branch: ServedBranch, visit: Visit, tmp_path: Path
) -> None:
    learn_client(branch)
    visitor = visit(branch.address, "ru")
    log_in(visitor)
    page = visitor.open(FILES)
    empty = tmp_path / "пусто.pdf"
    empty.write_bytes(b"")
    page.set_input_files("input[type=file]", empty)
    page.wait_for_selector(".file-failed:has-text('Файл пуст. Выберите другой файл.')")
    visitor.allow("422")
    # Dropped onto the form as from a folder.
    page.evaluate(
        """() => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array([37, 80, 68, 70, 45])], "скан.pdf"));
            const form = document.querySelector("[data-file-drop]");
            form.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        }"""
    )
    page.wait_for_selector(".file-list:has-text('скан.pdf')")
    assert [each.name for each in list_files(branch.store, LOCAL_ADMINISTRATOR, CLIENT)] == ["скан.pdf"]


@pytest.mark.parametrize(("language", "colours"), [("ru", "light"), pytest.param("en", "dark", marks=pytest.mark.slow)])
def test_the_files_of_a_client_are_without_barriers(
    branch: ServedBranch, visit: Visit, language: str, colours: str
) -> None:
    learn_client(branch)
    commit = branch.staff.shop.processor.commit
    for name, data in (
        ("Запись звонка.wav", recording(3)),
        ("Фото витрины.png", picture()),
        ("Договор поставки с очень длинным названием, которое не помещается в строку телефона.pdf", b"%PDF-1.7 x"),
        ("Скан паспорта.pdf", b"%PDF-" + bytes_of(3 * CHUNK_BYTES)),
    ):
        branch.staff.shop.clock.advance(60)
        attach_file(branch.store, commit, LOCAL_ADMINISTRATOR, CLIENT, io.BytesIO(data), name)
    with branch.store.write() as connection:
        connection.exec_driver_sql(
            "DELETE FROM file_chunk WHERE length(data) = 262144 AND sha256 > (SELECT MIN(sha256) FROM file_chunk)"
        )
    for width in (1280, 390):
        visitor = visit(branch.address, language, colours, width=width)
        log_in(visitor)
        page = visitor.open(FILES)
        wait_until(partial(page.evaluate, "document.querySelector('.file-image').naturalWidth"), "the photo")
        assert serious_barriers(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        screenshot(page, f"client-files-{width}-{language}-{colours}")
    seller = visit(branch.address, language, colours)
    log_in(seller, "anna")
    page = seller.open(FILES)
    assert "Договор" not in page.inner_text("main")
    screenshot(page, f"client-files-seller-{language}-{colours}")
