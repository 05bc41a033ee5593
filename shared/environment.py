"""Settings as frozen dataclasses read from the environment: one mechanism for both programs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import field, fields
from pathlib import Path
from typing import Any, TypeVar

from shared.errors import InvalidInput

PREFIX = "FILIAL_"
PRACTICE_FILE = "practice"
"""A file of this name in a program's folder marks it as practice, however it is started."""

SettingsT = TypeVar("SettingsT")

_PARSERS: dict[str, Callable[[str], Any]] = {"Path": Path, "str": str, "int": int}


def setting(default: Any, help_line: str, least: int | None = None, most: int | None = None) -> Any:
    """A field of a settings dataclass: its default, one line that names its unit, and the bounds of a number."""
    return field(default=default, metadata={"help": help_line, "least": least, "most": most})


def secret_setting(help_line: str) -> Any:
    """The same for a secret, which is empty by default and stands in no log."""
    return field(default="", repr=False, metadata={"help": help_line})


def load_settings(
    settings_type: type[SettingsT], home: Path | None, environment: Mapping[str, str] = os.environ
) -> SettingsT:
    """Each field from `FILIAL_` and its name in capitals; `home` wins. Raises InvalidInput when a number is none, or is
    out of its bounds."""
    values: dict[str, Any] = {}
    for known in fields(settings_type):  # type: ignore[arg-type]
        name = PREFIX + known.name.upper()
        text = environment.get(name)
        if text is None:
            continue
        try:
            values[known.name] = _PARSERS[str(known.type)](text)
        except ValueError:
            raise InvalidInput(f"{name} is “{text}”, which is not a number.") from None
        least, most = known.metadata.get("least"), known.metadata.get("most")
        if least is not None and most is not None and not least <= values[known.name] <= most:
            raise InvalidInput(f"{name} is {text}; it is from {least} to {most}.")
    if home is not None:
        values["home"] = home
    return settings_type(**values)
