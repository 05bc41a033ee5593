"""What is wrong with a branch, in a sentence: on the head office's pages and in the letters that tell of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from shared.web.formats import format_span
from shared.web.translations import LazyText, gettext, ngettext
from shared.web.translations import lazy_plural as plural
from shared.web.translations import lazy_text as _

TROUBLES: Final[Mapping[str, LazyText]] = {
    "quarantined": _("Two copies of its store"),
    "unsound": _("The last check found differences"),
    "shifts_differ": _("Z-reports that do not hold"),
    "parked": _("Entries that could not be applied"),
    "skew": _("Its clock is wrong"),
    "certificate": _("Its certificate ends soon"),
    "unheard": _("Not heard for long"),
    "waiting": _("Many entries wait"),
    "feed_lag": _("It is far behind with what it is told"),
}
"""What each kind of trouble is called."""

UNITS: Final[Mapping[str, LazyText]] = {
    "shifts_differ": _("Z-reports of the last 31 days"),
    "parked": _("entries"),
    "skew": _("seconds"),
    "certificate": _("days before its end"),
    "unheard": _("minutes"),
    "waiting": _("entries"),
    "feed_lag": _("records"),
}
"""What its threshold counts; those without one are there or are not."""

SAYINGS: Final[Mapping[str, LazyText]] = {
    "raised": _("New"),
    "reminder": _("Still so"),
    "cleared": _("Over"),
}


def say_trouble(kind: str, figure: int) -> str:
    """The sentence, in the current language."""
    saying = _SENTENCES.get(kind)
    return saying(figure) if saying is not None else kind


def say_event(saying: str, branch: str, trouble: str, moment: str) -> str:
    """One line of a letter."""
    return gettext("%(saying)s – %(branch)s: %(trouble)s (since %(moment)s)") % {
        "saying": SAYINGS[saying],
        "branch": branch,
        "trouble": trouble,
        "moment": moment,
    }


def say_subject(branches: int) -> str:
    """What a letter is about: so many branches, or that it is over."""
    if not branches:
        return gettext("It is over")
    return ngettext("%(num)s branch needs somebody", "%(num)s branches need somebody", branches) % {"num": branches}


def say_left(count: int) -> str:
    """How many lines a letter has not."""
    return ngettext("… and %(num)s more", "… and %(num)s more", count) % {"num": count}


def say_foot() -> str:
    """A letter's last line."""
    return gettext("The page “State of the branches” of the head office says more. Who is told is set there too.")


def trial_letter(chain_name: str) -> tuple[str, str]:
    """Subject and text of a trial."""
    subject = gettext("A trial of the alerts")
    return f"{chain_name}: {subject}", gettext("If you read this, alerts about branches reach you.")


def _certificate(days: int) -> str:
    if days < 0:
        return gettext("its certificate has ended")
    return str(plural("its certificate ends in %(count)s day", "its certificate ends in %(count)s days", days))


_SENTENCES: Final[Mapping[str, Callable[[int], str]]] = {
    "quarantined": lambda _figure: gettext("two copies of its store speak: name the one that goes on"),
    "unsound": lambda count: str(
        plural("the last check found %(count)s difference", "the last check found %(count)s differences", count)
    ),
    "shifts_differ": lambda count: str(
        plural("%(count)s Z-report does not hold", "%(count)s Z-reports do not hold", count)
    ),
    "parked": lambda count: str(
        plural("%(count)s entry could not be applied", "%(count)s entries could not be applied", count)
    ),
    "skew": lambda seconds: gettext("its clock is wrong by %(span)s") % {"span": format_span(seconds)},
    "certificate": _certificate,
    "unheard": lambda minutes: gettext("not heard for %(span)s") % {"span": format_span(minutes * 60)},
    "waiting": lambda count: str(plural("%(count)s entry waits", "%(count)s entries wait", count)),
    "feed_lag": lambda count: str(
        plural(
            "it is %(count)s record behind with what it is told",
            "it is %(count)s records behind with what it is told",
            count,
        )
    ),
}
