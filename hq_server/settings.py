"""What can be set for the head office, with defaults. Each field says what it does and in which unit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from shared.environment import PRACTICE_FILE, secret_setting, setting


@dataclass(frozen=True, slots=True)
class Settings:
    """Read from the environment as `FILIAL_` and the field's name in capitals; `--home` wins over FILIAL_HOME."""

    home: Path = setting(Path("filial-hq"), "Folder of the keys, the configuration and, by default, the store.")
    merge_threads: int = setting(4, "Merges that may run at once in one server process.")
    feed_poll_ms: int = setting(250, "How often a server looks for what other processes changed, milliseconds.")
    feed_compaction_minutes: int = setting(
        60, "How often a server compacts the feed, minutes; 0 leaves it to `db compact-feed`."
    )
    token_valid_hours: int = setting(72, "How long an enrolment token may be used, hours.")
    completeness_lag_minutes: int = setting(
        15, "How old a branch's watermark may be to count as complete to now, minutes."
    )
    chain_answers_hour: int = setting(
        4,
        "At which hour of the chain's zone reports over the whole chain are computed for branches, 0 to 23.",
        least=0,
        most=23,
    )
    phone_country: str = setting("RU", "ISO 3166 country whose numbers may be typed without a country code.")
    session_idle_minutes: int = setting(720, "After how long without use a log-in to the web page ends, minutes.")
    practice: int = setting(0, "1 marks every page and paper as practice; so does a file `practice` in the folder.")

    @property
    def is_practice(self) -> bool:
        """Whether this is a practice chain: nothing here is business."""
        return self.practice == 1 or (self.home / PRACTICE_FILE).exists()

    web_hosts: str = setting(
        "", "Names of this machine, separated by commas, under which the web pages are served besides its own."
    )

    mail_from: str = setting("", "The address that letters to clients come from.")
    mail_from_name: str = setting("", "The name beside it; without one, the chain's.")
    smtp_host: str = setting("", "The server that letters are given to; without one none is sent.")
    smtp_port: int = setting(0, "Its port; 0 is the usual one of its protection.")
    smtp_tls: str = setting("implicit", "How the line is protected: implicit, starttls, or none on this machine.")
    smtp_user: str = setting("", "Who logs in there; without one nobody does.")
    smtp_secret: str = secret_setting("The password; without one the first line of smtp.secret in the folder.")
    imap_host: str = setting("", "The server of the mailbox that answers arrive in; without one none is read.")
    imap_port: int = setting(0, "Its port; 0 is the usual one of its protection.")
    imap_tls: str = setting("implicit", "How the line is protected: implicit, starttls, or none on this machine.")
    imap_user: str = setting("", "Who logs in there.")
    imap_secret: str = secret_setting("The password; without one the first line of imap.secret in the folder.")
    imap_mailbox: str = setting("INBOX", "The mailbox.")
    mail_authorities: Path = setting(
        Path(), "A file of certificates that mail servers are checked against, instead of this machine's own."
    )
    report_folder: Path = setting(Path(), "The folder that scheduled reports are put into; without one, none is.")
    report_poll_seconds: int = setting(
        60, "How often a server looks for scheduled reports, seconds; 0 leaves it to `filial-hq report deliver`."
    )
    mail_poll_seconds: int = setting(
        60, "How often a server sends and reads mail, seconds; 0 leaves it to `filial-hq mail`."
    )

    fleet_sample_minutes: int = setting(
        5, "How often a server looks at how the branches stand, minutes; 0 keeps no history and tells of nothing."
    )
    webhook_secret: str = secret_setting(
        "What messages to a webhook are signed with; without one the first line of webhook.secret in the folder."
    )

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
    def erasures_path(self) -> Path:
        """The orders to erase persons, kept beside the store."""
        return self.home / "erasures.jsonl"

    @property
    def configuration_path(self) -> Path:
        return self.home / "hq.toml"

    @property
    def store_path(self) -> Path:
        return self.home / "hq.db"

    @property
    def authority_key_path(self) -> Path:
        return self.home / "authority.key"

    @property
    def authority_certificate_path(self) -> Path:
        return self.home / "authority.crt"

    @property
    def server_key_path(self) -> Path:
        return self.home / "server.key"

    @property
    def server_certificate_path(self) -> Path:
        return self.home / "server.crt"
