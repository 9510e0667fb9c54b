"""The last word on the terminal: one line a topology, the numbers that the report opens with.

Invariant: it reads ``summary.json``'s shape only; a figure that does not exist is a dash, never a zero.
"""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

DASH = "–"


def result_table(summary: Mapping[str, Any]) -> Table:
    """Capacity, latency at each load, and what each fault cost, for each topology."""
    topologies: Mapping[str, Any] = summary["topologies"]
    table = Table(title="Medians over trials", title_justify="left", show_lines=True)
    table.add_column("topology", no_wrap=True)
    table.add_column("capacity /s", justify="right")
    table.add_column("load: p50 / p99 ms")
    table.add_column("fault: noticed / recovered ms, harmed")
    table.add_column("fates")
    for name, top in topologies.items():
        level = top.get("client") or top  # a run has one level
        table.add_row(
            name,
            _figure(level["capacity_per_s"], 0),
            "\n".join(_latency(load, at) for load, at in level["latency_ms"].items()) or DASH,
            "\n".join(_recovery(fault, at) for fault, at in level["recovery"].items()) or DASH,
            "\n".join(f"{fate} {n}" for fate, n in level["fates"].items() if n) or DASH,
        )
    return table


def cells_table(summary: Mapping[str, Any]) -> Table | None:
    """Of a sweep: capacity and p99 at each load, a row for each cell; None where there is no sweep."""
    cells: Mapping[str, Any] = summary["cells"]
    if not cells:
        return None
    names = list(summary["topologies"])
    table = Table(title="Capacity /s, and p99 in ms at each load", title_justify="left", show_lines=True)
    table.add_column("cell", no_wrap=True)
    for name in names:
        table.add_column(name, justify="right")
    for cell, at in cells.items():
        table.add_row(cell, *(_in_cell(at["topologies"].get(name)) for name in names))
    return table


def _in_cell(topology: Mapping[str, Any] | None) -> str:
    if topology is None:
        return DASH
    tails = [f"{load}: {_figure(at['p99'], 1)}" for load, at in topology["latency_ms"].items()]
    return "\n".join([_figure(topology["capacity_per_s"], 0), *tails])


def _latency(load: str, at: Mapping[str, Any]) -> str:
    return f"{load}: {_figure(at['p50'], 1)} / {_figure(at['p99'], 1)}"


def _recovery(fault: str, at: Mapping[str, Any]) -> str:
    noticed, recovered, harmed = (_figure(at[key], 0) for key in ("detected_ms", "recovered_ms", "harmed"))
    return f"{fault}: {noticed} / {recovered}, {harmed}"


def _figure(estimate: Mapping[str, Any] | None, digits: int) -> str:
    return DASH if estimate is None else f"{estimate['median']:.{digits}f}"
