"""Escapes what templates show, as Jinja does, without making an object of every text: a page shows some hundred texts,
which are joined at once.

Contains no decision about what is escaped: everything is, but what is HTML already.
"""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, nodes
from jinja2.compiler import CodeGenerator, Frame
from markupsafe import _escape_inner  # type: ignore[attr-defined]

_PLACE = "filial_escape"


def escape_text(value: Any) -> str:
    """The text that stands for a value in HTML. What has `__html__`, such as Markup, says itself how."""
    if type(value) is str:
        return str(_escape_inner(value))
    if hasattr(value, "__html__"):
        return str(value.__html__())
    return str(_escape_inner(str(value)))


def escape_without_objects(environment: Environment) -> None:
    """Lets an environment's templates escape so; before the first of them is loaded."""
    environment.code_generator_class = _Generator
    setattr(environment, _PLACE, escape_text)


class _Generator(CodeGenerator):
    """Writes a template's Python. What it shows is joined to a text, so that a text is all that is needed of each."""

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape:
            super()._output_child_pre(node, frame, finalize)
            return
        self.write(f"environment.{_PLACE}(")
        if finalize.src is not None:
            self.write(finalize.src)
