"""Settings from the environment, for both programs alike."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from branch_node.settings import Settings as BranchSettings
from hq_server.settings import Settings as HqSettings
from shared.environment import load_settings, setting
from shared.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Settings:
    home: Path = setting(Path("somewhere"), "Folder.")
    country: str = setting("RU", "ISO 3166 country.")
    poll_ms: int = setting(50, "How often, milliseconds.")
    hour: int = setting(4, "At which hour.", least=0, most=23)


def test_what_is_not_set_has_its_default() -> None:
    assert load_settings(Settings, None, {}) == Settings()


def test_each_field_is_read_from_its_name_in_capitals() -> None:
    environment = {"FILIAL_HOME": "/data", "FILIAL_COUNTRY": "KZ", "FILIAL_POLL_MS": "7", "FILIAL_UNKNOWN": "x"}
    assert load_settings(Settings, None, environment) == Settings(Path("/data"), "KZ", 7)


def test_the_option_wins_over_the_environment() -> None:
    assert load_settings(Settings, Path("/mine"), {"FILIAL_HOME": "/data"}).home == Path("/mine")


@pytest.mark.parametrize("text", ["", "soon", "1.5", "7 ms", "0x10"])
def test_a_number_that_is_none_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(InvalidInput, match="FILIAL_POLL_MS"):
        load_settings(Settings, None, {"FILIAL_POLL_MS": text})


@pytest.mark.parametrize("text", ["-1", "24"])
def test_a_number_out_of_its_bounds_is_refused_by_its_name(text: str) -> None:
    for home in (None, Path("/mine")):
        with pytest.raises(InvalidInput, match=r"FILIAL_HOUR is -?\d+; it is from 0 to 23"):
            load_settings(Settings, home, {"FILIAL_HOUR": text})
    assert load_settings(Settings, None, {"FILIAL_HOUR": "23"}).hour == 23


def test_the_environment_is_that_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FILIAL_COUNTRY", "BY")
    assert load_settings(Settings, None).country == "BY"


@pytest.mark.parametrize("settings_type", [BranchSettings, HqSettings])
def test_every_setting_of_a_program_can_be_loaded_and_has_a_help_line(settings_type: type[object]) -> None:
    known = fields(settings_type)  # type: ignore[arg-type]
    given = {f"FILIAL_{field.name.upper()}": "7" for field in known}
    loaded = load_settings(settings_type, None, given)
    for field in known:
        assert str(getattr(loaded, field.name)) == "7"
        assert field.metadata["help"].endswith(".")


def test_everything_of_a_branch_is_in_its_folder() -> None:
    settings = BranchSettings(home=Path("/data"))
    paths = (
        settings.store_path,
        settings.sync_lock_path,
        settings.key_path,
        settings.certificate_path,
        settings.authority_path,
    )
    assert {path.parent for path in paths} == {Path("/data")}
    assert len(set(paths)) == len(paths)
