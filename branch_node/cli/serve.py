"""`filial-branch serve`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from branch_node.bootstrap import open_store, settings_for
from shared.cli.commands import Command, GlobalOptions
from shared.cli.logging import configure_logging
from shared.cli.output import print_json

if TYPE_CHECKING:
    from shared.web.serving import WebServer


@click.command(cls=Command)
@click.option("--web", "web_address", default="127.0.0.1:7490", show_default=True, help="The web pages and /healthz.")
@click.option("--no-sync", is_flag=True, help="Do not talk to the head office.")
@click.option("--insecure-web", is_flag=True, help="Let other machines use the web pages without TLS.")
@click.pass_obj
def serve(options: GlobalOptions, web_address: str, no_sync: bool, insecure_web: bool) -> None:
    """Keep this branch synchronised and its web pages open, until SIGTERM or Ctrl-C."""
    from branch_node.bootstrap import serving

    configure_logging(options.debug)
    settings = settings_for(options.home)
    store = open_store(settings)

    def ready(web: WebServer) -> None:
        address = f"{web_address.rpartition(':')[0]}:{web.port}"
        if options.json:
            print_json({"web": address})
        else:
            click.echo(f"Pages at {web.scheme}://{address}/, health at {web.scheme}://{address}/healthz")

    try:
        serving.serve(settings, store, serving.WebChoice(web_address, insecure_web), not no_sync, ready)
    finally:
        store.close()
