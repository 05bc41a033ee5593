"""The command line of the head office, one module per group of commands; each is imported when it is called."""

from __future__ import annotations

import click

import shared
from shared.cli.commands import Group


@click.group(cls=Group)
@click.version_option(shared.__version__, prog_name="filial-hq")
def commands() -> None:
    """The head office of a chain: takes in what the branches did, tells them what they must know, reports."""


commands.defer("init", "hq_server.cli.init:init", "Found a chain: its database and its certificate authority.")
commands.defer("serve", "hq_server.cli.serve:serve", "Serve the branches and the web page.")
commands.defer("branch", "hq_server.cli.branch:branch", "Add, list, show, edit, enrol and revoke branches.")
commands.defer("catalog", "hq_server.cli.catalog:catalog", "Import products and prices; take imports back.")
commands.defer("promotion", "hq_server.cli.promotion:promotion", "What is taken off prices, when and for whom.")
commands.defer("vat", "hq_server.cli.vat:vat", "The rates that products are taxed at, with dates.")
commands.defer("loyalty", "hq_server.cli.loyalty:loyalty", "How clients earn and spend points; what they have.")
commands.defer("dictionary", "hq_server.cli.dictionary:dictionary", "Outcomes of calls, themes, competitors.")
commands.defer("mail", "hq_server.cli.mail:mail", "Send letters to clients, read answers, decide what is uncertain.")
commands.defer("client", "hq_server.cli.client:client", "Import, find, show and merge clients.")
commands.defer("employee", "hq_server.cli.employee:employee", "Hire, place and dismiss employees; who did what.")
commands.defer("role", "hq_server.cli.role:role", "List and change roles: permissions and limits.")
commands.defer("sync", "hq_server.cli.sync:sync", "How far each branch has come; verify; conflicts; parked entries.")
commands.defer("fleet", "hq_server.cli.fleet:fleet", "Look at the fleet, tell of alerts, run checks that wait.")
commands.defer("budget", "hq_server.cli.budget:budget", "What the chain may spend once, wherever it is spent.")
commands.defer("audit", "hq_server.cli.audit:audit", "Z-reports against the receipts, refunds against the sales.")
commands.defer("report", "hq_server.cli.report:report", "Consolidated reports.")
commands.defer("backup", "hq_server.cli.backup:backup", "Write a verified backup, or vouch for one taken elsewhere.")
commands.defer("restore", "hq_server.cli.backup:restore", "Put a backup in the place of everything HQ holds.")
commands.defer("db", "hq_server.cli.db:db", "Upgrade and check the database, rebuild rollups.")
