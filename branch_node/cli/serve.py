"""`filial-branch serve`."""

from __future__ import annotations

import click

from branch_node.bootstrap import open_store, settings_for
from shared.cli.commands import Command, GlobalOptions
from shared.cli.logging import configure_logging
from shared.cli.output import print_json


@click.command(cls=Command)
@click.option("--web", "web_address", default="127.0.0.1:7490", show_default=True, help="The web page and /healthz.")
@click.option("--no-sync", is_flag=True, help="Do not talk to the head office.")
@click.pass_obj
def serve(options: GlobalOptions, web_address: str, no_sync: bool) -> None:
    """Keep this branch synchronised and its web page open, until SIGTERM or Ctrl-C."""
    from branch_node.bootstrap import serving

    configure_logging(options.debug)
    settings = settings_for(options.home)
    store = open_store(settings)

    def ready(port: int) -> None:
        host = web_address.rpartition(":")[0]
        if options.json:
            print_json({"web": f"{host}:{port}"})
        else:
            click.echo(f"Health at http://{host}:{port}/healthz")

    try:
        serving.serve(settings, store, web_address, not no_sync, ready)
    finally:
        store.close()
