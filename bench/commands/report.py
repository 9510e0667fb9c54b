"""``brokerbench report``: numbers, charts and page again, from what a run left."""

from pathlib import Path

import click

from bench.commands.examples import examples
from bench.errors import BadInput
from bench.results import check_run


@click.command(epilog=examples("brokerbench report results/latest"))
@click.argument("results", type=click.Path(path_type=Path))
def report(results: Path) -> int:
    """Make summary.json, the charts and report.html of the folder RESULTS again. Reads what is whole."""
    check_run("RESULTS", results)
    from bench.outcome import conclude, tell

    try:
        outcome = conclude(results)
    except OSError as error:
        raise BadInput(
            f"RESULTS must be a folder that can be read and written, got {str(results)!r}: {error}"
        ) from error
    tell(outcome)
    return outcome.status
