"""A store that comes from a backup: what waited then may be printed by now, and what was begun may be charged."""

from __future__ import annotations

from pathlib import Path

from branch_node.devices.payment_terminal import SimulatedTerminal
from branch_node.operations.backup import restore_backup, take_backup
from branch_node.operations.card_payments import ask, begin_attempt, resolve_all, unresolved
from branch_node.storage.card_attempts import RESTORED_PROBLEM
from branch_node.storage.print_jobs import list_jobs, queue_print
from shared.domain.card_payments import AttemptState
from tests.support.receipts import SALE_ID, plain_document
from tests.support.shop import Shop


def test_receipts_that_waited_in_the_backup_come_out_as_copies(shop: Shop, tmp_path: Path) -> None:
    with shop.store.write() as connection:
        queue_print(connection.connection.cursor(), plain_document(), SALE_ID, 0)
    backup(shop, tmp_path)
    with shop.store.read_cursor() as cursor:
        (job,) = list_jobs(cursor)
    assert (job.state, job.in_doubt) == ("waiting", True)


def test_an_attempt_that_was_begun_in_the_backup_is_asked_about_and_not_asked_again(shop: Shop, tmp_path: Path) -> None:
    terminal = SimulatedTerminal(tmp_path / "terminal")
    begun = begin_attempt(shop.store, "k1", "1", 100, "RUB")
    take_backup(shop.store, tmp_path / "backup.db", shop.clock)
    ask(shop.store, terminal, begun.reference)
    restore_backup(tmp_path / "branch.db", tmp_path / "backup.db", shop.clock)
    assert ask(shop.store, terminal, begun.reference).state is AttemptState.UNKNOWN
    (left,) = resolve_all(shop.store, terminal)
    assert left.state is AttemptState.APPROVED
    assert terminal.charges() == {begun.reference: 100}


def test_a_charge_that_was_approved_in_the_backup_says_that_its_sale_may_exist(shop: Shop, tmp_path: Path) -> None:
    terminal = SimulatedTerminal(tmp_path / "terminal")
    attempt = begin_attempt(shop.store, "k1", "1", 100, "RUB")
    ask(shop.store, terminal, attempt.reference)
    backup(shop, tmp_path)
    (left,) = unresolved(shop.store)
    assert (left.state, left.problem) == (AttemptState.APPROVED, RESTORED_PROBLEM)


def backup(shop: Shop, folder: Path) -> None:
    """Takes a backup and puts it back at once."""
    take_backup(shop.store, folder / "backup.db", shop.clock)
    restore_backup(folder / "branch.db", folder / "backup.db", shop.clock)
