"""``brokerbench export``: what a run left, in formats that other tools read."""

from pathlib import Path

import click

from bench.commands.examples import examples
from bench.results import check_run


@click.command(epilog=examples("brokerbench export results/latest --hdr results/latest/hdr"))
@click.argument("results", type=click.Path(path_type=Path))
@click.option(
    "--hdr",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where HDR histograms of latency go: NAME.hgrm for each step, and latency.hlog.",
)
def export(results: Path, hdr: Path) -> int:
    """Write latencies of the folder RESULTS as HDR histograms. The tables need no export: they are Parquet files."""
    check_run("RESULTS", results)
    from bench.hdr import export

    exported = export(results, hdr)
    unanswered = sum(each.unanswered for each in exported)
    click.echo(
        f"{len(exported)} histograms of {sum(each.transactions for each in exported)} transactions in {hdr}"
        + (f"; {unanswered} had no answer and stand at two hours" if unanswered else "")
    )
    return 0
