"""`make bench`: every measurement in turn, as a table and as JSON in `.bench/results.json`."""

from __future__ import annotations

import json
import platform
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from benchmarks.centralized import measure_centralized
from benchmarks.client_pages import measure_client_pages
from benchmarks.figures import Figure
from benchmarks.finding import measure_finding
from benchmarks.ingest import measure_ingest
from benchmarks.joining import measure_joining
from benchmarks.pages import measure_pages
from benchmarks.recovery import measure_recovery
from benchmarks.report_costs import measure_report_costs
from benchmarks.reporting import measure_reports
from benchmarks.selling import measure_selling
from benchmarks.starting import measure_starting
from benchmarks.streams import measure_streams
from benchmarks.till import measure_till
from benchmarks.wire import measure_wire
from deploy.postgresql import running_postgresql
from shared.cli.output import print_table

FOLDER = Path(".bench")

# A server as an owner would set it up on a small machine; nothing that gives durability away.
POSTGRESQL = {
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "work_mem": "32MB",
    # The moment of a commit, to measure up to the last.
    "track_commit_timestamp": "on",
}

Measure = Callable[[Path], list[Figure]]


def _selling(folder: Path) -> list[Figure]:
    return measure_selling(folder, sales=2_400, runs=5)


def _till(folder: Path) -> list[Figure]:
    return measure_till(folder, products=100_000, baskets=200, runs=5)


def _pages(folder: Path) -> list[Figure]:
    return measure_pages(folder, products=100_000, baskets=20, runs=3)


def _client_pages(folder: Path, clients: int = 100_000) -> list[Figure]:
    return measure_client_pages(folder, clients, asked=50, runs=5)


def _ingest(folder: Path) -> list[Figure]:
    with running_postgresql(POSTGRESQL) as server:
        return measure_ingest(server, folder, sales=8_000, runs=5)


def _reports(folder: Path) -> list[Figure]:
    with running_postgresql(POSTGRESQL) as server:
        return measure_reports(server, folder, years=(1, 5))


def _report_costs(folder: Path, lines: int = 1_000_000) -> list[Figure]:
    with running_postgresql(POSTGRESQL) as server:
        return measure_report_costs(server, folder, lines)


def _finding(folder: Path) -> list[Figure]:
    with running_postgresql(POSTGRESQL) as server:
        return measure_finding(server, folder, clients=100_000, chain_clients=200_000, runs=5)


def _starting(folder: Path) -> list[Figure]:
    return measure_starting(folder, runs=7)


def _recovery(folder: Path) -> list[Figure]:
    with running_postgresql(POSTGRESQL) as server:
        return measure_recovery(server, folder, receipts=200_000, reseeded=100_000)


def _joining(folder: Path) -> list[Figure]:
    with running_postgresql(POSTGRESQL) as server:
        return measure_joining(server, folder)


def _centralized(folder: Path) -> list[Figure]:
    with running_postgresql(POSTGRESQL) as server:
        return measure_centralized(server, folder, paced=70, fast=250, runs=3)


def _streams(folder: Path) -> list[Figure]:
    with running_postgresql(POSTGRESQL) as server:
        return measure_streams(server, folder)


MEASUREMENTS: dict[str, Measure] = {
    "selling": _selling,
    "till": _till,
    "pages": _pages,
    "client-pages": _client_pages,
    "ingest": _ingest,
    "reports": _reports,
    "report-costs": _report_costs,
    "finding": _finding,
    "starting": _starting,
    "wire": measure_wire,
    "streams": _streams,
    "centralized": _centralized,
    "joining": _joining,
    "recovery": _recovery,
}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(MEASUREMENTS)))
@click.option("--clients", default=100_000, show_default=True, help="Clients of the branch whose pages are asked.")
@click.option("--lines", default=1_000_000, show_default=True, help="Receipt lines that reports are asked of.")
def main(names: tuple[str, ...], clients: int, lines: int) -> None:
    """Runs the measurements named, or all. Exits 1 when a bar is missed."""
    sized: dict[str, Measure] = {
        "client-pages": partial(_client_pages, clients=clients),
        "report-costs": partial(_report_costs, lines=lines),
    }
    measurements = {**MEASUREMENTS, **sized}
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    figures: list[Figure] = []
    for name in names or MEASUREMENTS:
        click.echo(f"Measuring {name} …", err=True)
        folder = (FOLDER / name).resolve()
        folder.mkdir()
        figures += measurements[name](folder)
        shutil.rmtree(folder)
    rows = [
        (f.name, f"{f.value:.3g}" if f.value < 1_000 else f"{f.value:,.0f}", f.unit, f.bar, f.verdict) for f in figures
    ]
    print_table(("figure", "value", "unit", "bar", "verdict"), rows, frozenset({"value"}))
    for figure in figures:
        if figure.note:
            click.echo(f"\n{figure.note}")
    machine = {"machine": platform.machine(), "python": platform.python_version(), "system": platform.system()}
    document = {**machine, "figures": [figure.as_json() for figure in figures]}
    (FOLDER / "results.json").write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    click.echo(f"\nThe same with ranges as JSON: {FOLDER / 'results.json'}")
    sys.exit(1 if any(figure.holds is False for figure in figures) else 0)


if __name__ == "__main__":
    main()
