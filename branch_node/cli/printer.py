"""`filial-branch printer`: try the receipt printer, and look after what waits for it."""

from __future__ import annotations

import click

from branch_node.bootstrap import open_store, settings_for
from branch_node.settings import Settings
from branch_node.storage.print_jobs import FAILED, PRINTED, PRINTING, WAITING, discard_job, list_jobs, retry_failed
from branch_node.storage.print_jobs import read_queue_state as read_state
from shared.cli.commands import GlobalOptions, Group
from shared.cli.output import print_result, print_rows
from shared.clock import SystemClock
from shared.domain.business_time import format_us
from shared.domain.receipt_labels import ENGLISH
from shared.errors import NotFound, StoreMissing

_NOBODY_YET = ("Filial", "–", "–")


@click.group(cls=Group)
def printer() -> None:
    """Try the receipt printer, look at what waits for it."""


@printer.command("test")
@click.option("--drawer", is_flag=True, help="Open the cash drawer too.")
@click.pass_obj
def test_command(options: GlobalOptions, drawer: bool) -> None:
    """Print a test page: Russian text, a square code, and one sentence in every character set to choose from."""
    from branch_node.bootstrap.printing import print_test_page

    settings = settings_for(options.home)
    names, zone = _who(settings)
    name = print_test_page(settings, names, zone, SystemClock(), drawer)
    sentence = f"{name} took a test page. Choose the character set that is readable on it: FILIAL_PRINTER_CODEPAGE."
    print_result(options, {"printer": name}, sentence)


@printer.command("queue")
@click.option("--all", "with_printed", is_flag=True, help="What was printed too.")
@click.pass_obj
def queue_command(options: GlobalOptions, with_printed: bool) -> None:
    """List what waits to be printed, and what could not be."""
    store = open_store(settings_for(options.home))
    states = (WAITING, PRINTING, FAILED, *((PRINTED,) if with_printed else ()))
    with store.read_cursor() as cursor:
        jobs = list_jobs(cursor, states)
        state = read_state(cursor)
    store.close()
    rows = [
        {
            "id": job.job_id,
            "kind": job.kind,
            "register": job.register,
            "queued_at": format_us(job.created_at_us),
            "state": job.state,
            "copy": job.in_doubt,
            "problem": job.last_problem,
        }
        for job in jobs
    ]
    columns = ("id", "kind", "register", "queued_at", "state", "copy", "problem")
    counts = {"waiting": state.waiting, "failed": state.failed, "sentence": state.sentence(ENGLISH)}
    print_rows(options, "jobs", columns, rows, "Nothing waits to be printed.", counts)


@printer.command("retry")
@click.pass_obj
def retry_command(options: GlobalOptions) -> int:
    """Print what waits and what could not be printed, now."""
    from branch_node.bootstrap.printing import print_now

    settings = settings_for(options.home)
    store = open_store(settings)
    with store.write() as connection:
        retried = retry_failed(connection.connection.cursor(), store.clock.now_us())
    done = print_now(settings, store)
    with store.read_cursor() as cursor:
        state = read_state(cursor)
    store.close()
    document = {"retried": retried, "printed": done and done.printed, "waiting": state.waiting, "failed": state.failed}
    if done is None:
        sentence = f"The program that serves this branch prints what waits ({state.waiting})."
    elif done.problem is not None:
        sentence = f"{done.problem} Still waiting: {state.waiting}."
    elif state.failed:
        sentence = f"Printed: {done.printed}. Not printed: {state.failed}; see: filial-branch printer queue"
    else:
        sentence = f"Printed: {done.printed}."
    print_result(options, document, sentence)
    return 1 if done is not None and (done.problem is not None or state.failed) else 0


@printer.command("discard")
@click.argument("job_id", metavar="ID", type=int)
@click.pass_obj
def discard_command(options: GlobalOptions, job_id: int) -> None:
    """Take a document out of the queue before it is printed. The sale itself stays."""
    store = open_store(settings_for(options.home))
    with store.write() as connection:
        was_there = discard_job(connection.connection.cursor(), job_id)
    store.close()
    if not was_there:
        raise NotFound(f"Nothing waits under the number {job_id}.", "See: filial-branch printer queue")
    print_result(options, {"discarded": job_id}, f"Job {job_id} is out of the queue.")


def _who(settings: Settings) -> tuple[tuple[str, str, str], str]:
    """The names for the test page, and the zone: a printer can be tried before the branch has joined."""
    try:
        store = open_store(settings)
    except StoreMissing:
        return _NOBODY_YET, "UTC"
    node, _chain = store.node()
    store.close()
    return (node.chain_name, node.name, node.code), node.timezone
