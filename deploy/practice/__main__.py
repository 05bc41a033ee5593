"""`make demo SERVE=1`: a practice chain with people, prices and weeks of trade, to be clicked through."""

from __future__ import annotations

import shutil
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

import click

from deploy.demo.chain import CommandFailed
from deploy.practice.building import SHEET_FILE, TIMEZONE, Say, State, build
from deploy.practice.generator import SEED, make_plan
from deploy.practice.serving import Served, show
from shared.clock import SystemClock
from shared.domain.business_time import local_moment
from shared.errors import FilialError

FOLDER = Path(".practice")


@click.command()
@click.option("--folder", type=click.Path(path_type=Path), default=FOLDER, show_default=True, help="Where it is kept.")
@click.option("--seed", type=int, default=SEED, show_default=True, help="Another seed, another chain.")
@click.option("--language", type=click.Choice(["ru", "en"]), default="ru", help="Of names and goods.")
@click.option("--reset", is_flag=True, help="Begin anew, whatever is there.")
@click.option("--build-only", is_flag=True, help="Serve nothing.")
def main(folder: Path, seed: int, language: str, reset: bool, build_only: bool) -> None:
    """Builds the chain, unless it is there already, and serves it on this machine until Ctrl-C."""
    signal.signal(signal.SIGTERM, _end)
    started = time.monotonic()

    def say(text: str) -> None:
        click.echo(f"[{time.monotonic() - started:6.1f} s] {text}" if text.strip() and text[0] != " " else text)

    try:
        state = _prepare(folder, seed, language, reset, say)
        if not build_only:
            _serve(folder, state, say)
    except (CommandFailed, FilialError) as error:
        raise click.ClickException(f"{error}\nTo begin anew: make demo SERVE=1 RESET=1") from None


def _prepare(folder: Path, seed: int, language: str, reset: bool, say: Say) -> State:
    state = None if reset else State.load(folder)
    if state is not None:
        say(f"The practice chain of {state.built_on} goes on as it was left ({folder}).")
        return state
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    today = local_moment(SystemClock().now_us(), TIMEZONE).business_date
    say(f"Planning a practice chain for {today} (seed {seed}): real baskets, invented people, goods and prices.")
    return build(folder, make_plan(today, seed, language), say)


def _serve(folder: Path, state: State, say: Say) -> None:
    served = Served(folder, state)
    try:
        served.start()
        show(served, folder, folder / SHEET_FILE, say)
        # Only now: programs inherit what is blocked, and must hear a signal themselves.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
        say("Stopping …")
    finally:
        served.stop()


def _end(_number: int, _frame: object) -> NoReturn:
    sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    main()
