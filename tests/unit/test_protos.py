"""The generated code is what the definitions generate, and the definitions keep to the rules of the house."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from protos.generate import ROOT, SOURCE, TARGET, generate
from shared.wire.generated import records_pb2, sync_pb2

DEFINITIONS = sorted(SOURCE.glob("*.proto"))


def test_the_generated_code_is_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    written = generate(tmp_path)
    kept = sorted(path.relative_to(ROOT) for path in (ROOT / TARGET).iterdir() if path.is_file())
    assert written == kept, "run: make protos"
    for path in written:
        assert (tmp_path / path).read_bytes() == (ROOT / path).read_bytes(), f"{path} differs; run: make protos"


def test_the_code_can_be_generated_without_an_activated_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert generate(tmp_path)


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.name)
def test_every_definition_belongs_to_version_1(path: Path) -> None:
    assert "package filial.sync.v1;" in path.read_text()


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.name)
def test_every_enum_starts_at_unspecified(path: Path) -> None:
    for body in re.findall(r"^enum \w+ \{(.*?)\}", path.read_text(), re.DOTALL | re.MULTILINE):
        assert re.search(r"\w+_UNSPECIFIED = 0;", body), body


def test_an_entry_s_numbers_never_change() -> None:
    entry, record = sync_pb2.Entry.DESCRIPTOR, sync_pb2.Record.DESCRIPTOR
    assert {field.name: field.number for field in entry.fields} == {"header": 1, "records": 2}
    assert {field.name: field.number for field in record.fields} == {
        "kind": 1,
        "id": 2,
        "salt": 3,
        "payload": 4,
        "hash": 5,
    }


def test_a_sale_s_numbers_never_change() -> None:
    numbers = {field.name: field.number for field in records_pb2.Sale.DESCRIPTOR.fields}
    assert list(numbers) == [
        "shift_id",
        "register",
        "receipt_number",
        "cashier",
        "client",
        "client_id",
        "sold_at",
        "business_date",
        "currency",
        "lines",
        "payments",
        "change_minor",
        "rounding_minor",
    ]
    assert list(numbers.values()) == list(range(1, 14))
