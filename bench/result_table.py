"""The last word on the terminal: one line a topology, the numbers that the report opens with.

Invariant: it reads ``summary.json``'s shape only; a figure that does not exist is a dash, never a zero.
"""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

DASH = "–"
LOAD_MAX = 0.8
"""As busy as a sane service gets: the tail that is told of each cell."""


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
    """Of a sweep: capacity, and the tail at the busiest sane load, a row for each cell; None without a sweep."""
    cells: Mapping[str, Any] = summary["cells"]
    if not cells:
        return None
    names = list(summary["topologies"])
    load = _headline(cells)
    what = f"Capacity /s, and p99 ms at {load}" if load else "Capacity /s"
    table = Table(title=what, title_justify="left")
    table.add_column("cell", no_wrap=True)
    for name in names:
        table.add_column(name, justify="right")
    for cell, at in cells.items():
        table.add_row(cell, *(_in_cell(at["topologies"].get(name), load) for name in names))
    return table


def _headline(cells: Mapping[str, Any]) -> str:
    """The highest load up to ``LOAD_MAX``, else the first of all; a rate is none. Empty where there is none."""
    tops = [topology for cell in cells.values() for topology in cell["topologies"].values()]
    loads = list(dict.fromkeys(load for top in tops for load in top["latency_ms"]))
    fractions = [load for load in loads if load.replace(".", "", 1).isdigit() and float(load) <= LOAD_MAX]
    return max(fractions, key=float) if fractions else loads[0] if loads else ""


def _in_cell(topology: Mapping[str, Any] | None, load: str) -> str:
    if topology is None:
        return DASH
    at = topology["latency_ms"].get(load)
    carried = _figure(topology["capacity_per_s"], 0)
    return f"{carried}; {_figure(at['p99'], 1)}" if at else carried


def _latency(load: str, at: Mapping[str, Any]) -> str:
    return f"{load}: {_figure(at['p50'], 1)} / {_figure(at['p99'], 1)}"


def _recovery(fault: str, at: Mapping[str, Any]) -> str:
    noticed, recovered, harmed = (_figure(at[key], 0) for key in ("detected_ms", "recovered_ms", "harmed"))
    return f"{fault}: {noticed} / {recovered}, {harmed}"


def _figure(estimate: Mapping[str, Any] | None, digits: int) -> str:
    return DASH if estimate is None else f"{estimate['median']:.{digits}f}"
