"""`filial-branch web-request`."""

from __future__ import annotations

import click

from branch_node.bootstrap import settings_for
from shared.cli.commands import Command, GlobalOptions
from shared.cli.output import print_json


@click.command("web-request", cls=Command)
@click.argument("hosts", nargs=-1, required=True)
@click.pass_obj
def web_request(options: GlobalOptions, hosts: tuple[str, ...]) -> None:
    """Write a request for a certificate of the web pages, for the names and addresses that browsers will ask for.

    The key is made here, as web.key, and stays here. The head office answers with `filial-hq branch web-certificate`.
    """
    from branch_node.bootstrap.web_certificate import request_web_certificate

    request = request_web_certificate(settings_for(options.home).web_key_path, hosts).decode()
    if options.json:
        print_json({"request": request})
    else:
        click.echo(request, nl=False)
