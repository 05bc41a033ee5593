"""What the pages say of the things that a report's number rests on. Contains no rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from shared.reports.drilling import ACTS, CALLS, CLIENTS, MOVEMENTS, NUMBERS, RECEIPTS, SHIFTS, TASKS, WORK
from shared.reports.items import Item, Kind
from shared.web.report_words import Words
from shared.web.stock_words import KINDS
from shared.web.till_words import ACTIONS
from shared.web.timeline_rows import CHANNELS
from shared.web.translations import LazyText, gettext
from shared.web.translations import lazy_text as _


class ListWords(NamedTuple):
    """A list's title, and the heading of the column that names what is listed."""

    title: LazyText
    heading: LazyText


LIST_WORDS: Final[Mapping[str, ListWords]] = {
    RECEIPTS: ListWords(_("Receipts behind the number"), _("Receipt")),
    CALLS: ListWords(_("Calls behind the number"), _("Outcome")),
    SHIFTS: ListWords(_("Z-reports behind the number"), _("Z-report")),
    ACTS: ListWords(_("Acts behind the number"), _("Act")),
    CLIENTS: ListWords(_("Clients behind the number"), _("Client")),
    MOVEMENTS: ListWords(_("Movements behind the number"), _("Movement")),
    TASKS: ListWords(_("Tasks behind the number"), _("Task")),
    NUMBERS: ListWords(_("Numbers and Z-reports behind the number"), _("Number")),
    WORK: ListWords(_("Work behind the number"), _("What it is")),
}


_CHANNELS: Final[Mapping[str, LazyText | str]] = {str(channel): said for channel, said in CHANNELS.items()}


def name_of(item: Item, words: Words) -> str:
    """What one of them is called."""
    return _NAMES[item.kind](item.name, words)


def _outcome(code: str, words: Words) -> str:
    return words.names.get("outcome", {}).get(code) or code or gettext("not given")


_NAMES: Final[Mapping[Kind, Callable[[str, Words], str]]] = {
    Kind.SALE: lambda name, _words: name,
    Kind.REFUND: lambda name, _words: gettext("return %(receipt)s") % {"receipt": name},
    Kind.CALL: _outcome,
    Kind.CONTACT: lambda name, _words: str(_CHANNELS.get(name, name)),
    Kind.Z_REPORT: lambda name, _words: gettext("up to the receipt %(receipt)s") % {"receipt": name},
    Kind.TILL_ACT: lambda name, _words: str(ACTIONS.get(name, name)),
    Kind.VOID: lambda name, _words: gettext("nothing sold under %(receipt)s") % {"receipt": name},
    Kind.CLIENT: lambda name, _words: name or gettext("a client of somebody else"),
    Kind.TASK: lambda name, _words: name or gettext("a task"),
    Kind.NO_STEP: lambda _name, _words: gettext("a client without a next step"),
    Kind.MISSING: lambda name, _words: gettext("missing: %(receipt)s") % {"receipt": name},
    Kind.TWICE: lambda name, _words: gettext("seen twice: %(receipt)s") % {"receipt": name},
    Kind.MOVEMENT: lambda name, _words: str(KINDS.get(name, name)),
}
