"""Wires printing: the printer of the settings, the branch's key for square codes, the queue and its worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from branch_node.devices.escpos import PrinterProfile, drawer_kick, encode_code_pages, encode_document, require_profile
from branch_node.devices.print_queue import Pass, PrintQueue, PrintWorker
from branch_node.devices.printers import Printer, open_printer
from branch_node.devices.qr import signer_of
from branch_node.settings import Settings
from branch_node.storage.process_lock import ProcessLock
from branch_node.storage.store import BranchStore
from shared.certificates import key_from_pem
from shared.clock import Clock
from shared.domain.business_time import local_moment
from shared.domain.receipt_document import ReceiptShop, test_page
from shared.errors import FilialError, InvalidInput


class Printing(NamedTuple):
    """A printer and what it can do."""

    printer: Printer
    profile: PrinterProfile


def open_printing(settings: Settings) -> Printing | None:
    """The printer of the settings; None when there is none. Nothing is connected yet. Raises InvalidInput."""
    printer = open_printer(settings.printer, settings.printer_columns)
    if printer is None:
        return None
    return Printing(printer, require_profile(settings.printer_columns, settings.printer_codepage, settings.printer_qr))


def require_printing(settings: Settings) -> Printing:
    """The same. Raises InvalidInput when there is none."""
    printing = open_printing(settings)
    if printing is None:
        raise InvalidInput("No printer is set.", "Set FILIAL_PRINTER to tcp:HOST:9100, file:PATH or simulator:PATH.")
    return printing


def open_signer(settings: Settings) -> Callable[[str], str] | None:
    """Signs square codes as this branch; None when its key cannot be used: receipts are printed all the same."""
    try:
        return signer_of(key_from_pem(settings.key_path.read_bytes()))
    except (OSError, FilialError):
        return None


def open_print_queue(settings: Settings, store: BranchStore, printing: Printing) -> PrintQueue:
    """The queue of this store on that printer; the caller holds the print lock while it prints."""
    return PrintQueue(store, printing.printer, printing.profile, open_signer(settings), settings.is_practice)


def start_print_worker(settings: Settings, store: BranchStore) -> PrintWorker | None:
    """Prints from now on in a thread; None when no printer is set. Raises InvalidInput."""
    printing = open_printing(settings)
    if printing is None:
        return None
    worker = PrintWorker(open_print_queue(settings, store, printing), ProcessLock(settings.print_lock_path))
    worker.start()
    return worker


def print_now(settings: Settings, store: BranchStore) -> Pass | None:
    """Prints what waits in this process; None when another process prints. Raises InvalidInput, StoreError."""
    lock = ProcessLock(settings.print_lock_path)
    queue = open_print_queue(settings, store, require_printing(settings))
    if not lock.take():
        return None
    try:
        queue.recover()
        return queue.print_waiting()
    finally:
        lock.release()


def print_test_page(settings: Settings, names: tuple[str, str, str], zone: str, clock: Clock, drawer: bool) -> str:
    """Prints a test page past the queue; returns the printer's name.

    `names` are the chain's, the branch's and its code. Raises InvalidInput, PrinterUnreachable, PrinterInterrupted.
    """
    printer, profile = require_printing(settings)
    moment = local_moment(clock.now_us(), zone)
    notes = (printer.name, f"{profile.columns} × {profile.page.name}, QR: {profile.qr_mode}")
    page = encode_document(test_page(ReceiptShop(*names), moment, notes), profile)
    printer.print(page + encode_code_pages(profile) + (drawer_kick() if drawer else b""))
    return printer.name
