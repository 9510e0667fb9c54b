"""From a played run to what people read: tables, numbers, charts, page, and the last lines on the terminal.

Invariant: everything here is derived from the run folder alone, so that ``report`` and ``run`` end alike.
"""

from pathlib import Path

import msgspec
from rich.console import Console

from bench.analysis.summary import summarize
from bench.errors import BadInput
from bench.raw import to_parquet
from bench.report.page import write_report
from bench.result_table import result_table
from bench.run_record import read


def conclude(folder: Path) -> int:
    """Derive it all and print it; returns the exit status."""
    try:
        record = read(folder)
    except (msgspec.DecodeError, ValueError) as error:
        raise BadInput(f"{folder / 'run.json'} is not the record of a run: {error}") from None
    if (folder / "raw").is_dir():
        for torn in to_parquet(folder).torn:
            Console(stderr=True).print(f"skipped: {torn}", markup=False, soft_wrap=True)
    summary = summarize(folder)
    write_report(folder)
    console = Console(highlight=False)
    console.print(result_table(summary))
    for why in summary["why_invalid"]:
        console.print(f"invalid: {why}", markup=False, soft_wrap=True)
    if not record.complete:
        console.print(f"incomplete: {record.interrupted}", markup=False, soft_wrap=True)
    console.print(f"report: {folder / 'report.html'}", markup=False, soft_wrap=True)
    return 0 if summary["valid"] else 1
