"""What templates show is escaped as Jinja escapes it, whatever it is."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import DictLoader, Environment, StrictUndefined, UndefinedError
from markupsafe import Markup, escape

from shared.web.escaping import escape_text, escape_without_objects
from shared.web.pages import make_environment
from shared.web.translations import lazy_text as _

NASTY = "<script>alert(\"1\")</script> & 'x'"
TEMPLATE = """
{% macro bold(text) %}
<b title="{{ text }}">{{ text }}</b>{% if caller is defined %}{{ caller() }}{% endif %}
{% endmacro %}
{% set kept %}<i>{{ what }}</i>{% endset %}
{{ bold(what) }}{{ kept }}{{ what ~ "<" }}{{ what | upper }}{{ html }}{{ number }}
{% call bold(what) %}{{ what }}{% endcall %}
{% for each in [what, html, number, none] %}{{ each }}{{ loop.index }}{% endfor %}
"""
VALUES = [NASTY, Markup("<b>&</b>"), 5, None, True, 1.5, [NASTY], b"<", _("<b>")]


class Colour(StrEnum):
    RED = "<red>"


class Drawn:
    def __html__(self) -> str:
        return "<hr>"

    def __str__(self) -> str:
        raise AssertionError("what is HTML is not asked for its text")


@pytest.fixture
def environments() -> tuple[Environment, Environment]:
    ours, theirs = (
        Environment(loader=DictLoader({"page": TEMPLATE}), autoescape=True, undefined=StrictUndefined) for _ in range(2)
    )
    escape_without_objects(ours)
    return ours, theirs


@pytest.mark.parametrize("value", [*VALUES, Colour.RED, Drawn()])
def test_a_value_is_the_text_that_jinja_makes_of_it(value: Any) -> None:
    assert escape_text(value) == str(escape(value))
    assert type(escape_text(value)) in (str, Markup)


@given(st.text())
def test_every_text_is_escaped_alike(text: str) -> None:
    assert escape_text(text) == str(escape(text))


@pytest.mark.parametrize("what", [NASTY, Markup("<u>safe</u>"), Colour.RED, 7])
def test_a_template_shows_the_same(environments: tuple[Environment, Environment], what: Any) -> None:
    values = {"what": what, "html": Markup("<em>&amp;</em>"), "number": 7}
    ours, theirs = (each.get_template("page").render(values) for each in environments)
    assert ours == theirs


def test_a_name_that_is_not_there_is_still_refused(environments: tuple[Environment, Environment]) -> None:
    with pytest.raises(UndefinedError):
        environments[0].get_template("page").render(html="", number=1)


def test_pages_escape() -> None:
    environment = make_environment([])
    assert environment.from_string("{{ what }}").render(what=NASTY) == str(escape(NASTY))
    assert environment.from_string("{{ _('%(name)s sold', name=what) }}").render(what="<b>") == "&lt;b&gt; sold"
