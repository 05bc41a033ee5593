"""What can be set for a branch node, with defaults. Each field says what it does and in which unit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from shared.environment import PRACTICE_FILE, setting
from shared.errors import InvalidInput

TOKEN_CHARACTERS_MIN = 16


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
    session_idle_minutes: int = setting(720, "After how long without use a log-in by password ends, minutes.")
    pin_session_idle_minutes: int = setting(15, "After how long without use a log-in by PIN ends, minutes.")
    unheard_days: int = setting(
        14, "After how long without the head office only selling, shifts and refunds by receipt remain, days."
    )
    web_hosts: str = setting(
        "",
        "Names of this machine in its network, separated by commas, under which pages are served.",
    )
    printer: str = setting(
        "", "The receipt printer: `file:PATH`, `tcp:HOST:PORT`, `simulator:PATH` (text), or nothing for none."
    )
    printer_columns: int = setting(48, "Columns of the printer's font A: 32 for 58 mm paper, 42 or 48 for 80 mm.")
    printer_codepage: str = setting("cp866", "The printer's character set: cp866, cp1251 or cp855.")
    printer_qr: str = setting("native", "`native` lets the printer draw square codes, `raster` sends them as pictures.")
    receipt_language: str = setting("ru", "The language of receipts and reports on paper: `ru` or `en`.")
    receipt_header: str = setting("", "Lines at the head of every receipt, with `|` between them.")
    receipt_footer: str = setting("", "Lines at the foot of every receipt, with `|` between them.")
    payment_terminal: str = setting("", "The payment terminal: `simulator:FOLDER`, or nothing for none.")
    fiscal_device: str = setting("", "The fiscal device: `simulator:PATH` (not certified), or nothing for none.")
    cash_rounding: str = setting(
        "", "To which step cash is rounded, by currency: `RUB=100:client` is whole roubles in the client's favour."
    )
    telephony_token: str = setting(
        "",
        "What a telephone system proves itself with that reports calls by `POST /calls/incoming?phone=…`, as"
        " `Authorization: Bearer …`: 16 characters or more; nothing lets none report.",
    )
    practice: int = setting(0, "1 marks every page and paper as practice; so does a file `practice` in the folder.")

    @property
    def is_practice(self) -> bool:
        """Whether this is a practice chain: nothing here is business."""
        return self.practice == 1 or (self.home / PRACTICE_FILE).exists()

    @property
    def bearer_tokens(self) -> dict[str, str]:
        """What programs prove themselves with, by path. Raises InvalidInput for a token that is easily guessed."""
        if not self.telephony_token:
            return {}
        if len(self.telephony_token) < TOKEN_CHARACTERS_MIN:
            raise InvalidInput(
                f"The telephone system’s token has fewer than {TOKEN_CHARACTERS_MIN} characters.",
                "Make one: openssl rand -hex 24",
            )
        return {"/calls/incoming": self.telephony_token}

    @property
    def web_host_names(self) -> list[str]:
        return [name.strip().lower() for name in self.web_hosts.split(",") if name.strip()]

    @property
    def web_secret_path(self) -> Path:
        """What the pages' cookies and forms are signed with."""
        return self.home / "web.secret"

    @property
    def web_certificate_path(self) -> Path:
        return self.home / "web.crt"

    @property
    def web_key_path(self) -> Path:
        return self.home / "web.key"

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
    def fiscal_lock_path(self) -> Path:
        return self.home / "fiscal.lock"

    @property
    def key_path(self) -> Path:
        return self.home / "branch.key"

    @property
    def certificate_path(self) -> Path:
        return self.home / "branch.crt"

    @property
    def authority_path(self) -> Path:
        return self.home / "authority.crt"

    @property
    def pepper_path(self) -> Path:
        return self.home / "pin.key"
