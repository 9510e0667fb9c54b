"""From a played run to what people read: tables, numbers, charts, page, and the last lines on the terminal.

Invariant: everything here is derived from the run folder alone, so that ``report`` and ``run`` end alike.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from rich.console import Console

from bench.analysis.crossover import Verdict, sentence
from bench.analysis.findings import analyse
from bench.analysis.summary import write_summary
from bench.analysis.summing import summary_of
from bench.phases import Soak
from bench.raw import to_parquet
from bench.report.page import FILE, write_report
from bench.report.provenance import command
from bench.result_table import cells_table, result_table
from bench.run_record import RunRecord, given

WIDTH = 120
"""Of the table where no terminal says how wide it is."""


class Outcome(NamedTuple):
    """A run, concluded."""

    folder: Path
    record: RunRecord
    summary: Mapping[str, Any]
    skipped: tuple[str, ...]
    """What could not be read to its end."""
    report: bool
    """Whether it was drawn."""

    @property
    def status(self) -> int:
        """The exit status: 0 where every trial is valid."""
        return 0 if self.summary["valid"] else 1


def conclude(folder: Path, *, report: bool = True) -> Outcome:
    """Derive it all, or without ``report`` all but charts and page.

    Raises:
        BadInput: the folder is not that of a run.
    """
    record = given(folder)
    torn = to_parquet(folder).torn if (folder / "raw").is_dir() else ()
    summary = write_report(folder) if report else write_summary(summary_of(analyse(folder)), folder)
    return Outcome(folder, record, summary, torn, report)


def tell(outcome: Outcome) -> None:
    """Print it: what is doubtful, the table, where the report is."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    console.print(result_table(outcome.summary))
    if cells := cells_table(outcome.summary):
        console.print(cells)
    lines = [sentence(msgspec.convert(outcome.summary["crossover"], list[Verdict]))]
    lines = [line for line in lines if line]
    lines += [_ratio(pair, ratio) for pair, ratio in outcome.summary["ratios"].items()]
    lines += [
        _bank(name, topology["audit"])
        for name, measured in outcome.summary["topologies"].items()
        if (topology := measured["client"] or measured)["audit"]
    ]
    lines += [f"skipped: {what}" for what in outcome.skipped]
    lines += [f"invalid: {why}" for why in outcome.summary["why_invalid"]]
    if outcome.summary["why_invalid"] and any(
        isinstance(phase, Soak) for phase in outcome.record.scenario.phases
    ):
        lines.append(
            f"the same faults again (seed {outcome.record.scenario.seed}): {command(outcome.record)}"
        )
    if not outcome.record.complete:
        lines.append(f"incomplete: {outcome.record.interrupted or 'it ended without a word'}")
    folder = outcome.folder
    lines.append(
        f"report: {folder / FILE}"
        if outcome.report
        else f"no report yet: brokerbench report {folder} makes it"
    )
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


def _bank(name: str, audit: Mapping[str, int]) -> str:
    return (
        f"{name}: {audit['applied']} transfers applied, {audit['refused']} refused for want of funds;"
        f" unknown: {audit['unknown_applied']} applied, {audit['unknown_not_applied']} not;"
        f" money before and after: {audit['total_before']}, {audit['total_after']}"
    )


def _ratio(pair: str, ratio: Mapping[str, Any]) -> str:
    return f"{pair}: {ratio['median']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f}, n = {ratio['n']})"
