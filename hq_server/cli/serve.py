"""`filial-hq serve`."""

from __future__ import annotations

import click

from shared.cli.commands import Command, GlobalOptions
from shared.cli.logging import configure_logging
from shared.cli.output import print_json

WORKERS_MAX = 32


@click.command(cls=Command)
@click.option("--grpc", "grpc_address", default="0.0.0.0:7443", show_default=True, help="Where branches connect.")
@click.option("--web", "web_address", default="127.0.0.1:7480", show_default=True, help="The web pages and /healthz.")
@click.option("--insecure-web", is_flag=True, help="Let other machines use the web pages without TLS.")
@click.option("--workers", type=click.IntRange(1, WORKERS_MAX), default=1, help="Processes, with PostgreSQL.")
@click.option("--worker", is_flag=True, hidden=True, help="Be one of them.")
@click.pass_obj
def serve(
    options: GlobalOptions, grpc_address: str, web_address: str, insecure_web: bool, workers: int, worker: bool
) -> None:
    """Serve the branches and the web pages, until SIGTERM or Ctrl-C."""
    from hq_server.bootstrap import serving

    configure_logging(options.debug)
    if worker:
        serving.serve_as_worker(options.home, grpc_address)
        return

    def ready(grpc_port: int, web_port: int | None) -> None:
        host = grpc_address.rpartition(":")[0]
        web_host = web_address.rpartition(":")[0]
        if options.json:
            print_json({"grpc": f"{host}:{grpc_port}", "web": f"{web_host}:{web_port}"})
        else:
            click.echo(f"Branches connect to {host}:{grpc_port}; health at http://{web_host}:{web_port}/healthz")

    serving.serve(options.home, grpc_address, serving.WebChoice(web_address, insecure_web), workers, ready)
