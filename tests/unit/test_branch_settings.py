"""Which settings of a branch this release can use."""

from __future__ import annotations

import pytest

from shared.domain.cards import Value
from shared.operations.branch_settings import is_usable_setting


@pytest.mark.parametrize(
    ("name", "value", "usable"),
    [
        ("mode", "centralized", True),
        ("mode", "bogus", False),
        ("when_unreachable", "fall_back", True),
        ("when_unreachable", "", False),
        ("timezone", "Asia/Kathmandu", True),
        ("timezone", "../../etc/passwd", False),
        ("currency", "RUB", True),
        ("currency", "rubles", False),
        ("name", "Anything at all", True),
        ("name", None, False),
        ("name", 5, False),
    ],
)
def test_a_setting_is_taken_only_when_it_can_be_used(name: str, value: Value, usable: bool) -> None:
    assert is_usable_setting(name, value) == usable
