"""The command line of a branch, one module per group of commands; each is imported when it is called."""

from __future__ import annotations

import click

import shared
from shared.cli.commands import Group


@click.group(cls=Group)
@click.version_option(shared.__version__, prog_name="filial-branch")
def commands() -> None:
    """A branch of the chain: sells and serves clients with no network at all, and synchronises when there is one."""


commands.defer("enrol", "branch_node.cli.enrol:enrol", "Join a chain with a one-use token from the head office.")
commands.defer("serve", "branch_node.cli.serve:serve", "Keep this branch synchronised and its web pages open.")
commands.defer("web-request", "branch_node.cli.web_request:web_request", "Ask for a certificate of the web pages.")
commands.defer("sync", "branch_node.cli.sync:sync", "Synchronise once, show how far it has come, verify.")
commands.defer("sell", "branch_node.cli.sell:sell", "Sell, one JSON line at a time.")
commands.defer("refund", "branch_node.cli.sell:refund", "Give back, one JSON line at a time.")
commands.defer("call", "branch_node.cli.call:call", "Log calls and other conversations with clients; list them.")
commands.defer("task", "branch_node.cli.task:task", "Add, list, finish and put off tasks.")
commands.defer("letter", "branch_node.cli.letter:letter", "Write to a client; what became of the letters.")
commands.defer("client", "branch_node.cli.client:client", "Add, edit, find, show and merge clients.")
commands.defer("hand-over", "branch_node.cli.hand_over:hand_over", "Hand clients and tasks over; substitutes.")
commands.defer("receipt", "branch_node.cli.receipt:receipt", "Show a receipt of any branch.")
commands.defer("printer", "branch_node.cli.printer:printer", "Try the receipt printer, look at what waits for it.")
commands.defer("card", "branch_node.cli.card:card", "Find out and reverse card payments.")
commands.defer("budget", "branch_node.cli.budget:budget", "What this branch may spend of the chain's budgets.")
commands.defer("stock", "branch_node.cli.stock:stock", "Receive, write off and count goods; what is on hand.")
commands.defer("shift", "branch_node.cli.shift:shift", "Open and close a till, show its shift.")
commands.defer("employee", "branch_node.cli.employee:employee", "Who works here; PINs.")
commands.defer("register", "branch_node.cli.register:register", "Pair browsers with registers.")
commands.defer("backup", "branch_node.cli.backup:backup", "Write a copy of this branch's store.")
commands.defer("restore", "branch_node.cli.backup:restore", "Put a copy in the place of this branch's store.")
commands.defer("report", "branch_node.cli.report:report", "Reports over this branch's own store.")
