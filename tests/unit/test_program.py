"""Running a command line: options anywhere, exit codes, and at most three lines of complaint."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import pytest

from branch_node.cli import commands as branch_commands
from hq_server.cli import commands as hq_commands
from shared.cli.commands import Command, GlobalOptions, Group
from shared.cli.program import EXIT_FAILED, EXIT_INTERRUPTED, run_program
from shared.errors import FilialError, InvalidInput

FAILURES: dict[str, BaseException] = {
    "refused": InvalidInput("The till is on fire.", "Leave the building."),
    "bare": FilialError("It did not work."),
    "bug": ZeroDivisionError("division\nby\n\nzero" + "!" * 1_000),
    "interrupted": KeyboardInterrupt(),
    "aborted": click.Abort(),
    "usage": click.UsageError("No such thing."),
    "file": click.FileError("till.csv", "is gone"),
    "pipe": BrokenPipeError(),
}


@click.group(cls=Group)
def root() -> None:
    """A program."""


@root.group("shop")
def shop() -> None:
    """A group of commands."""


@shop.command("show")
@click.argument("word", default="")
@click.option("--count", type=int, default=1)
@click.pass_obj
def show(options: GlobalOptions, word: str, count: int) -> None:
    """Show the options."""
    click.echo(f"{options.home} {options.json} {options.debug} {word} {count}")


@root.command("fail")
@click.argument("how")
def fail(how: str) -> None:
    """Fail."""
    raise FAILURES[how]


@root.command("answer")
@click.argument("code", type=int)
def answer(code: int) -> int:
    """End with a code."""
    return code


root.defer("later", "tests.unit.test_program:show", "Known by its module only.")
root.defer("broken", "tests.unit.no_such_module:nothing", "Its module is missing.")

Captured = pytest.CaptureFixture[str]


def run(*arguments: str) -> int:
    return run_program(root, arguments)


# Options.


@pytest.mark.parametrize(
    "arguments",
    [
        ("--home", "/data", "--json", "--debug", "shop", "show"),
        ("shop", "--home", "/data", "--json", "show", "--debug"),
        ("shop", "show", "--home", "/data", "--json", "--debug"),
        ("--json", "shop", "--debug", "show", "--home", "/data"),
        ("--home=/data", "--json", "--debug", "later"),
        ("later", "--json", "--debug", "--home=/data"),
    ],
    ids=" ".join,
)
def test_options_may_stand_before_or_after_the_sub_command(arguments: tuple[str, ...], capsys: Captured) -> None:
    assert run(*arguments) == 0
    assert capsys.readouterr().out == "/data True True  1\n"


def test_options_are_off_until_they_are_given(capsys: Captured) -> None:
    assert run("shop", "show", "word", "--count", "3") == 0
    assert capsys.readouterr().out == "None False False word 3\n"


def test_the_later_of_two_options_counts(capsys: Captured) -> None:
    run("--home", "/first", "shop", "show", "--home", "/second")
    assert capsys.readouterr().out.startswith("/second ")


def test_one_run_s_options_do_not_stay_for_the_next(capsys: Captured) -> None:
    run("--json", "shop", "show")
    run("shop", "show")
    assert capsys.readouterr().out.splitlines()[1] == "None False False  1"


def test_options_are_handed_over_as_they_should_be(capsys: Captured) -> None:
    seen: list[GlobalOptions] = []

    @click.command(cls=Command)
    @click.pass_obj
    def look(options: GlobalOptions) -> None:
        seen.append(options)

    group = Group("look")
    group.add_command(look, "look")
    run_program(group, ["look", "--home", "somewhere"])
    assert seen == [GlobalOptions(home=Path("somewhere"))]


# Exit codes.


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("shop", "show"), 0),
        (("--help",), 0),
        (("shop", "show", "--help"), 0),
        (("answer", "0"), 0),
        (("answer", "1"), 1),
        (("fail", "refused"), EXIT_FAILED),
        (("fail", "bug"), EXIT_FAILED),
        (("fail", "file"), EXIT_FAILED),
        (("fail", "interrupted"), EXIT_INTERRUPTED),
        (("fail", "aborted"), EXIT_INTERRUPTED),
        (("fail", "usage"), 2),
        (("nonsense",), 2),
        (("shop", "nonsense"), 2),
        (("shop", "show", "--nonsense"), 2),
        (("shop", "show", "--count", "many"), 2),
        (("answer",), 2),
        ((), 2),
        (("shop",), 2),
    ],
    ids=str,
)
def test_the_exit_code_says_how_it_went(arguments: tuple[str, ...], code: int, capsys: Captured) -> None:
    assert run(*arguments) == code
    assert "Traceback" not in capsys.readouterr().err


# Complaints.


def test_a_refusal_is_its_reason_and_its_hint(capsys: Captured) -> None:
    run("fail", "refused")
    assert capsys.readouterr() == ("", "Error: The till is on fire.\nHint: Leave the building.\n")


def test_a_refusal_without_a_hint_is_one_line(capsys: Captured) -> None:
    run("fail", "bare")
    assert capsys.readouterr().err == "Error: It did not work.\n"


@pytest.mark.parametrize("how", ["refused", "bare", "bug", "file", "interrupted", "aborted"])
def test_no_failure_says_more_than_three_lines(how: str, capsys: Captured) -> None:
    assert run("fail", how) != 0
    captured = capsys.readouterr()
    assert len(captured.err.splitlines()) <= 3
    assert captured.out == ""


def test_an_unexpected_failure_names_its_kind_in_one_line(capsys: Captured) -> None:
    run("fail", "bug")
    reason, hint = capsys.readouterr().err.splitlines()
    assert reason.startswith("Error: Unexpected failure: ZeroDivisionError: division by zero!")
    assert len(reason) < 300
    assert "--debug" in hint


def test_a_message_of_many_lines_is_still_one_line(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FAILURES, "long", InvalidInput("“2017\n\n\n\n01” is not a date."))
    run("fail", "long")
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("how", ["refused", "bug"])
def test_with_debug_a_failure_comes_with_its_traceback(how: str) -> None:
    with pytest.raises(type(FAILURES[how])):
        run("--debug", "fail", how)
    with pytest.raises(type(FAILURES[how])):
        run("fail", how, "--debug")


def test_a_reader_that_has_gone_is_no_complaint(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    redirected: list[Any] = []
    monkeypatch.setattr("os.dup2", lambda *descriptors: redirected.append(descriptors))
    monkeypatch.setattr(sys.stdout, "fileno", lambda: 1, raising=False)
    assert run("fail", "pipe") == EXIT_FAILED
    assert redirected[0][1] == 1
    assert capsys.readouterr().err == ""


# Deferred commands.


def test_deferred_commands_are_listed_without_being_imported(capsys: Captured) -> None:
    assert run("--help") == 0
    listed = capsys.readouterr().out
    assert "Its module is missing." in listed
    assert "A group of commands." in listed


def test_a_deferred_command_is_imported_when_it_is_called(capsys: Captured) -> None:
    assert run("later", "word") == 0
    assert run("broken") == EXIT_FAILED
    assert "ModuleNotFoundError" in capsys.readouterr().err


@pytest.mark.parametrize("program", [branch_commands, hq_commands], ids=["filial-branch", "filial-hq"])
def test_every_command_of_the_programs_has_help_and_takes_the_global_options(program: Group, capsys: Captured) -> None:
    context = click.Context(program)
    for name in program.list_commands(context):
        assert run_program(program, [name, "--help"]) == 0
        said = capsys.readouterr().out
        assert all(option in said for option in ("--home", "--json", "--debug")), name


@pytest.mark.parametrize("program", [branch_commands, hq_commands], ids=["filial-branch", "filial-hq"])
def test_help_imports_no_database_and_no_network(program: Group) -> None:
    import subprocess

    module = f"{'branch_node' if program is branch_commands else 'hq_server'}.__main__"
    script = (
        "import sys, runpy; sys.argv = ['filial', '--help']\n"
        f"try: runpy.run_module('{module}', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print(sorted({'grpc', 'sqlalchemy', 'sqlcipher3', 'alembic', 'cryptography'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
