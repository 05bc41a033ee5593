"""What checks, repairs and quarantines write down in English, in the language of the page. Contains no rules.

They are sentences that were made in a process without a reader, and are kept: each is found again by its shape, as
errors are (shared.web.error_texts). What nobody here knows is shown as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from hq_server.web.review_words import kind_name
from shared.domain.records import RecordKind
from shared.reports.words import marked as _
from shared.web.error_texts import SAID_CHARACTERS_MAX, translate_error
from shared.web.translations import gettext

SENTENCES: Final = (
    # Of a chain.
    _("Entry %(seq)s cannot be read: %(why)s"),
    _("Entry %(seq)s was altered: its hash is not what it was."),
    _("Entry %(seq)s is missing."),
    _("Entries %(first)s to %(last)s are missing."),
    _("Entry %(seq)s has the status %(status)s, which there is not."),
    _("Entry %(seq)s is said to repeat another, but no other has its records."),
    _("The chain ends at entry %(seq)s, but %(acknowledged)s were acknowledged."),
    _("%(stored)s entries are stored, %(whole)s are in unbroken chains, %(counted)s were counted."),
    _("%(count)s entries are parked: held, but not applied. See: filial-hq sync parked"),
    # Of records, counters and rollups.
    _("%(record)s is missing: an entry has it, its rows are not there."),
    _("%(record)s is altered: %(parts)s."),
    _("%(record)s is extra: no entry has it."),
    _("%(record)s is in no entry that can be read."),
    _("%(count)s more records differ."),
    _("Counters were not compared: not every entry can be relied on."),
    _("The counter of kind %(kind)s on %(day)s is %(figures)s, the entries say %(wanted)s."),
    _("Record counters were counted anew."),
    _("Rollups were folded anew."),
    _("%(rollup)s of %(branch)s, %(where)s: stored %(figures)s, the facts make %(wanted)s."),
    # Of cards, and of what belongs to no branch.
    _("The card of %(record)s cannot be read: %(why)s"),
    _("%(record)s is missing: its card is there."),
    _("%(record)s is shown, but has no card."),
    _("%(record)s is not what its card shows: %(changes)s."),
    _("%(count)s more cards differ."),
    _("%(count)s rows of %(table)s under the branch id %(branch)s: there is no such branch here."),
    _("%(count)s row of %(table)s under the branch id %(branch)s: there is no such branch here."),
)
ENDINGS: Final = (
    _("It was removed."),
    _("It was rewritten from its entry."),
    _("It was written anew from its card."),
    _("It was left as it is."),
    _("They were removed."),
    _("They were left as they are."),
)
"""What a repair did, after what it had found."""

CHANGES: Final = (
    _("%(column)s is another"),
    _("%(column)s is %(now)s, was %(before)s"),
)
WRITTEN: Final = (
    # Why a branch is not let in.
    _("The branch speaks protocol %(1)s–%(2)s, HQ %(3)s–%(4)s."),
    _("HQ does not hold the entry that this incarnation goes on from."),
    _("The branch comes with a new store, but HQ holds entries of an earlier one; "
      "if that one is lost, enrol with --replace."),
    _("Another store is this incarnation's heir."),
    _("The store is an older copy: it has taken part in later sessions."),
    _("Another incarnation has gone on from this one."),
    _("Two stores live under this branch's identity; HQ must say which one is the heir."),
    _("The journal ends at entry %(1)s, but HQ holds %(2)s entries: the store was restored from an older copy."),
    _("The branch holds another entry %(1)s than HQ does."),
    # Why a scheduled report did not go out.
    _("whoever saved it may not see the chain's reports any more"),
    _("interrupted too often"),
    _("%(1)s: see the log"),
    # Why branches are not told an answer.
    _("The report broke; the log of the head office says why."),
    # What an entry that cannot be read is.
    _("It is not bytes."),
    _("it is not bytes."),
)  # fmt: skip
"""Sentences without anything in them that is said in words of ours: they are found as errors are."""

NAMES: Final[Mapping[str, str]] = {
    "Sales by month": _("by month"),
    "Sales by day": _("by day"),
    "Sales by hour": _("by hour"),
    "Sales by category": _("by category"),
    "business date": _("business day"),
    "month": _("calendar month"),
    "hour": _("hour of the day"),
    "cashier": _("till’s cashier"),
    "category": _("goods’ category"),
    "receipts": _("number of receipts"),
    "units thousandths": _("thousandths of units"),
    "gross minor": _("before discounts, minor units"),
    "discounts minor": _("discounts, minor units"),
    "returns minor": _("returns, minor units"),
    "net minor": _("taken, minor units"),
}
"""What rollups and their columns are called."""

_ROW_PROBLEMS: Final = (_("is missing"), _("is extra"))
_PLACE: Final = re.compile(r"%\((\w+)\)s")


def say_found(sentence: str) -> str:
    """What a check found or a repair did, in the current language."""
    if len(sentence) > SAID_CHARACTERS_MAX:
        return sentence
    for ending in ENDINGS:
        found, space, _rest = sentence.rpartition(f" {ending}")
        if space and not _rest:
            return f"{say_found(found)} {gettext(ending)}"
    return _say_among(SENTENCES, sentence) or translate_error(sentence)


def say_reason(reason: str) -> str:
    """Why a run of a scheduled report failed: one sentence, or by address what the mail server said."""
    whole = translate_error(reason)
    if whole != reason or ": " not in reason:
        return whole
    said = []
    for part in reason.split("; "):
        target, _colon, words = part.partition(": ")
        said.append(f"{translate_error(target)}: {translate_error(words)}")
    return "; ".join(said)


def _say_among(shapes: tuple[str, ...], sentence: str) -> str:
    """The first shape that fits, with its values said too; "" when none does."""
    for shape in shapes:
        found = _pattern(shape).fullmatch(sentence)
        if found is not None:
            values = {name: _SAY.get(name, str)(value) for name, value in found.groupdict().items()}
            return gettext(shape) % values
    return ""


@cache
def _pattern(shape: str) -> re.Pattern[str]:
    pieces = _PLACE.split(shape)
    literal = [re.escape(piece) if number % 2 == 0 else f"(?P<{piece}>.*?)" for number, piece in enumerate(pieces)]
    return re.compile("".join(literal), re.DOTALL)


def _record(text: str) -> str:
    """`sale 019f…`, as people call it."""
    table, space, identity = text.partition(" ")
    kind = RecordKind.__members__.get(table.upper())
    return text if kind is None else f"{kind_name(kind)}{space}{identity}"


def _parts(text: str) -> str:
    """`sale_line 1 is missing; sale net_minor is 5, was 7`."""
    return "; ".join(_part(part) for part in text.split("; "))


def _part(text: str) -> str:
    for problem in _ROW_PROBLEMS:
        row = text.removesuffix(f" {problem}")
        if row != text:
            return f"{row} {gettext(problem)}"
    table, _space, changes = text.partition(" ")
    number, space, rest = changes.partition(" ")
    if number.isdigit() and space:
        table, changes = f"{table} {number}", rest
    return f"{table}: {_changes(changes)}"


def _changes(text: str) -> str:
    """`net_minor is 5, was 7, cashier is another`; a row that is there or not."""
    if text in _ROW_PROBLEMS:
        return gettext(text)
    return ", ".join(_say_among(CHANGES, each) or each for each in re.split(r", (?!was )", text))


def _named(text: str) -> str:
    """`business date 2026-11-20, category none`; or nothing at all."""
    if text == "nothing":
        return gettext("nothing")
    said = []
    for each in text.split(", "):
        name, _space, value = each.rpartition(" ")
        shown = "–" if value == "none" else value
        said.append(f"{gettext(NAMES[name])} {shown}" if name in NAMES else each)
    return ", ".join(said)


def _rollup(text: str) -> str:
    return gettext(NAMES[text]) if text in NAMES else text


_SAY: Final[Mapping[str, Callable[[str], str]]] = {
    "record": _record,
    "parts": _parts,
    "changes": _changes,
    "why": translate_error,
    "rollup": _rollup,
    "where": _named,
    "figures": _named,
    "wanted": _named,
}
"""How the values of a sentence are said; a number is a number."""
