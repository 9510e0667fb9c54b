"""``brokerbench compare``: two runs beside each other, for people and for CI."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.commands.examples import examples
from bench.errors import BadInput
from bench.results import check_run

if TYPE_CHECKING:
    from bench.comparison.figures import Figures

EXAMPLES = examples(
    "brokerbench compare results/before results/after",
    "brokerbench compare results/before results/after --fail-on 'p99>10%' --junit compare.xml --markdown -",
)

PRINTED = "-"
"""The name of a file that is the standard output."""


@click.command(epilog=EXAMPLES)
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option(
    "--fail-on",
    "limits",
    multiple=True,
    metavar="THRESHOLD",
    help="End with status 1 where the data show that B is beyond: METRIC[@AT][:TOPOLOGY]>NUMBER[%]; may be repeated.",
)
@click.option(
    "--junit", "junit_file", type=click.Path(path_type=Path), metavar="FILE", help="JUnit XML, too."
)
@click.option("--markdown", "markdown_file", metavar="FILE", help="Markdown, too; - prints it instead.")
@click.option("--json", "json_file", metavar="FILE", help="JSON, too; - prints it instead.")
def compare(
    a: Path,
    b: Path,
    limits: tuple[str, ...],
    junit_file: Path | None,
    markdown_file: str | None,
    json_file: str | None,
) -> int:
    """Tell what differs between the runs in folders A and B: in conditions, then in numbers."""
    from bench.comparison.as_json import as_json
    from bench.comparison.comparison import compare as compared
    from bench.comparison.junit import junit
    from bench.comparison.markdown import markdown
    from bench.comparison.terminal import tell
    from bench.comparison.threshold import threshold

    if markdown_file == json_file == PRINTED:
        raise BadInput("--markdown and --json must not both be printed, got - for both")
    thresholds = [threshold(limit) for limit in limits]
    check_run("A", a)
    check_run("B", b)
    found = compared((str(a), str(b)), _figures("A", a), _figures("B", b), thresholds)
    if PRINTED not in (markdown_file, json_file):
        tell(found)
    if markdown_file:
        _write("--markdown", markdown_file, markdown(found).encode())
    if json_file:
        _write("--json", json_file, as_json(found))
    if junit_file:
        _write("--junit", str(junit_file), junit(found))
    return found.status


def _figures(which: str, folder: Path) -> "Figures":
    from bench.comparison.figures import figures

    try:
        return figures(folder)
    except (OSError, ValueError) as error:
        raise BadInput(f"{which} must be the folder of a run, got {str(folder)!r}: {error}") from None


def _write(option: str, file: str, content: bytes) -> None:
    if file == PRINTED:
        click.echo(content, nl=False)
        return
    try:
        Path(file).write_bytes(content)
    except OSError as error:
        raise BadInput(
            f"{option} must be a file that can be written, got {file!r}: {error.strerror}"
        ) from None
