"""`filial-branch sell -` and `refund -`: JSON Lines in, JSON Lines out, each answered after it is durable."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import click

from branch_node.bootstrap import open_processor, open_store, settings_for
from branch_node.operations.refund_request import parse_refund_request
from branch_node.operations.refunding import RefundAnswer
from branch_node.operations.sale_request import KEY_CHARACTERS_MAX, LINE_BYTES_MAX, parse_object, parse_sale_request
from branch_node.operations.selling import SaleAnswer
from branch_node.sync_client.processor import Processor
from shared.cli.commands import Command, GlobalOptions
from shared.cli.program import EXIT_FAILED
from shared.domain.identifiers import is_encodable
from shared.errors import FilialError, InDoubt

_encode = json.JSONEncoder(ensure_ascii=False).encode


@click.command(cls=Command)
@click.argument("source", type=click.File("rb"))
@click.pass_obj
def sell(options: GlobalOptions, source: BinaryIO) -> int:
    """Sell what SOURCE asks for, one JSON object a line; `-` reads standard input.

    Each line is answered by one line, in order, once it is on disk – and, in centralized mode, once the head office has
    committed it. A refused line does not stop the next.
    """
    return answer_lines(options, source, lambda processor, document: processor.sell(parse_sale_request(document)))


@click.command(cls=Command)
@click.argument("source", type=click.File("rb"))
@click.pass_obj
def refund(options: GlobalOptions, source: BinaryIO) -> int:
    """Give back what SOURCE asks for, one JSON object a line; `-` reads standard input.

    A line names the receipt and its lines; each is answered like a line of `sell -`.
    """
    return answer_lines(options, source, lambda processor, document: processor.refund(parse_refund_request(document)))


Answer = Callable[[Processor, dict[str, Any]], SaleAnswer | RefundAnswer]


def answer_lines(options: GlobalOptions, source: BinaryIO, do: Answer) -> int:
    """Does each line of a stream and answers it; the exit code."""
    settings = settings_for(options.home)
    store = open_store(settings)
    processor = open_processor(settings, store)
    output = sys.stdout.buffer  # UTF-8 whatever the locale says
    refused = False
    try:
        for line in read_lines(source):
            answer = answer_line(processor, line, do, options.debug)
            refused = refused or answer["status"] != "committed"
            output.write(_encode(answer).encode() + b"\n")
            output.flush()
    finally:
        processor.close()
        store.close()
    return EXIT_FAILED if refused else 0


def read_lines(source: BinaryIO) -> Iterator[bytes]:
    """The lines of a stream, never more of one in memory than the limit and a little."""
    while line := source.readline(LINE_BYTES_MAX + 1):
        rest = line
        while len(rest) > LINE_BYTES_MAX and not rest.endswith(b"\n"):
            rest = source.readline(LINE_BYTES_MAX + 1)
        yield line.rstrip(b"\r\n") if len(line) <= LINE_BYTES_MAX else line


def answer_line(processor: Processor, line: bytes, do: Answer, debug: bool = False) -> dict[str, Any]:
    """Does one line. Whatever goes wrong with it becomes its answer."""
    key: Any = None
    try:
        document = parse_object(line)
        key = document.get("key")
        answer = do(processor, document)
    except InDoubt as error:
        return {"key": key, "status": "unconfirmed", "reason": f"{error.message} {error.hint}".strip()}
    except FilialError as error:
        return _refused(key, f"{error.message} {error.hint}".strip())
    except Exception as error:  # noqa: BLE001 - one bad line must never stop the next; its cause is in the answer
        if debug:
            traceback.print_exc()
        return _refused(key, f"Unexpected failure, nothing was done: {type(error).__name__}: {error}")
    return answer.as_json()


def _refused(key: Any, reason: str) -> dict[str, Any]:
    is_repeatable = isinstance(key, str) and len(key) <= KEY_CHARACTERS_MAX and is_encodable(key)
    return {"key": key if is_repeatable else None, "status": "refused", "reason": reason}
