"""A chain for integration tests: real servers and real branches; only joining is done in this process."""

from __future__ import annotations

import contextlib
import itertools
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import select

from branch_node.bootstrap.joining import join_chain
from branch_node.settings import Settings
from deploy.demo.chain import Branch, HeadOffice
from hq_server import bootstrap
from hq_server.operations.enrolment import issue_token
from hq_server.operations.fleet import add_branch
from hq_server.storage.feed import number_feed
from hq_server.storage.tables import branch, branch_cursor
from shared.domain.identifiers import format_id
from shared.domain.sales import format_receipt
from shared.storage.tables import receipt_void, sale
from tests.support.deadlines import wait_until

TOKEN_HOURS = 1
_numbers = itertools.count(1)


class HeldSale(NamedTuple):
    """A sale as HQ holds it."""

    id: str
    receipt: str
    total_minor: int


@dataclass
class Chain:
    """A head office, where it can be reached, and the branches that a test joined to it."""

    office: HeadOffice
    folder: Path
    port: int = 0
    branches: list[Branch] = field(default_factory=list)
    _opened: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _inside: bootstrap.HeadOffice | None = None

    def serve(self, *arguments: str) -> None:
        """Starts the head office on a free port."""
        self.port = self.office.serve(*arguments)

    def join(self, code: str | None = None, port: int | None = None) -> Branch:
        """A new branch, enrolled through that port."""
        code = code or f"B{next(_numbers)}"
        token = self.token(code)
        home = self.folder / code
        join_chain(Settings(home=home), f"127.0.0.1:{port or self.port}", token)
        joined = Branch(code, home)
        self.branches.append(joined)
        return joined

    def token(self, code: str) -> str:
        """A new branch's enrolment token."""
        office = self.inside()
        now_us = office.clock.now_us()
        with office.store.write() as connection:
            add_branch(connection, office.ids, now_us, code, None, None, "")
            token = issue_token(connection, office.authority(), office.ids, code, now_us, TOKEN_HOURS)
        number_feed(office.store, now_us)
        return token

    def inside(self) -> bootstrap.HeadOffice:
        """HQ's own store, opened in this process to look at and to prepare; kept open, for tests look often."""
        if self._inside is None:
            self._inside = self._opened.enter_context(bootstrap.head_office(self.office.home))
        return self._inside

    def sales(self, code: str) -> list[HeldSale]:
        """Every sale HQ holds of a branch."""
        statement = (
            select(sale.c.id, sale.c.register, sale.c.receipt_number, sale.c.net_minor)
            .join(branch, branch.c.id == sale.c.branch_id)
            .where(branch.c.code == code)
            .order_by(sale.c.register, sale.c.receipt_number)
        )
        with self.inside().store.read() as connection:
            rows = connection.execute(statement).all()
        return [HeldSale(format_id(row[0]), format_receipt(row[1], row[2]), row[3]) for row in rows]

    def voided_receipts(self, code: str) -> list[str]:
        """The receipt numbers of a branch that no sale has."""
        statement = (
            select(receipt_void.c.register, receipt_void.c.receipt_number)
            .join(branch, branch.c.id == receipt_void.c.branch_id)
            .where(branch.c.code == code)
        )
        with self.inside().store.read() as connection:
            return [format_receipt(row[0], row[1]) for row in connection.execute(statement)]

    def cursor(self, code: str) -> Any:
        """HQ's row of how far a branch's synchronisation has come."""
        statement = select(branch_cursor).join(branch, branch.c.id == branch_cursor.c.branch_id)
        with self.inside().store.read() as connection:
            return connection.execute(statement.where(branch.c.code == code)).one()

    def standing(self, code: str) -> dict[str, Any]:
        """A branch's line in `filial-hq sync status`."""
        rows = self.office.ask("sync", "status")["branches"]
        return next(row for row in rows if row["branch"] == code)

    def set_mode(self, joined: Branch, mode: str, when_unreachable: str = "refuse") -> None:
        """Sets how a branch processes; it hears of that with its next contact."""
        self.office.run("branch", "set-mode", joined.code, mode, "--when-unreachable", when_unreachable)

    def wait_for_sales(self, code: str, count: int, seconds_max: float = 20) -> list[HeldSale]:
        """Waits until HQ holds that many sales of a branch."""

        def enough() -> list[HeldSale] | None:
            held = self.sales(code)
            return held if len(held) >= count else None

        return wait_until(enough, f"{count} sales of {code} at HQ", seconds_max)

    def wait_online(self, code: str) -> None:
        """Waits until HQ has a stream of that branch."""
        wait_until(lambda: self.cursor(code).connected, f"{code} to be connected")

    def stop(self) -> None:
        """Ends whatever still runs."""
        for joined in self.branches:
            joined.kill()
        self.office.kill()
        self._opened.close()
        self._inside = None


def found_copy(founded: Path, folder: Path) -> Chain:
    """A chain whose head office is a copy of one that was founded before."""
    shutil.copytree(founded, folder / "hq")
    return Chain(HeadOffice(folder / "hq"), folder)
