"""How complete the numbers are, in the words of people: the component beside every total. Contains no judgement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from shared.reports.result import Completeness
from shared.web.formats import format_moment, format_number, format_rate
from shared.web.translations import gettext, ngettext

NAMED_MAX: Final = 5
"""Missing branches that are named at once; the others below them."""


class MissingBranch(NamedTuple):
    """A branch that is not complete: since when nothing is known of it, and its usual share of sales or ""."""

    name: str
    since: str
    share: str


class CompletenessWords(NamedTuple):
    """`sentence` says how many are complete, `missing` which are not; `share` is what those usually are of all sales,
    "" where nobody knows."""

    is_complete: bool
    sentence: str
    missing: tuple[MissingBranch, ...]
    share: str

    @property
    def named(self) -> tuple[MissingBranch, ...]:
        """The missing ones that are named at once."""
        return self.missing[:NAMED_MAX]

    @property
    def others(self) -> tuple[MissingBranch, ...]:
        """Those that are named when somebody asks."""
        return self.missing[NAMED_MAX:]


def completeness_words(completeness: Completeness, names: Mapping[str, str], zone: str) -> CompletenessWords:
    """`41 of 43 branches complete to 22:00` and who is missing. `names` are those of branches by code."""
    branches, missing = completeness.branches, completeness.missing
    whole = [known.watermark_us for known in branches if known.complete and known.watermark_us is not None]
    figures = {"complete": format_number(len(branches) - len(missing)), "all": format_number(len(branches))}
    if not branches:
        said = gettext("There are no branches, so there is no data.")
    elif whole:
        figures["moment"] = format_moment(min(whole), zone)
        said = ngettext(
            "%(complete)s of %(all)s branch complete to %(moment)s.",
            "%(complete)s of %(all)s branches complete to %(moment)s.",
            len(branches),
        )
    else:
        said = gettext("No branch is complete yet.")
    return CompletenessWords(
        not missing,
        said % figures,
        tuple(
            MissingBranch(
                names.get(known.branch, known.branch),
                _since(known.last_seen_us if known.watermark_us is None else known.watermark_us, zone),
                "" if known.share_basis_points is None else format_share(known.share_basis_points),
            )
            for known in missing
        ),
        _usual_share(completeness),
    )


def format_share(basis_points: int) -> str:
    """`320` as `3,2 %` (ru) or `3.2%` (en)."""
    return format_rate((basis_points + 5) // 10 * 10)


def _usual_share(completeness: Completeness) -> str:
    share = completeness.missing_basis_points
    return format_share(share) if share is not None and completeness.missing else ""


def _since(at_us: int | None, zone: str) -> str:
    return (
        gettext("never heard")
        if at_us is None
        else gettext("since %(moment)s") % {"moment": format_moment(at_us, zone)}
    )
