"""Branches and their head office over real stores, without programs: what the tests of recognition do with them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from branch_node.operations.budgets import want_lease
from branch_node.operations.clients import add_client
from branch_node.operations.joining import BranchIdentity, write_identity
from branch_node.operations.selling import SaleAnswer, sell
from branch_node.operations.verification import bring_counters_up_to_date, verify_rows
from branch_node.storage.counters import read_counters
from branch_node.storage.store import BranchStore
from branch_node.sync_client.processor import Processor
from branch_node.sync_client.worker import StoreWorker
from hq_server.operations.answering import answer
from hq_server.operations.central import read_request
from hq_server.operations.editing import HqEdit
from hq_server.operations.fleet import set_mode
from hq_server.operations.verification import verify_branch
from hq_server.storage.branches import branch_by_code
from hq_server.storage.counters import read_counters as counters_at_hq
from hq_server.storage.feed import EVERYONE, number_feed
from hq_server.storage.lives import expect_replacement, name_heir
from hq_server.storage.store import HqStore, connect_store
from hq_server.storage.tables import certificate
from hq_server.sync_server.gateway import Gateway
from hq_server.sync_server.identity import Peer
from shared.domain.identifiers import derived_id
from shared.domain.records import RecordKind
from shared.errors import FilialError, HqUnreachable
from shared.storage.sqlite_engine import SqliteStore
from shared.storage.tables import client, product, sale
from shared.sync.branch_commands import FinishReason
from shared.sync.central import Answer, CommitRequest, Findings, NeverAsked, NoAnswer, NotNow, Question, ResolveRequest
from shared.sync.messages import ProcessingMode, WhenUnreachable
from shared.wire.central import (
    decode_commit_request,
    decode_findings,
    decode_outcome,
    encode_commit_request,
    encode_findings,
    encode_outcome,
)
from tests.support.clock import FakeClock, SeededIds
from tests.support.link import Link
from tests.support.office import Office
from tests.support.schemas import write_branch_schema
from tests.support.shop import request

STREAMS_PER_PASS_MAX = 5


@dataclass
class Pair:
    """A head office and the folder its branches live in."""

    office: Office
    folder: Path
    names: int = field(default=0)

    def __post_init__(self) -> None:
        self.gateway = self._gateway()
        self.keys: dict[bytes, str] = {}

    # The head office.

    def join(self, code: str) -> Node:
        """A new branch with an empty store."""
        row = self.office.add_branch(code)
        with self.office.store.write() as connection:
            connection.execute(
                certificate.insert().values(
                    serial=code, branch_id=row.id, purpose="branch", issued_at=self.office.clock.now_us()
                )
            )
        number_feed(self.office.store, self.office.clock.now_us())
        return self._node(code, replace=False)

    def replace(self, code: str, announced: bool = True) -> Node:
        """The branch again with an empty store, as `enrol --replace` makes it."""
        row = self._row(code)
        if announced:
            with self.office.store.write() as connection:
                expect_replacement(connection, row.id)
        return self._node(code, replace=announced)

    def add_product(self, sku: str, name: str) -> None:
        """A product of the chain's."""
        product_id = derived_id("product", sku.encode())
        with self.office.store.write() as connection:
            edit = HqEdit(connection, self.office.ids, self.office.clock.now_us())
            prepared = edit.prepare(RecordKind.PRODUCT, product_id, {"sku": sku, "name": name})
            assert prepared is not None
            edit.apply([prepared], {product_id: EVERYONE})
        number_feed(self.office.store, self.office.clock.now_us())

    def product_names(self) -> list[str]:
        return [row[0] for row in self.office.rows(select(product.c.name).order_by(product.c.name))]

    def name_heir(self, code: str, node: Node) -> None:
        with self.office.store.write() as connection:
            name_heir(connection, self._row(code).id, node.store.node()[1].incarnation)

    def keys_at_hq(self) -> list[str]:
        """The keys of the sales that HQ holds, in their order; each as often as it is there."""
        return sorted(self.keys[row[0]] for row in self.office.rows(select(sale.c.id)))

    def verify(self, code: str) -> tuple[str, ...]:
        """What is not sound at HQ."""
        with self.office.store.read() as connection:
            return verify_branch(connection, branch_by_code(connection, code)).differences

    def backup_hq(self) -> Path:
        """A plain copy of HQ's file."""
        assert self.office.store.dialect == "sqlite"
        self.names += 1
        path = self.folder / f"hq-backup{self.names}.db"
        self._hq_file().checkpoint()
        shutil.copy(self.folder / "hq.db", path)
        return path

    def restore_hq(self, backup: Path) -> None:
        """Puts a copy back in the place of HQ's file."""
        self.office.store.close()
        for leftover in self.folder.glob("hq.db*"):
            leftover.unlink()
        shutil.copy(backup, self.folder / "hq.db")
        self.office.store = connect_store("sqlite:///hq.db", self.folder, self.office.clock)
        self.gateway = self._gateway()

    def set_mode(self, code: str, mode: ProcessingMode, when_unreachable: WhenUnreachable | None = None) -> None:
        """How the branch is to work from its next contact on."""
        office = self.office
        with office.store.write() as connection:
            set_mode(connection, office.ids, office.clock.now_us(), code, mode, when_unreachable)
        number_feed(office.store, office.clock.now_us())

    def _hq_file(self) -> Any:
        store: HqStore = self.office.store
        return store._sqlite  # type: ignore[attr-defined]

    def _gateway(self) -> Gateway:
        return Gateway(self.office.store, None, self.office.clock, 1)  # type: ignore[arg-type]

    def _row(self, code: str) -> Any:
        with self.office.store.read() as connection:
            return branch_by_code(connection, code)

    def _node(self, code: str, replace: bool) -> Node:
        row = self._row(code)
        self.names += 1
        path = self.folder / f"branch{self.names}.db"
        clock, ids = self.office.clock, self.office.ids
        write_branch_schema(path)
        bare = SqliteStore(path, clock)
        chain = self.office.chain
        identity = BranchIdentity(
            chain.chain_id, chain.name, row.id, code, row.name, row.timezone, chain.currency, row.price_zone
        )
        with bare.write() as connection:
            write_identity(connection, identity, "127.0.0.1:1", ids, clock.now_us(), replace)
        bare.checkpoint()
        bare.close()
        return Node(self, code, row.id, path, BranchStore(path, clock, ids))


class ProcessDiedError(Exception):
    """The branch's process died while it waited for HQ."""


@dataclass
class CentralWire:
    """The way to the head office's service Central. `fault` says what becomes of the next questions."""

    node: Node
    fault: str | None = None
    asked: list[CommitRequest | ResolveRequest] = field(default_factory=list)

    def commit(self, question: CommitRequest) -> Answer:
        return self._carry(question, self.commit_at_hq)

    def resolve(self, question: ResolveRequest) -> Answer:
        return self._carry(question, self.resolve_at_hq)

    def query(self, question: Question) -> Findings:
        if self.fault == "unreachable":
            raise HqUnreachable("The head office cannot be reached.")
        office = self.node.pair.office
        with office.store.read() as connection:
            found = answer(connection, question, office.clock.now_us())
        return decode_findings(encode_findings(found))

    def close(self) -> None:
        pass

    def commit_at_hq(self, question: CommitRequest) -> Answer:
        """What HQ says when the question reaches it."""
        asked = read_request(self.node.branch_id, decode_commit(encode_commit_request(question)))
        (outcome,) = self.node.pair.gateway.commit([self._peer], [asked]).outcomes
        if isinstance(outcome, FilialError):
            return NotNow(outcome.message, outcome.hint)
        return decode_outcome(encode_outcome(outcome))

    def resolve_at_hq(self, question: ResolveRequest) -> Answer:
        """What HQ says when the question reaches it."""
        try:
            return self.node.pair.gateway.resolve(self._peer, self.node.branch_id, question)
        except FilialError as error:
            return NotNow(error.message, error.hint)

    def _carry(self, question: Any, ask: Callable[[Any], Answer]) -> Answer:
        self.asked.append(question)
        match self.fault:
            case "unreachable":
                return NeverAsked("The head office cannot be reached.")
            case "request lost":
                return NoAnswer("The head office did not answer in time.")
            case "answer lost":
                ask(question)
                return NoAnswer("The head office did not answer in time.")
            case "dies waiting":
                ask(question)
                raise ProcessDiedError
        return ask(question)

    @property
    def _peer(self) -> Peer:
        return Peer(self.node.code, self.node.branch_id, may_enrol=False)


def decode_commit(data: bytes) -> CommitRequest:
    request = decode_commit_request(data)
    assert isinstance(request, CommitRequest)
    return request


@dataclass
class Node:
    """A branch's store."""

    pair: Pair
    code: str
    branch_id: bytes
    path: Path
    store: BranchStore

    @property
    def clock(self) -> FakeClock:
        return self.pair.office.clock

    @property
    def ids(self) -> SeededIds:
        return self.pair.office.ids

    def sell(self, *keys: str) -> SaleAnswer:
        """Sells once for each key; returns the last answer."""
        for key in keys:
            self.clock.advance(1)
            with self.store.operation() as transaction:
                answer = sell(transaction, request(f"{self.path.name}-{key}"))
            self.pair.keys[answer.sale_id] = key
        return answer

    def line(self, wire: CentralWire | None = None) -> Processor:
        """The branch's operations, through the head office where it works so."""
        return Processor(self.store, lambda: wire or CentralWire(self))

    def want(self, owner: str, amount: int) -> None:
        """So much of a budget is to be at hand here; asks HQ for it."""
        with self.store.write() as connection:
            want_lease(connection.connection.cursor(), self.ids, owner, amount)
        self.sync()

    def sell_to(self, client_id: str, key: str) -> None:
        """Sells to a client by his external id."""
        with self.store.operation() as transaction:
            answer = sell(transaction, request(f"{self.path.name}-{key}", client=client_id))
        self.pair.keys[answer.sale_id] = key

    def add_client(self, external_id: str, name: str) -> None:
        with self.store.operation() as transaction:
            add_client(transaction, {"external_id": external_id, "name": name})

    def verify(self) -> tuple[str, ...]:
        """What is not sound here, or counted otherwise than at HQ."""
        bring_counters_up_to_date(self.store)
        with self.store.read_cursor() as cursor:
            ours = {key: found for key, found in read_counters(cursor).items() if found.records}
        with self.pair.office.store.read() as connection:
            theirs = {key: found for key, found in counters_at_hq(connection, self.branch_id).items() if found.records}
        differing = sorted({*ours.items()} ^ {*theirs.items()}, key=str)
        return (*verify_rows(self.store), *(f"counted on one side alone: {each}" for each in differing))

    def keys(self) -> list[str]:
        """The keys of the sales that are here."""
        with self.store.read() as connection:
            return sorted(self.pair.keys[row[0]] for row in connection.execute(select(sale.c.id)))

    def client_names(self) -> list[str]:
        with self.store.read() as connection:
            return list(connection.execute(select(client.c.name).order_by(client.c.name)).scalars())

    def copy(self, name: str) -> Node:
        """A copy of the store as it is now, to go on beside it or in its place."""
        self.store._sqlite.checkpoint()
        path = self.path.with_name(f"{name}.db")
        shutil.copy(self.path, path)
        return Node(self.pair, self.code, self.branch_id, path, BranchStore(path, self.clock, self.ids))

    def sync(self) -> None:
        """Streams until both sides are even."""
        for _ in range(STREAMS_PER_PASS_MAX):
            link = self.stream()
            if link.passes_done:
                return
            assert link.finish is not None
            assert link.finish.reason is FinishReason.REHOMED, (link.finish, link.error)
        raise AssertionError("not even after many streams")

    def refusal(self) -> str:
        """Why HQ does not take this store in."""
        link = self.stream()
        assert link.finish is not None
        assert link.finish.reason is FinishReason.REFUSED, link.finish
        return link.finish.explanation

    def stream(self) -> Link:
        """One stream to its end: a pass, then a goodbye."""
        self.clock.advance(1)
        worker = StoreWorker(self.store, b"b" * 16)
        peer = Peer(self.code, self.branch_id, may_enrol=False)
        link = Link(worker, self.pair.gateway, peer, lambda: int(self.clock.monotonic() * 1_000))
        link.branch.record_pass_wanted(self.store.node()[1].head.seq)
        link.run()
        if link.passes_done:
            link.branch.record_goodbye()
            link.run()
        link.cut()
        worker.close()
        return link
