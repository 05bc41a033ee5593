"""Commands whose global options stand before or after the sub-command, and groups that import only what is called."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

HELP_CHARACTERS_MAX = 100
"""Of one command in its group's list, which is wrapped to the terminal."""


@dataclass(slots=True)
class GlobalOptions:
    """What every command takes."""

    home: Path | None = None
    json: bool = False
    debug: bool = False


def _remember(name: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    def callback(context: click.Context, _parameter: click.Parameter, value: Any) -> Any:
        options = context.ensure_object(GlobalOptions)
        if value:
            setattr(options, name, value)
        return value

    return callback


def _global_options() -> list[click.Option]:
    return [
        click.Option(
            ["--home"],
            type=click.Path(path_type=Path),
            expose_value=False,
            callback=_remember("home"),
            help="Folder of this node's data (or FILIAL_HOME).",
        ),
        click.Option(
            ["--json"],
            is_flag=True,
            expose_value=False,
            callback=_remember("json"),
            help="One JSON document on standard output.",
        ),
        click.Option(
            ["--debug"],
            is_flag=True,
            expose_value=False,
            callback=_remember("debug"),
            help="Show tracebacks and more of the log.",
        ),
    ]


class Command(click.Command):
    """A command that also takes the global options."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += _global_options()


class Group(click.Group):
    """A group that takes the global options too, and may know a command by its module only until it is called."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += _global_options()
        self._deferred: dict[str, tuple[str, str]] = {}

    def defer(self, name: str, target: str, help_line: str) -> None:
        """Adds a command found at `module:attribute`, imported when it is called."""
        self._deferred[name] = (target, help_line)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self._deferred})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._deferred:
            return super().get_command(ctx, cmd_name)
        module, attribute = self._deferred[cmd_name][0].split(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the commands without importing them."""
        rows = []
        for name in self.list_commands(ctx):
            if name in self._deferred:
                rows.append((name, self._deferred[name][1]))
            else:
                command = super().get_command(ctx, name)
                rows.append((name, command.get_short_help_str(HELP_CHARACTERS_MAX) if command else ""))
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)


Group.group_class = Group
