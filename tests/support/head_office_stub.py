"""A head office that knows one client, for pages that ask it; it can be away."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.domain.cards import Value, rules_of
from shared.domain.clients import phone_digits
from shared.domain.identifiers import format_id
from shared.domain.records import RecordKind
from shared.errors import HqUnreachable, NotFound
from shared.sync.card_merge import CardState, merge_patch
from shared.sync.central import FindClients, Findings, FoundClient, Question, ShowClient
from shared.wire.cards import encode_state
from tests.support.clock import START_US
from tests.support.shop import change


@dataclass
class HeadOfficeStub:
    """Answers what `ask_head_office` asks about clients."""

    name: str
    phone: str
    is_away: bool = False
    is_archived: bool = False
    client_id: bytes = b"chain's client 1"
    asked: list[Question] = field(default_factory=list)

    @property
    def reference(self) -> str:
        """How a sale names the client, who has no number elsewhere."""
        return format_id(self.client_id)

    def ask(self, question: Question) -> Findings:
        self.asked.append(question)
        if self.is_away:
            raise HqUnreachable("The head office cannot be reached.", "Check the network.")
        match question:
            case FindClients(text, _) if phone_digits(text) and self.phone.endswith(phone_digits(text)):
                return self._found()
            case ShowClient(reference, _) if reference == self.reference:
                return self._found()
            case ShowClient(reference, _):
                raise NotFound(f"There is no client “{reference}” here.")
            case _:
                return Findings(START_US)

    def _found(self) -> Findings:
        fields: dict[str, Value] = {"name": self.name, "phones": (self.phone,), "archived": self.is_archived}
        made = change(RecordKind.CLIENT, self.client_id, **fields)
        state = merge_patch(CardState(), made.stamp, made.patches, rules_of(RecordKind.CLIENT)).state
        return Findings(START_US, (FoundClient(self.client_id, encode_state(state)),))
