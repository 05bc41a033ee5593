"""The tree of errors: stable words for programs, sentences for people."""

from __future__ import annotations

import re

import pytest

from shared import errors
from shared.errors import FilialError, NotForBranches, UnknownKind


def all_errors(root: type[FilialError] = FilialError) -> list[type[FilialError]]:
    """The root and everything below it in this module."""
    below = [
        found for child in root.__subclasses__() if child.__module__ == errors.__name__ for found in all_errors(child)
    ]
    return [root, *below]


def test_every_error_has_a_stable_word_of_its_own() -> None:
    reasons = [error_type.reason for error_type in all_errors()]
    assert len(set(reasons)) == len(reasons)
    assert all(re.fullmatch(r"[a-z_]+", reason) for reason in reasons)


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")
    assert sorted(drawn) == sorted(error_type.__name__ for error_type in all_errors()[1:])


def test_an_error_carries_its_message_and_its_hint() -> None:
    error = FilialError("What happened.", "What to do.")
    assert (str(error), error.message, error.hint) == ("What happened.", "What happened.", "What to do.")
    assert FilialError("What happened.").hint == ""


@pytest.mark.parametrize("error_type", [UnknownKind, NotForBranches])
def test_an_error_about_a_kind_names_it(error_type: type[UnknownKind] | type[NotForBranches]) -> None:
    error = error_type(777)
    assert error.kind == 777
    assert "777" in error.message
    assert error.hint
