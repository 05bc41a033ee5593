"""Running a command line: exit codes, and errors as at most three lines on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from shared.cli.commands import GlobalOptions
from shared.errors import FilialError

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


def run_program(group: click.Group, arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code: 0 done, 1 refused or failed, 2 wrong usage."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its own log would stand between our three lines
    # gRPC has no option for the TLS version. Its list of TLS 1.2 suites has only one that our ECDSA keys cannot serve,
    # so that TLS 1.3, whose suites are not affected, is what remains (docs/decisions/0013).
    os.environ.setdefault("GRPC_SSL_CIPHER_SUITES", "ECDHE-RSA-AES128-GCM-SHA256")
    options = GlobalOptions()
    try:
        result = group.main(args=arguments, obj=options, standalone_mode=False)
    except click.exceptions.Exit as exit_request:
        return int(exit_request.exit_code)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except FilialError as error:
        if options.debug:
            raise
        say_error(error)
        return EXIT_FAILED
    except BrokenPipeError:
        # Whoever read our output has gone; nothing is left to say, not even at interpreter exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except (KeyboardInterrupt, click.Abort):
        return EXIT_INTERRUPTED
    except Exception as error:
        if options.debug:
            raise
        say_error(
            FilialError(
                f"Unexpected failure: {type(error).__name__}: {' '.join(str(error).split())[:200]}",
                "Nothing was half done. Run the command again with --debug and send us what it prints.",
            )
        )
        return EXIT_FAILED
    return result if isinstance(result, int) else 0


def say_error(error: FilialError) -> None:
    """Reason and hint, one line each."""
    click.echo(f"Error: {' '.join(error.message.split())}", err=True)
    if error.hint:
        click.echo(f"Hint: {' '.join(error.hint.split())}", err=True)
