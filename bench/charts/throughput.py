"""Throughput against concurrency: what a topology carries when so many users never let it rest."""

from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

from bench.analysis.findings import Findings
from bench.analysis.throughput import Rung
from bench.charts.labels import End, empty, label_ends
from bench.charts.picture import Picture, interval, whiskers
from bench.charts.style import QUIET, Style, styles
from bench.phases import ClosedLoop
from bench.scenario import Scenario


class Line(NamedTuple):
    """One topology's."""

    name: str
    style: Style
    ladder: list[Rung]


class Data(NamedTuple):
    """The whole chart."""

    lines: list[Line]
    bound_per_s: float | None
    """What the workers' service times alone allow; None where that is not known."""


def pictures(findings: Findings) -> list[Picture]:
    """One, where there was a closed loop."""
    names = [topology.name for topology in findings.topologies]
    style = styles(names)
    lines = [
        Line(topology.name, style[topology.name], topology.ladder)
        for topology in findings.topologies
        if topology.ladder
    ]
    if not lines:
        return []
    scenario = findings.record.scenario
    data = Data(lines, bound_per_s(scenario))
    n = max(rung.completed_per_s.n for line in lines for rung in line.ladder)
    duration_s = min(phase.duration_s for phase in scenario.phases if isinstance(phase, ClosedLoop))
    return [
        Picture(
            "throughput",
            "How many transactions a second, with how many users asking at once?",
            f"Transactions completed per second while so many users each ask again as soon as they are answered (closed"
            f" loop, {duration_s:g} s each). Points: {interval(n)}.",
            data,
            draw,
        )
    ]


def bound_per_s(scenario: Scenario) -> float | None:
    """Workers over mean service time, where the service's time is its own choice: asleep."""
    service = scenario.service
    if service.name != "sleep" or not service.mean_ms:
        return None
    return scenario.deployment.workers / (service.mean_ms / 1e3)


def draw(data: Data, axes: Axes) -> None:
    """``axes``: one. Users on a logarithmic scale, throughput from 0."""
    users = sorted({rung.concurrency for line in data.lines for rung in line.ladder})
    axes.set_xlabel("users asking at once (logarithmic)")
    axes.set_ylabel("completed transactions/s")
    if not users:
        empty(axes, "no closed loop was played")
        return
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(users))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(users, [f"{count:,}" for count in users])
    axes.set_xlim(users[0] / 1.2, users[-1] * 1.2)
    for line in data.lines:
        _draw_line(axes, line)
    if data.bound_per_s is not None:
        _draw_bound(axes, data.bound_per_s)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    label_ends(axes, [_end(line) for line in data.lines])


def _draw_line(axes: Axes, line: Line) -> None:
    x = [rung.concurrency for rung in line.ladder]
    estimates = [rung.completed_per_s for rung in line.ladder]
    color, marker, dashes = line.style
    axes.plot(x, [each.median for each in estimates], color=color, marker=marker, linestyle=dashes)
    whiskers(axes, x, estimates, color)


def _draw_bound(axes: Axes, bound_per_s: float) -> None:
    axes.axhline(bound_per_s, color=QUIET, linewidth=1, linestyle=(0, (2, 2)))
    axes.annotate(
        f"all workers always busy: {bound_per_s:,.0f}/s",
        (0, bound_per_s),
        xycoords=("axes fraction", "data"),
        xytext=(6, 4),
        textcoords="offset points",
        color=QUIET,
        fontsize=9,
    )


def _end(line: Line) -> End:
    last = line.ladder[-1]
    return End(last.concurrency, last.completed_per_s.median, line.name, line.style.color)
