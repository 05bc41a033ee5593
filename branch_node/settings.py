"""What can be set for a branch node, with defaults. Each field says what it does and in which unit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from shared.environment import setting


@dataclass(frozen=True, slots=True)
class Settings:
    """Read from the environment as `FILIAL_` and the field's name in capitals; `--home` wins over FILIAL_HOME."""

    home: Path = setting(Path("filial-branch"), "Folder of the store, the keys and the locks.")
    phone_country: str = setting("RU", "ISO 3166 country whose numbers may be typed without a country code.")
    compress: int = setting(0, "1 compresses what is sent: for slow or metered links, at the price of some speed.")
    commit_deadline_ms: int = setting(
        2_000, "How long centralized mode waits for the head office before the branch's policy decides, milliseconds."
    )
    journal_poll_ms: int = setting(50, "How often `serve` looks for entries recorded by other processes, milliseconds.")
    printer: str = setting(
        "", "The receipt printer: `file:PATH`, `tcp:HOST:PORT`, `simulator:PATH` (text), or nothing for none."
    )
    printer_columns: int = setting(48, "Columns of the printer's font A: 32 for 58 mm paper, 42 or 48 for 80 mm.")
    printer_codepage: str = setting("cp866", "The printer's character set: cp866, cp1251 or cp855.")
    printer_qr: str = setting("native", "`native` lets the printer draw square codes, `raster` sends them as pictures.")
    payment_terminal: str = setting("", "The payment terminal: `simulator:FOLDER`, or nothing for none.")
    fiscal_device: str = setting("", "The fiscal device: `simulator:PATH` (not certified), or nothing for none.")

    @property
    def store_path(self) -> Path:
        return self.home / "branch.db"

    @property
    def sync_lock_path(self) -> Path:
        return self.home / "sync.lock"

    @property
    def print_lock_path(self) -> Path:
        return self.home / "print.lock"

    @property
    def key_path(self) -> Path:
        return self.home / "branch.key"

    @property
    def certificate_path(self) -> Path:
        return self.home / "branch.crt"

    @property
    def authority_path(self) -> Path:
        return self.home / "authority.crt"
