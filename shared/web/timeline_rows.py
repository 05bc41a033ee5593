"""Each entry of a timeline as the texts, marks and links that a page shows of it: templates only put tags around them.

Contains no masking: what is given may be seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from shared.domain.cards import Value
from shared.domain.identifiers import format_id
from shared.domain.interactions import Channel, Interaction, KeyPoint, Sentiment
from shared.domain.tasks import TaskState, TaskType
from shared.domain.timeline import (
    ChangeEntry,
    FieldChange,
    LetterEntry,
    ReceiptEntry,
    SpokenEntry,
    TaskEntry,
    TimelineEntry,
    TransferEntry,
)
from shared.web.formats import format_moment, format_money, format_number, format_span
from shared.web.translations import LazyText, gettext, ngettext
from shared.web.translations import lazy_text as _

CHANNELS: Final[Mapping[str, LazyText]] = {
    Channel.CALL: _("Call"),
    Channel.EMAIL: _("E-mail"),
    Channel.MESSAGE: _("Message"),
    Channel.VISIT: _("Visit"),
    Channel.SERVICE_REQUEST: _("Request"),
    Channel.NOTE: _("Note"),
}
REQUEST_STATES: Final[Mapping[str, LazyText]] = {
    TaskState.OPEN: _("open"),
    TaskState.IN_PROGRESS: _("in progress"),
    TaskState.WAITING: _("waiting"),
    TaskState.DONE: _("done"),
    TaskState.CANCELLED: _("cancelled"),
}
SENTIMENTS: Final[Mapping[str, LazyText]] = {
    Sentiment.POSITIVE: _("good"),
    Sentiment.NEUTRAL: _("neutral"),
    Sentiment.NEGATIVE: _("bad"),
}
TASK_TYPES: Final[Mapping[str, LazyText]] = {
    TaskType.CALL: _("Call"),
    TaskType.VISIT: _("Visit"),
    TaskType.EMAIL: _("E-mail"),
    TaskType.MESSAGE: _("Message"),
    TaskType.SERVICE_REQUEST: _("Service request"),
    TaskType.OTHER: _("Other task"),
}
LETTER_STATES: Final[Mapping[str, LazyText]] = {
    "": _("waits to be sent"),
    "waiting": _("waits to be sent"),
    "sent": _("sent"),
    "failed": _("not sent"),
    "uncertain": _("perhaps sent"),
    "refused": _("not sent: the client does not want it"),
    "received": _("has come"),
}
CONSENTS: Final[Mapping[str, LazyText]] = {
    "consent_data": _("to keep personal data"),
    "consent_advertising": _("to be sent advertising"),
}

_SOFT, _TAG, _TARGET = "timeline-who", "tag", "tag tag-target"


class Links(NamedTuple):
    """Whither entries lead: the client as addresses name him, the branch whose receipts can be opened, and whether
    whoever looks may correct what was logged."""

    client_id: str
    own_branch: bytes | None = None
    may_log: bool = False


class Words(NamedTuple):
    """What codes are called, by dictionary; the outcomes that were aimed at; the zone whose clocks are shown."""

    names: Mapping[str, Mapping[str, str]]
    targets: frozenset[str]
    zone: str


class Mark(NamedTuple):
    """A few words with a class of `timeline.css`, "" for none; with `url` they are a link."""

    css: str
    text: str
    url: str = ""


class Said(NamedTuple):
    """One version of a conversation."""

    marks: tuple[Mark, ...]
    subject: str
    texts: tuple[str, ...]
    tags: tuple[Mark, ...]
    told: str


class RequestState(NamedTuple):
    """How far a service request has come; `options` are values, words and whether it is this one."""

    task_id: str
    field_id: str
    text: str
    options: tuple[tuple[str, str, bool], ...]


class ShownEntry(NamedTuple):
    """A line of the timeline. `folded` is a text that is opened to be read, `earlier` what was corrected."""

    moment: str
    title: str
    marks: tuple[Mark, ...]
    who: str
    subject: str = ""
    folded: str = ""
    texts: tuple[str, ...] = ()
    tags: tuple[Mark, ...] = ()
    told: str = ""
    request: RequestState | None = None
    earlier: tuple[Said, ...] = ()
    corrected: str = ""
    correct_url: str = ""


def shown_entries(entries: Sequence[TimelineEntry], words: Words, links: Links) -> list[ShownEntry]:
    """The entries as they are read in the language of the request at hand."""
    return [_SHOWN[type(entry.what)](entry, entry.what, words, links) for entry in entries]


def _spoken(entry: TimelineEntry, what: SpokenEntry, words: Words, links: Links) -> ShownEntry:
    said = _said(what.said, words)
    times = len(what.earlier)
    correct_url = f"/clients/{links.client_id}/calls/new?corrects={format_id(entry.key.id)}" if links.may_log else ""
    is_request = what.said.channel == Channel.SERVICE_REQUEST and what.request_state is not None
    return ShownEntry(
        format_moment(entry.key.at_us, words.zone),
        _called(CHANNELS, what.said.channel),
        said.marks,
        _who(entry),
        said.subject,
        "",
        said.texts,
        said.tags,
        said.told,
        _request(entry, what) if is_request else None,
        tuple(_said(each, words) for each in what.earlier),
        ngettext("corrected once", "corrected %(num)s times", times) % {"num": times} if times else "",
        correct_url,
    )


def _said(said: Interaction, words: Words) -> Said:
    texts = (said.body,) if said.body else ()
    tags = tuple(_tag(point, words) for point in said.points)
    return Said(tuple(_marks(said, words)), said.subject, texts, tags, said.told)


def _marks(said: Interaction, words: Words) -> list[Mark]:
    marks = list[Mark]()
    if said.direction == "in":
        marks.append(Mark(_SOFT, gettext("from the client")))
    elif said.direction == "out":
        marks.append(Mark(_SOFT, gettext("to the client")))
    if said.outcome:
        css = _TARGET if said.outcome in words.targets else _TAG
        marks.append(Mark(css, words.names["outcome"].get(said.outcome, said.outcome)))
    elif said.reached is False:
        marks.append(Mark(_TAG, gettext("not reached")))
    if said.duration_seconds:
        marks.append(Mark(_SOFT, format_span(said.duration_seconds)))
    if said.contact:
        marks.append(Mark(_SOFT, said.contact))
    return marks


def _tag(point: KeyPoint, words: Words) -> Mark:
    names = words.names
    competitor = names["competitor"].get(point.competitor, point.competitor)
    text = ": ".join(part for part in (competitor, names["theme"].get(point.theme, point.theme)) if part)
    if point.sentiment in SENTIMENTS:
        text += f" ({SENTIMENTS[point.sentiment]})"
    if point.quote:
        text += f" «{point.quote}»"
    return Mark(f"tag tag-{point.sentiment}" if point.sentiment else _TAG, text)


def _request(entry: TimelineEntry, what: SpokenEntry) -> RequestState:
    now = what.request_state or ""
    options = tuple((str(value), str(label), value == now) for value, label in REQUEST_STATES.items())
    request_id = "" if what.request_id is None else format_id(what.request_id)
    return RequestState(request_id, f"state-{entry.key}", _called(REQUEST_STATES, now), options)


def _receipt(entry: TimelineEntry, what: ReceiptEntry, words: Words, links: Links) -> ShownEntry:
    is_own = links.own_branch is not None and entry.branch_id == links.own_branch
    number = Mark("row-link" if is_own else _SOFT, what.receipt, f"/receipts/{format_id(entry.key.id)}" * is_own)
    further = what.goods_count - len(what.goods)
    text = ", ".join(what.goods)
    if further > 0:
        text += " " + gettext("and %(count)s more") % {"count": format_number(further)}
    return ShownEntry(
        format_moment(entry.key.at_us, words.zone),
        gettext("Return") if what.is_refund else gettext("Purchase"),
        (Mark("", format_money(what.amount_minor, what.currency)), number),
        _who(entry),
        texts=(text,),
    )


def _transfer(entry: TimelineEntry, what: TransferEntry, words: Words, _links: Links) -> ShownEntry:
    nobody = gettext("nobody")
    text = f"{what.from_name or nobody} → {what.to_name or nobody}"
    if what.fact.reason:
        text += f" · {what.fact.reason}"
    title = gettext("Hand-over taken back") if what.fact.undoes_id else gettext("Hand-over")
    return _plain(entry, words, title, text)


def _task(entry: TimelineEntry, what: TaskEntry, words: Words, _links: Links) -> ShownEntry:
    text = f"{TASK_TYPES[what.type]}: {what.title}" if what.type in TASK_TYPES else what.title
    if what.outcome:
        text += f" – {words.names['outcome'].get(what.outcome, what.outcome)}"
    return _plain(entry, words, gettext("Task done"), text)


def _letter(entry: TimelineEntry, what: LetterEntry, words: Words, _links: Links) -> ShownEntry:
    state = gettext("from the client") if what.direction == "in" else _called(LETTER_STATES, what.state)
    return ShownEntry(
        format_moment(entry.key.at_us, words.zone),
        gettext("Letter"),
        (Mark(_TAG, state), Mark(_SOFT, what.address)),
        _who(entry),
        what.subject,
        what.body,
        (what.detail,) if what.detail and what.state == "failed" else (),
    )


def _change(entry: TimelineEntry, what: ChangeEntry, words: Words, _links: Links) -> ShownEntry:
    after = {change.field: change.after for change in what.changes}
    texts = (_changed(change, after) for change in what.changes)
    return _plain(entry, words, gettext("Change"), *(text for text in texts if text))


def _changed(change: FieldChange, after: Mapping[str, Value]) -> str:
    """What became of a consent, a wish or a merge, in a sentence; "" for what only says how."""
    if change.field in CONSENTS:
        text = gettext("Agreed %(what)s") if change.after else gettext("Does not agree %(what)s")
        return _with_reason(text % {"what": CONSENTS[change.field]}, after.get(f"{change.field}_source"))
    if change.field == "do_not_contact":
        text = gettext("Does not want to be contacted") if change.after else gettext("May be contacted again")
        return _with_reason(text, after.get("do_not_contact_reason"))
    if change.field == "merged_into":
        if change.after:
            return gettext("Two cards were found to be of one client")
        return gettext("The cards are separate again")
    return ""


def _with_reason(text: str, reason: Value) -> str:
    return f"{text} · {reason!s}" if reason else text


def _plain(entry: TimelineEntry, words: Words, title: str, *texts: str) -> ShownEntry:
    return ShownEntry(format_moment(entry.key.at_us, words.zone), title, (), _who(entry), texts=texts)


def _who(entry: TimelineEntry) -> str:
    if not entry.branch_code:
        return entry.who
    branch = gettext("branch %(code)s") % {"code": entry.branch_code}
    return f"{entry.who}, {branch}" if entry.who else branch


def _called(words: Mapping[str, LazyText], code: str) -> str:
    return str(words.get(code, code))


_SHOWN: Final[Mapping[type, Callable[[TimelineEntry, Any, Words, Links], ShownEntry]]] = {
    SpokenEntry: _spoken,
    ReceiptEntry: _receipt,
    TransferEntry: _transfer,
    ChangeEntry: _change,
    TaskEntry: _task,
    LetterEntry: _letter,
}
