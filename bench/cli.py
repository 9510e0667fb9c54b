"""``brokerbench``: the commands, and the one place where whatever went wrong becomes a line and an exit status.

Invariant: no traceback reaches a user who did not ask for one. Exit status: 0 what was done is valid, 1 a trial is
invalid or a part cannot be started, 2 bad input, 130 Ctrl-C.
"""

import errno
import importlib
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from bench.commands.examples import examples
from bench.errors import BadInput, BenchError

COMMANDS = {
    "run": "Play a scenario on real processes and draw what came out",
    "report": "Charts and report.html again, from the data of a run",
    "export": "Latencies of a run as HDR histograms, for other tools",
    "compare": "What differs between two runs, in conditions and in numbers",
    "list": "Topologies, scenarios, faults and services by name",
    "serve": "Start a deployment and keep it running",
    "part": "One part in the foreground, for a supervisor of your own",
}
"""Each is ``bench.commands.<name>``, imported when it is called: a worker in the foreground needs no numpy."""

INTERRUPTED = 130
BUG = FULL = 1
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


class Commands(click.Group):
    """Finds the commands above, and suggests one for a misspelt name."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(f"bench.commands.{name}"), name)
        return command

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = arguments[0]
        if name not in COMMANDS:
            near = get_close_matches(name, COMMANDS, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise BadInput(f"unknown command {name!r}: {hint}expected one of {', '.join(COMMANDS)}")
        return super().resolve_command(context, arguments)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _version() -> str:
    try:
        return version("brokerbench")
    except PackageNotFoundError:  # run from a checkout
        return "0 (not installed)"


@click.command(
    cls=Commands,
    no_args_is_help=True,
    epilog=examples("brokerbench run quick"),
    context_settings={"max_content_width": 100},
)
@click.version_option(_version(), prog_name="brokerbench")
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of a bug.")
def brokerbench() -> None:
    """What the broker in the middle costs, and what it buys: message topologies swapped, loaded, broken, compared."""


def main() -> None:
    """The console script."""
    # Also where it was started ignoring it, as a shell's background job is: Ctrl-C is how one stops what serves.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Do what the arguments say; returns the exit status."""
    try:
        status: int | None = brokerbench.main(list(arguments), prog_name="brokerbench", standalone_mode=False)
        return status or 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return BadInput.exit_status
    except click.ClickException as error:
        return _complain(error.format_message(), BadInput.exit_status)
    except BenchError as error:
        return _complain(str(error), error.exit_status)
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:  # who read our output has seen enough
        sys.stderr.close()
        return BUG
    except OSError as error:
        if error.errno not in NO_SPACE:
            return _bug(error, "--debug" in arguments)
        where = f" for {error.filename}" if error.filename else ""
        return _complain(f"no space is left on the disk{where}; what was written before is whole", FULL)
    except Exception as error:
        return _bug(error, "--debug" in arguments)


def _complain(message: str, status: int) -> int:
    click.echo(f"brokerbench: {' '.join(message.split())}", err=True)
    return status


def _bug(error: Exception, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
        return BUG
    log = Path(tempfile.gettempdir()) / f"brokerbench-bug-{time.time_ns()}.log"
    details = f"{log}, or --debug"
    try:
        log.write_text("".join(traceback.format_exception(error)))
    except OSError:  # it may be what the bug came from
        details = "--debug"
    return _complain(f"a bug of ours, {type(error).__name__}: {error} (details: {details})", BUG)


if __name__ == "__main__":
    main()
