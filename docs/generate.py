"""Regenerates docs/reference from the programs themselves (`make docs`); a test holds the pages against the code."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import click

import branch_node.cli
import branch_node.settings
import hq_server.cli
import hq_server.settings
from shared.environment import PREFIX

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = Path("docs") / "reference"
_MADE = "<!-- Made by `make docs`; edit the code, not this page. -->\n"
_GLOBAL = {"--home", "--json", "--debug", "--help", "--version"}


def pages() -> dict[str, Callable[[], str]]:
    """Every generated page by its name, to be made."""
    return {
        "filial-hq.md": partial(_commands_page, "filial-hq", hq_server.cli.commands),
        "filial-branch.md": partial(_commands_page, "filial-branch", branch_node.cli.commands),
        "settings.md": _settings_page,
        "limits.md": _limits_page,
    }


def _commands_page(program: str, group: click.Group) -> str:
    parts = [f"# `{program}`\n", _MADE, f"{group.help}\n"]
    parts.append(
        "Every command takes `--home DIR` (or `FILIAL_HOME`), `--json`, `--debug` and `--help`, before or after the "
        "sub-command. It exits 0 on success, 1 when the operation was refused or failed, 2 on wrong usage.\n"
    )
    for path, command in _walk(group, (program,)):
        parts.append(_command_section(path, command))
    return "\n".join(parts)


def _walk(group: click.Group, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group, info_name=path[-1])
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _walk(command, (*path, name))
        elif command is not None and not command.hidden:
            yield (*path, name), command


def _command_section(path: tuple[str, ...], command: click.Command) -> str:
    arguments = [_argument(param) for param in command.params if isinstance(param, click.Argument)]
    options = [param for param in command.params if isinstance(param, click.Option) and not param.hidden]
    options = [option for option in options if not set(option.opts) & _GLOBAL]
    usage = " ".join([*path, *arguments, *(["[OPTIONS]"] if options else [])])
    parts = [f"## `{usage}`\n", f"{inspect.cleandoc(command.help or '')}\n"]
    if options:
        parts.append("| option | meaning |\n| --- | --- |")
        parts += [_option_row(option) for option in options]
        parts.append("")
    return "\n".join(parts)


def _argument(argument: click.Argument) -> str:
    name = argument.make_metavar(click.Context(click.Command("x")))
    return name if argument.required else f"[{name.strip('[]')}]"


def _option_row(option: click.Option) -> str:
    names = "/".join([*option.opts, *option.secondary_opts])
    kind = "" if option.is_flag else f" {option.make_metavar(click.Context(click.Command('x')))}"
    default = f" Default: {option.default}." if option.show_default and option.default is not None else ""
    shown = f"{names}{kind}".replace("|", " or ")
    return f"| `{shown}` | {option.help or ''}{default} |"


def _settings_page() -> str:
    parts = ["# Settings\n", _MADE, f"Each is read from the environment as `{PREFIX}` and its name in capitals.\n"]
    for program, settings in (("filial-hq", hq_server.settings), ("filial-branch", branch_node.settings)):
        parts.append(f"## `{program}`\n\n| variable | default | meaning |\n| --- | --- | --- |")
        parts += [_setting_row(known) for known in fields(settings.Settings)]
        parts.append("")
    return "\n".join(parts)


def _setting_row(known: Any) -> str:
    return f"| `{PREFIX}{known.name.upper()}` | `{known.default}` | {known.metadata['help']} |"


def _limits_page() -> str:
    parts = ["# Limits\n", _MADE, "Everything has a limit, with its unit in its name.\n"]
    parts.append("| limit | value | module |\n| --- | --- | --- |")
    for program in ("shared", "branch_node", "hq_server"):
        for path in sorted((ROOT / program).rglob("*.py")):
            if "generated" not in path.parts:
                parts += _limits_of(path)
    return "\n".join(parts) + "\n"


def _limits_of(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name.endswith(("_MAX", "_MIN")) and name.isupper() and not name.startswith("_"):
                value = ast.unparse(node.value).replace("|", "\\|")
                yield f"| `{name}` | {value} | `{path.relative_to(ROOT).as_posix()}` |"


def main() -> None:
    """Writes the pages."""
    (ROOT / REFERENCE).mkdir(parents=True, exist_ok=True)
    for name, make in pages().items():
        (ROOT / REFERENCE / name).write_text(make())
        sys.stdout.write(f"{REFERENCE / name}\n")


if __name__ == "__main__":
    main()
