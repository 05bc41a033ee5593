"""What one timeline of a client holds, in which order, and what takes the place of what. Contains no storage."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from shared.domain.cards import Value
from shared.domain.identifiers import ID_BYTES
from shared.domain.interactions import Channel, ClientTransfer, Interaction
from shared.errors import NotFound

SALE, SALE_BY_NAME, REFUND, REFUND_BY_NAME, TRANSFER, CHANGE, LETTER, TASK, NEIGHBOUR, INTERACTION = range(1, 11)
SOURCES: Final = frozenset(range(1, 11))
"""Where entries are kept. Of the same moment the greater stands above. They stand in addresses and are never reused."""


class Shown(StrEnum):
    """Which entries are asked for."""

    ALL = "all"
    TOLD = "told"
    PURCHASES = "purchases"
    CALLS = "calls"
    LETTERS = "letters"
    MESSAGES = "messages"
    VISITS = "visits"
    REQUESTS = "requests"
    TASKS = "tasks"
    CHANGES = "changes"


class Asked(NamedTuple):
    """Where to look; of interactions only those of these channels, and only those in which something was told."""

    sources: frozenset[int]
    channels: frozenset[str] = frozenset(map(str, Channel))
    told: bool = False

    def has(self, fact: Interaction) -> bool:
        """Whether an interaction is asked for."""
        return INTERACTION in self.sources and fact.channel in self.channels and (bool(fact.told) or not self.told)


def _spoken(*channels: Channel) -> Asked:
    return Asked(frozenset({INTERACTION, NEIGHBOUR}), frozenset(map(str, channels)))


ASKED: Final[Mapping[Shown, Asked]] = {
    Shown.ALL: Asked(SOURCES),
    Shown.TOLD: Asked(frozenset({INTERACTION, NEIGHBOUR, LETTER}), told=True),
    Shown.PURCHASES: Asked(frozenset({SALE, SALE_BY_NAME, REFUND, REFUND_BY_NAME, NEIGHBOUR})),
    Shown.CALLS: _spoken(Channel.CALL),
    Shown.LETTERS: Asked(frozenset({INTERACTION, NEIGHBOUR, LETTER}), frozenset({str(Channel.EMAIL)})),
    Shown.MESSAGES: _spoken(Channel.MESSAGE),
    Shown.VISITS: _spoken(Channel.VISIT),
    Shown.REQUESTS: _spoken(Channel.SERVICE_REQUEST),
    Shown.TASKS: Asked(frozenset({TASK})),
    Shown.CHANGES: Asked(frozenset({CHANGE, TRANSFER, NEIGHBOUR})),
}


class TimelineKey(NamedTuple):
    """The place of an entry: newest first, then by source and id. What follows it is the next page."""

    at_us: int
    source: int
    id: bytes

    def __str__(self) -> str:
        return f"{self.at_us}-{self.source}-{self.id.hex()}"


def parse_key(text: str) -> TimelineKey | None:
    """A key out of an address; None without one. Raises NotFound for one that is none."""
    if not text:
        return None
    at, _, rest = text.partition("-")
    source, _, identity = rest.partition("-")
    try:
        key = TimelineKey(int(at), int(source), bytes.fromhex(identity))
    except ValueError:
        raise _no_page() from None
    if len(key.id) != ID_BYTES or not 0 <= key.at_us < 2**62 or key.source not in SOURCES or len(text) > 80:
        raise _no_page()
    return key


def _no_page() -> NotFound:
    return NotFound("There is no such page.", "Go back, or begin at the first page.")


class ReceiptEntry(NamedTuple):
    """A sale, or goods that came back. `goods` are the first lines' names, `goods_count` how many lines there are."""

    is_refund: bool
    receipt: str
    amount_minor: int
    currency: str
    goods: tuple[str, ...]
    goods_count: int
    cashier: str


class SpokenEntry(NamedTuple):
    """An interaction as it was corrected last, and what it said before, newest first. `request_id` is the task which a
    service request is, and `request_state` how far it has come; None where there is none."""

    said: Interaction
    earlier: tuple[Interaction, ...] = ()
    request_id: bytes | None = None
    request_state: str | None = None


class FieldChange(NamedTuple):
    """A consent, a wish not to be contacted or a merge: what the field was, and what it became."""

    field: str
    before: Value
    after: Value


class ChangeEntry(NamedTuple):
    """What one edit changed of it."""

    changes: tuple[FieldChange, ...]


class TransferEntry(NamedTuple):
    """A hand-over; the names of both, "" for nobody."""

    fact: ClientTransfer
    from_name: str
    to_name: str


class TaskEntry(NamedTuple):
    """A task that was done."""

    type: str
    title: str
    outcome: str


class LetterEntry(NamedTuple):
    """A letter: whither, what it says, and what became of it."""

    direction: str
    purpose: str
    address: str
    subject: str
    body: str
    state: str
    detail: str


What = ReceiptEntry | SpokenEntry | ChangeEntry | TransferEntry | TaskEntry | LetterEntry


class TimelineEntry(NamedTuple):
    """One line of the timeline. `branch_code` is "" where no branch is to be named, `who` a person's name or code."""

    key: TimelineKey
    branch_id: bytes
    branch_code: str
    who: str
    what: What


class TimelinePage(NamedTuple):
    """Entries, newest first; `further` is the key after which the next page begins, None at the end."""

    entries: tuple[TimelineEntry, ...]
    further: TimelineKey | None


CHANGES_SHOWN: Final = frozenset(
    {
        "consent_data",
        "consent_data_source",
        "consent_advertising",
        "consent_advertising_source",
        "do_not_contact",
        "do_not_contact_reason",
        "merged_into",
    }
)
"""Fields of a client's card whose edits stand on the timeline."""


def standing(spoken: Mapping[bytes, Interaction]) -> dict[bytes, bytes | None]:
    """By each interaction that nobody withdrew, what it takes the place of. Withdrawals themselves are none."""
    withdrawals = {identity: said.corrects_id for identity, said in spoken.items() if said.withdrawn}
    gone = withdrawals.keys() | set(withdrawals.values())
    return {identity: said.corrects_id for identity, said in spoken.items() if identity not in gone}


def newest_versions(corrects: Mapping[bytes, bytes | None]) -> dict[bytes, tuple[bytes, ...]]:
    """By the newest of each set of interactions that correct one another, the others: those it corrects, newest first.

    `corrects` says what each takes the place of. Of several that nothing corrects the greatest id is the newest: ids
    grow with time.
    """
    together: dict[bytes, list[bytes]] = {}
    steps: dict[bytes, int] = {}
    for identity in corrects:
        first, steps[identity] = _way_to_first(identity, corrects)
        together.setdefault(first, []).append(identity)
    corrected = frozenset(corrects.values())

    def order(identity: bytes) -> tuple[bool, int, bytes]:
        is_last = identity not in corrected
        return is_last, 0 if is_last else steps[identity], identity

    versions = (sorted(members, key=order, reverse=True) for members in together.values())
    return {newest: tuple(older) for newest, *older in versions}


def _way_to_first(identity: bytes, corrects: Mapping[bytes, bytes | None]) -> tuple[bytes, int]:
    """What the first of a chain of corrections takes the place of, and how far it is; of a ring its smallest."""
    way = [identity]
    while True:
        before = corrects.get(way[-1])
        if before is None or before not in corrects:
            return (way[-1] if before is None else before), len(way)
        if before in way:
            return min(way[way.index(before) :]), len(way)
        way.append(before)
