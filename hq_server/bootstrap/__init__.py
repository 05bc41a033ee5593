"""Wires the head office together: settings, configuration, store, authority; `serving` adds the server."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hq_server.operations.authority import Authority
from hq_server.operations.founding import ChainRow, found_chain, require_chain
from hq_server.settings import Settings
from hq_server.storage.store import HqStore, connect_store, open_store
from shared.certificates import write_secret
from shared.clock import SystemClock, SystemIds
from shared.environment import load_settings
from shared.errors import AlreadyExists, InvalidInput, Refused, StoreMissing

DEFAULT_DATABASE = "sqlite:///hq.db"


@dataclass(frozen=True, slots=True)
class HeadOffice:
    """What commands work with."""

    settings: Settings
    store: HqStore
    clock: SystemClock
    ids: SystemIds

    def authority(self) -> Authority:
        """The chain's certificate authority. Raises StoreMissing."""
        return Authority.load(self.settings)


def settings_for(home: Path | None) -> Settings:
    """The settings of the head office in that folder."""
    return load_settings(Settings, home)


def read_database_url(settings: Settings) -> str:
    """The database that `init` was given. Raises StoreMissing before it."""
    try:
        with settings.configuration_path.open("rb") as file:
            url = tomllib.load(file).get("database")
    except FileNotFoundError:
        raise StoreMissing(f"There is no head office in {settings.home}.", "Run: filial-hq init") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise InvalidInput(f"{settings.configuration_path} cannot be read.", "Restore it from a backup.") from None
    if not isinstance(url, str):
        raise InvalidInput(f"{settings.configuration_path} names no database.", "Restore it from a backup.")
    return url


@contextlib.contextmanager
def head_office(home: Path | None) -> Iterator[HeadOffice]:
    """The head office in that folder, closed afterwards. Raises StoreMissing before `init`."""
    settings = settings_for(home)
    clock = SystemClock()
    store = open_store(read_database_url(settings), settings.home, clock)
    try:
        yield HeadOffice(settings, store, clock, SystemIds())
    finally:
        store.close()


@contextlib.contextmanager
def any_schema_store(home: Path | None) -> Iterator[HqStore]:
    """The store whatever schema it has, for upgrading it."""
    settings = settings_for(home)
    store = connect_store(read_database_url(settings), settings.home, SystemClock())
    try:
        yield store
    finally:
        store.close()


def found(home: Path | None, database: str | None, name: str, currency: str, timezone: str) -> ChainRow:
    """Makes a head office: folder, authority, schema, chain. Raises AlreadyExists, InvalidInput.

    An authority that is in the folder already goes on signing: its branches find their head office on a new machine.
    """
    require_chain(name, currency, timezone)
    settings = settings_for(home)
    if settings.configuration_path.exists():
        raise AlreadyExists(f"There is a head office in {settings.home} already.", "Name another folder with --home.")
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"{settings.home} cannot be made: {error.strerror}.", "Name another folder.") from None
    authority = Authority.load_or_found(settings, name)
    url = database or DEFAULT_DATABASE
    clock = SystemClock()
    store = connect_store(url, settings.home, clock)
    try:
        founded = found_chain(store, name, currency, timezone, clock, SystemIds())
    finally:
        store.close()
    authority.save(settings)
    # Written last: a head office without it was never founded, and `init` may be run again.
    escaped = url.replace("\\", "\\\\").replace('"', '\\"')
    write_secret(settings.configuration_path, f'database = "{escaped}"\n'.encode())
    return founded


@contextlib.contextmanager
def only_server(settings: Settings, is_sqlite: bool) -> Iterator[None]:
    """SQLite takes one server process at a time. Raises Refused when there is one."""
    if not is_sqlite:
        yield
        return
    descriptor = os.open(settings.home / "serve.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Refused(
            "Another `filial-hq serve` uses this SQLite store.", "Stop it, or move the head office to PostgreSQL."
        ) from None
    else:
        yield
    finally:
        os.close(descriptor)


def first_log_in(home: Path | None) -> str:
    """The path of a new link that makes the first administrator, once."""
    # Imported here: `init` alone needs it, and it brings half of the operations along.
    from hq_server.operations.first_log_in import first_log_in_path, issue_first_log_in

    with head_office(home) as office, office.store.write() as connection:
        return first_log_in_path(issue_first_log_in(connection, office.ids, office.clock.now_us()))
