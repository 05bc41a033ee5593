"""The messages of the service Central: bytes ↔ the values of shared.sync.central."""

from __future__ import annotations

from shared.domain.identifiers import NIL_ID
from shared.errors import DecodeError
from shared.sync.central import (
    POINTS_OF_SALE_MAX,
    REFUNDS_OF_SALE_MAX,
    CommitRequest,
    Committed,
    FindClients,
    Findings,
    FoundBudget,
    FoundClient,
    FoundSale,
    Outcome,
    Question,
    Rejected,
    ResolveRequest,
    ShowBudget,
    ShowClient,
    ShowReceipt,
    StaleCard,
)
from shared.sync.messages import Undecodable
from shared.wire.generated import central_pb2 as pb
from shared.wire.parsing import optional_id, parse_message, require_id, require_storable

STALE_CARDS_MAX = 100
FOUND_MAX = 200


def encode_commit_request(request: CommitRequest) -> bytes:
    """What a branch asks."""
    return pb.CommitRequest(
        incarnation=request.incarnation, last_fence=request.last_fence, entry=request.entry
    ).SerializeToString()


def decode_commit_request(data: bytes) -> CommitRequest | Undecodable:
    """What HQ is asked."""
    try:
        message = parse_message(pb.CommitRequest, data)
        require_storable(message)
        return CommitRequest(require_id(message.incarnation), message.last_fence, message.entry)
    except DecodeError as error:
        return Undecodable(error.message)


def encode_resolve_request(request: ResolveRequest) -> bytes:
    """What a branch asks."""
    return pb.ResolveRequest(command_id=request.command_id).SerializeToString()


def decode_resolve_request(data: bytes) -> ResolveRequest | Undecodable:
    """What HQ is asked."""
    try:
        message = parse_message(pb.ResolveRequest, data)
        return ResolveRequest(require_id(message.command_id))
    except DecodeError as error:
        return Undecodable(error.message)


def encode_outcome(outcome: Outcome) -> bytes:
    """What HQ answers."""
    match outcome:
        case Committed(at_us):
            return pb.Outcome(committed=pb.Committed(committed_at_us=at_us)).SerializeToString()
        case Rejected(reason, explanation, hint, stale):
            cards = [pb.StaleCard(kind=card.kind, id=card.card_id, state=card.state) for card in stale]
            rejected = pb.Rejected(reason=reason, explanation=explanation, hint=hint, stale=cards)
            return pb.Outcome(rejected=rejected).SerializeToString()


def decode_outcome(data: bytes) -> Outcome:
    """Raises DecodeError."""
    message = parse_message(pb.Outcome, data)
    match message.WhichOneof("outcome"):
        case "committed":
            return Committed(message.committed.committed_at_us)
        case "rejected":
            rejected = message.rejected
            if len(rejected.stale) > STALE_CARDS_MAX:
                raise DecodeError(f"An outcome of {len(rejected.stale)} cards came; the limit is {STALE_CARDS_MAX}.")
            stale = tuple(StaleCard(card.kind, require_id(card.id), card.state) for card in rejected.stale)
            return Rejected(rejected.reason, rejected.explanation, rejected.hint, stale)
        case _:
            raise DecodeError("HQ answered with no outcome that this release knows.")


def encode_question(question: Question) -> bytes:
    """What a branch asks."""
    message = pb.QueryRequest()
    match question:
        case FindClients(text, limit):
            message.clients.CopyFrom(pb.FindClients(text=text, limit=limit))
        case ShowClient(reference, sales):
            message.client.CopyFrom(pb.ShowClient(reference=reference, sales=sales))
        case ShowReceipt(branch_code, register, receipt_number):
            message.receipt.CopyFrom(
                pb.ShowReceipt(branch_code=branch_code, register=register, receipt_number=receipt_number)
            )
        case ShowBudget(owner):
            message.budget.CopyFrom(pb.ShowBudget(owner=owner))
    return message.SerializeToString()


def decode_question(data: bytes) -> Question | Undecodable:
    """What HQ is asked."""
    try:
        message = parse_message(pb.QueryRequest, data)
        require_storable(message)
    except DecodeError as error:
        return Undecodable(error.message)
    match message.WhichOneof("question"):
        case "clients":
            return FindClients(message.clients.text, message.clients.limit)
        case "client":
            return ShowClient(message.client.reference, message.client.sales)
        case "receipt":
            asked = message.receipt
            return ShowReceipt(asked.branch_code, asked.register, asked.receipt_number)
        case "budget":
            return ShowBudget(message.budget.owner)
        case _:
            return Undecodable("The question is not one that this release knows.")


def encode_findings(findings: Findings) -> bytes:
    """What HQ answers."""
    message = pb.QueryResponse(as_of_us=findings.as_of_us)
    for client_id, state in ((found.client_id, found.state) for found in findings.clients):
        message.clients.add(id=client_id, state=state)
    for found in findings.sales:
        message.sales.add(
            branch_code=found.branch_code,
            id=found.sale_id,
            payload=found.payload,
            branch_id=found.branch_id,
            refunds=found.refunds,
            points=found.points,
        )
    for budget in findings.budgets:
        holdings = [pb.Holding(branch_code=code, left=left) for code, left in budget.holdings]
        message.budgets.add(owner=budget.owner, available=budget.available, holdings=holdings)
    return message.SerializeToString()


def decode_findings(data: bytes) -> Findings:
    """Raises DecodeError."""
    message = parse_message(pb.QueryResponse, data)
    if max(len(message.clients), len(message.sales), len(message.budgets)) > FOUND_MAX:
        raise DecodeError(f"More than {FOUND_MAX} findings came.")
    return Findings(
        message.as_of_us,
        tuple(FoundClient(require_id(found.id), found.state) for found in message.clients),
        tuple(
            FoundSale(
                found.branch_code,
                require_id(found.id),
                found.payload,
                optional_id(found.branch_id, NIL_ID),
                tuple(found.refunds[:REFUNDS_OF_SALE_MAX]),
                tuple(found.points[:POINTS_OF_SALE_MAX]),
            )
            for found in message.sales
        ),
        tuple(
            FoundBudget(found.owner, found.available, tuple((one.branch_code, one.left) for one in found.holdings))
            for found in message.budgets
        ),
    )
