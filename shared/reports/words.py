"""Marks what reports say to people, so that `deploy.translations` finds it; a presentation's `say` translates it."""

from __future__ import annotations


def marked(text: str) -> str:
    """The English text itself: modules import it as `_`."""
    return text
