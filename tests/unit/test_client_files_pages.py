"""A client's files over HTTP: sending, playing parts of them, and that nothing that was sent is ever run."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from httpx2 import Response

from branch_node.operations.files import attach_file, list_files
from branch_node.storage.store import BranchStore
from branch_node.web.client_files import read_range, size_text
from shared.domain.attachments import CHUNK_BYTES, FILE_BYTES_MAX
from shared.domain.identifiers import derived_id, format_id
from shared.domain.permissions import LOCAL_ADMINISTRATOR
from shared.domain.records import RecordKind
from shared.web.security import BODY_BYTES_MAX
from tests.support.clock import FakeClock
from tests.support.files import SMALL_MP3, bytes_of
from tests.support.shop import Shop, change
from tests.support.till_pages import Browser, make_pages, staff_of

CLIENT = derived_id("client", b"anna")
FILES = f"/clients/{format_id(CLIENT)}/files"
EVIL = b"<html><script>alert(document.cookie)</script></html>"


@pytest.fixture
def shop(branch_store: BranchStore, clock: FakeClock) -> Shop:
    made = Shop(branch_store, clock)
    made.learn(change(RecordKind.CLIENT, CLIENT, name="Анна Петрова"))
    return made


@pytest.fixture
def browser(shop: Shop, tmp_path: Path) -> Browser:
    """Maria, a manager."""
    staff_of(shop.store, shop.clock, tmp_path)
    made = Browser(make_pages(shop.store, tmp_path))
    made.log_in("maria")
    return made


def send(browser: Browser, *files: tuple[str, bytes], token: str | None = None, **headers: str) -> Response:
    fields = {"csrf_token": browser.token() if token is None else token}
    parts = [("file", (name, data, "text/html")) for name, data in files]
    return browser.client.post(FILES, data=fields, files=parts, headers=headers)


def attach(shop: Shop, data: bytes, name: str) -> str:
    """The file's address."""
    commit = shop.processor.commit
    file_id = attach_file(shop.store, commit, LOCAL_ADMINISTRATOR, CLIENT, io.BytesIO(data), name)
    return f"{FILES}/{format_id(file_id)}"


def kept(shop: Shop) -> list[tuple[str, str, int]]:
    files = list_files(shop.store, LOCAL_ADMINISTRATOR, CLIENT)
    return sorted((each.name, each.media_type, each.size) for each in files)


def test_files_of_a_form_are_attached_and_can_be_undone(shop: Shop, browser: Browser) -> None:
    sent = send(browser, ("Запись.mp3", SMALL_MP3), ("..\\scan.pdf", b"%PDF-1.7"))
    assert (sent.status_code, sent.headers["location"]) == (303, FILES)
    assert kept(shop) == [("scan.pdf", "application/pdf", 8), ("Запись.mp3", "audio/mpeg", len(SMALL_MP3))]
    listed = browser.get(FILES).text
    assert "2 files are attached." in listed
    assert "<audio" in listed
    assert "Maria" in listed
    send(browser, ("third.pdf", b"%PDF-third"))
    page = browser.get(FILES).text
    undo = page.split('data-undo-seconds="10"')[1].split('action="')[1].split('"')[0]
    browser.post(undo, FILES, archived="1")
    assert len(kept(shop)) == 2
    assert "third.pdf" not in browser.get(FILES).text.split("files-title")[1]
    assert "third.pdf" in browser.get(f"{FILES}?all=1").text
    browser.post(undo, FILES, archived="0")
    assert len(kept(shop)) == 3


def test_a_file_larger_than_any_form_comes_through_and_one_beyond_the_limit_does_not(
    shop: Shop, browser: Browser
) -> None:
    data = b"%PDF-" + bytes_of(BODY_BYTES_MAX + CHUNK_BYTES)
    assert send(browser, ("large.pdf", data)).status_code == 303
    (address,) = [f"{FILES}/{format_id(e.file_id)}" for e in list_files(shop.store, LOCAL_ADMINISTRATOR, CLIENT)]
    assert browser.get(address).content == data
    over = send(browser, ("over.pdf", b"%PDF-" + bytes(FILE_BYTES_MAX)))
    assert over.status_code == 422
    assert "At most 20 MiB are kept." in over.text
    far_over = send(browser, *[(f"{n}.pdf", b"%PDF-" + bytes(FILE_BYTES_MAX)) for n in range(4)], ("x", bytes(10**5)))
    assert far_over.status_code == 413
    elsewhere = browser.client.post("/pin", data={"csrf_token": browser.token()}, files={"file": ("x", data)})
    assert elsewhere.status_code == 413
    assert len(kept(shop)) == 1


@pytest.mark.parametrize("token", ["", "wrong"])
def test_a_file_without_the_page_s_token_is_not_taken(shop: Shop, browser: Browser, token: str) -> None:
    assert send(browser, ("a.pdf", b"%PDF-"), token=token).status_code == 403
    in_header = send(browser, ("a.pdf", b"%PDF-"), token="", **{"X-CSRF-Token": token or "no"})
    assert in_header.status_code == 403
    assert kept(shop) == []
    sent = send(browser, ("a.pdf", b"%PDF-"), token="", **{"X-CSRF-Token": browser.token(), "HX-Request": "true"})
    assert (sent.status_code, sent.headers["hx-redirect"]) == (204, FILES)


def test_strangers_and_other_sites_send_nothing_large(shop: Shop, browser: Browser, tmp_path: Path) -> None:
    stranger = Browser(make_pages(shop.store, tmp_path))
    data = bytes_of(BODY_BYTES_MAX + 1)
    fields = {"csrf_token": stranger.token("/login")}
    assert stranger.client.post(FILES, data=fields, files={"file": ("a", data)}).status_code == 413
    assert send(browser, ("a", b"x"), **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert kept(shop) == []


def test_a_form_that_is_cut_or_none_attaches_nothing(shop: Shop, browser: Browser) -> None:
    headers = {"X-CSRF-Token": browser.token(), "Content-Type": "multipart/form-data; boundary=x"}
    for body in (b"", b"--x", b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf'):
        assert browser.client.post(FILES, content=body, headers=headers).status_code in (400, 422)
    assert browser.post(FILES, FILES).status_code == 422
    assert kept(shop) == []


def test_nothing_that_was_sent_is_ever_run(shop: Shop, browser: Browser) -> None:
    for name, data in (("page.png", EVIL), ("drawing.svg", b"<svg onload='x'/>"), ("scan.pdf", b"%PDF-1.7 " + EVIL)):
        answer = browser.get(attach(shop, data, name))
        assert answer.content == data
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment;")
        assert answer.headers["x-content-type-options"] == "nosniff"
        policy = answer.headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "sandbox", "frame-ancestors 'none'"} <= set(policy)


def test_a_card_that_calls_markup_a_picture_is_not_believed(shop: Shop, browser: Browser) -> None:
    address = attach(shop, EVIL, "page.png")
    with shop.store.write() as connection:
        connection.exec_driver_sql("UPDATE attachment SET media_type = 'image/png'")
    assert browser.get(address).headers["content-type"] == "application/octet-stream"


def test_a_name_cannot_break_out_of_its_header(shop: Shop, browser: Browser) -> None:
    answer = browser.get(attach(shop, SMALL_MP3, 'a"; filename=evil.exe\r\nX: y.mp3'))
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith('inline; filename="a__ filename_evil.exe')
    assert "x" not in answer.headers


def test_parts_of_a_recording_are_given(shop: Shop, browser: Browser) -> None:
    data = b"ID3" + bytes_of(2 * CHUNK_BYTES)
    address = attach(shop, data, "call.mp3")
    for asked, first, last in (
        ("bytes=0-1", 0, 1),
        (f"bytes={CHUNK_BYTES - 1}-{CHUNK_BYTES}", CHUNK_BYTES - 1, CHUNK_BYTES),
        ("bytes=5-", 5, len(data) - 1),
        ("bytes=-3", len(data) - 3, len(data) - 1),
        ("bytes=0-99999999999", 0, len(data) - 1),
    ):
        answer = browser.get(address, Range=asked)
        assert answer.status_code == 206
        assert answer.content == data[first : last + 1]
        assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(data)}"
        assert answer.headers["content-type"] == "audio/mpeg"
    whole = browser.get(address)
    assert (whole.status_code, whole.headers["accept-ranges"], whole.content) == (200, "bytes", data)
    beyond = browser.get(address, Range=f"bytes={len(data)}-")
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(data)}")


@pytest.mark.parametrize(
    "asked", ["bytes=", "bytes=-", "bytes=-0", "bytes=2-1", "bytes=a-b", "lines=0-1", "bytes=0-1,3-4"]
)
def test_a_range_that_is_none_is_not_given(asked: str) -> None:
    assert read_range(asked, 10) is None


def test_another_client_s_file_is_not_at_this_address(shop: Shop, browser: Browser) -> None:
    address = attach(shop, SMALL_MP3, "call.mp3")
    other = derived_id("client", b"boris")
    shop.learn(change(RecordKind.CLIENT, other, name="Boris"))
    moved = address.replace(format_id(CLIENT), format_id(other))
    assert browser.get(moved).status_code == 404
    assert browser.post(f"{moved}/away", FILES, archived="1").status_code == 404
    assert browser.get(FILES.replace(format_id(CLIENT), "nobody")).status_code == 404
    assert browser.get(f"{FILES}/nothing").status_code == 404
    assert browser.get(f"{FILES}/{format_id(CLIENT)}").status_code == 404


def test_a_file_that_is_on_its_way_says_so(shop: Shop, browser: Browser) -> None:
    address = attach(shop, b"%PDF-" + bytes_of(2 * CHUNK_BYTES), "contract.pdf")
    with shop.store.write() as connection:
        connection.exec_driver_sql("DELETE FROM file_chunk WHERE sha256 = (SELECT sha256 FROM file_chunk LIMIT 1)")
        connection.exec_driver_sql("UPDATE file_transfer SET problem = 'A part of the file came damaged.'")
    assert "On its way: 2 of 3 parts. A part of the file came damaged." in browser.get(FILES).text
    answer = browser.get(address)
    assert answer.status_code == 409
    assert "The file is on its way: 2 of 3 parts are here." in answer.text


def test_sizes_are_said_as_people_say_them() -> None:
    assert [size_text(size) for size in (1, 900, 1_025, 1_572_864, FILE_BYTES_MAX)] == [
        "1 byte", "900 bytes", "2 KiB", "1.5 MiB", "20 MiB",
    ]  # fmt: skip
