"""Keeps the house: small files and functions, documented surfaces, pages that say what the programs do."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.generate import REFERENCE, pages
from shared.wire.methods import SERVICES

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ("shared", "branch_node", "hq_server")
TREES = (*PROGRAMS, "deploy", "benchmarks", "docs", "protos", "tests")
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
VAGUE = {"utils", "util", "helpers", "helper", "manager", "common", "misc", "tools"}


def sources(*trees: str) -> Iterator[Path]:
    """Our Python files; generated code and released migrations are what they are."""
    for tree in trees:
        for path in sorted((ROOT / tree).rglob("*.py")):
            if "generated" not in path.parts and "migrations" not in path.parts:
                yield path


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_file_is_longer_than_a_room_should_be() -> None:
    long = {named(path): len(path.read_text().splitlines()) for path in sources(*TREES)}
    assert {name: lines for name, lines in long.items() if lines > FILE_LINES_MAX} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    long = {}
    for path in sources(*TREES):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > FUNCTION_LINES_MAX:
                    long[f"{named(path)}:{node.name}"] = lines
    assert long == {}


def test_every_module_begins_by_saying_what_it_is() -> None:
    silent = [
        named(path)
        for path in sources(*TREES)
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_no_room_has_a_vague_name() -> None:
    assert [named(path) for path in sources(*TREES) if {path.stem, path.parent.name} & VAGUE] == []


def test_every_module_of_the_programs_is_used_by_a_test() -> None:
    tests = "\n".join(path.read_text() for path in sources("tests"))
    rooms = ("domain", "sync", "wire", "operations", "storage", "reports")
    untested = []
    for path in sources(*PROGRAMS):
        dotted = named(path).removesuffix(".py").replace("/", ".")
        if path.name == "__init__.py" or path.parent.name not in rooms:
            continue
        package, _, name = dotted.rpartition(".")
        if dotted not in tests and not re.search(rf"from {re.escape(package)} import [^\n]*\b{name}\b", tests):
            untested.append(dotted)
    assert untested == []


@pytest.mark.parametrize("name", sorted(pages()))
def test_the_reference_says_what_the_programs_say(name: str) -> None:
    assert (ROOT / REFERENCE / name).read_text() == pages()[name](), "Run: make docs"


def test_every_remote_procedure_is_in_the_protocol_document() -> None:
    document = (ROOT / "docs" / "sync-protocol.md").read_text()
    for path in (ROOT / "protos").rglob("*.proto"):
        for procedure in re.findall(r"^\s*rpc (\w+)\(", path.read_text(), re.MULTILINE):
            assert f"`{procedure}`" in document
    assert all(service in document for service in SERVICES)


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = (folder / "README.md").read_text()
    assert all(path.name in listed for path in folder.glob("0*.md"))


def test_links_between_pages_lead_somewhere() -> None:
    broken = []
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            if not (page.parent / target).exists():
                broken.append(f"{named(page)} → {target}")
    assert broken == []


def test_the_lock_names_no_address_and_holds_every_package_by_hash() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    packages = re.split(r"\n(?=\S)", lock.strip())
    assert [package.split()[0] for package in packages if "--hash=sha256:" not in package] == []


def test_every_task_of_the_makefile_is_listed_by_help() -> None:
    listed = subprocess.run(["make", "-C", str(ROOT), "help"], capture_output=True, text=True, check=True).stdout
    for task in ("demo", "test", "lint", "bench", "protos", "docs", "acceptance"):
        assert f"make {task}" in listed
