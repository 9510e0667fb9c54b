"""Recovery taken apart: what happened when after a fault, stage by stage, topology by topology."""

from typing import Any, NamedTuple

import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from bench.analysis.findings import Findings
from bench.analysis.recovery_summary import recovery_summary
from bench.analysis.summary import RecoverySummary
from bench.charts.picture import Grid, Picture, interval, panels_of
from bench.charts.style import INK, QUIET, Style, styles
from bench.charts.words import done_to, file_name
from bench.statistics import Estimate

LINEAR_MS = 1.0
"""Below this the axis is linear, down to 0: where what was not disturbed stands."""
STAGE_IN = 0.25
UNDISTURBED = ("backlog drained", "goodput back", "goodput back, since then")
"""Stages that are over before they begin where the fault left no mark."""


class Stage(NamedTuple):
    """One line of a strip."""

    name: str
    at: Estimate | None
    """In ms after the fault."""
    floor_ms: float | None
    without: str
    """What is said where there is no figure."""


class Strip(NamedTuple):
    """One topology."""

    name: str
    style: Style
    stages: list[Stage]


Data = list[Strip]


def pictures(findings: Findings) -> list[Picture]:
    """One for each fault."""
    style = styles([topology.name for topology in findings.topologies])
    every = [(topology, fault) for topology in findings.topologies for fault in topology.faults]
    found = []
    for key in dict.fromkeys(fault.key for _, fault in every):
        hit = [(topology.name, recovery_summary(fault)) for topology, fault in every if fault.key == key]
        strips = _without_empty_lines([Strip(name, style[name], _stages(figures)) for name, figures in hit])
        trials = max(len(fault.trials) for _, fault in every if fault.key == key)
        found.append(_picture(key, strips, hit[0][1], max(figures.n for _, figures in hit), trials))
    return found


def _stages(figures: RecoverySummary) -> list[Stage]:
    floor = figures.floor_ms
    unknown = "not known" if figures.unjudged else "did not happen"
    never = "not before the end" if figures.not_recovered else unknown
    later = "not before the end" if figures.not_back_after_healing else unknown
    return [
        Stage("noticed", figures.detected_ms, floor.detected, "by nobody"),
        Stage("first failure", figures.first_failure_ms, None, "no failure"),
        Stage("first success", figures.first_success_ms, floor.first_success, "not before the end"),
        Stage("last failure", figures.last_failure_ms, None, "no failure"),
        Stage("backlog drained", figures.drained_ms, None, never),
        Stage("goodput back", figures.recovered_ms, floor.recovered, never),
        Stage("part back", figures.returned_ms, None, ""),
        Stage("fault taken back", figures.lasted_ms, None, ""),
        Stage("goodput back, since then", figures.after_healing_ms, None, later if figures.lasted_ms else ""),
    ]


def _without_empty_lines(strips: list[Strip]) -> list[Strip]:
    """Stages that nowhere have a figure nor a word are left out of all, so that strips have the same lines."""
    used = [
        any(strip.stages[place].at or strip.stages[place].without for strip in strips)
        for place in range(len(strips[0].stages))
    ]
    return [
        strip._replace(stages=[stage for stage, use in zip(strip.stages, used, strict=True) if use])
        for strip in strips
    ]


def _picture(key: str, strips: Data, first: RecoverySummary, faults: int, trials: int) -> Picture:
    lines = sum(len(strip.stages) for strip in strips)
    return Picture(
        file_name("stages", key),
        f"Where does the time go when {done_to(first.label)}?",
        f"Load {first.load}, {f'{faults} faults' if faults > 1 else 'one fault'}: {interval(trials)}, of each trial the"
        " median of its faults. Time after the fault, logarithmic above 1 ms. Upright tick: the floor that the settings"
        " imply. Goodput back: in its usual band for a second; backlog drained: no more under way than usual, for a"
        " second; 0 is undisturbed. Since then: counted from when the fault was taken back.",
        strips,
        draw,
        Grid(
            rows=len(strips),
            height_in=1.0 + STAGE_IN * lines + 0.35 * len(strips),
            share_x=True,
            heights=tuple(float(len(strip.stages)) for strip in strips),
        ),
    )


def draw(data: Data, axes: npt.NDArray[Any] | Axes) -> None:
    """``axes``: one for each topology, all with the same time."""
    panels = panels_of(axes)
    last_ms = _last_ms(data)
    for panel, strip in zip(panels, data, strict=True):
        panel.set_title(strip.name, color=strip.style.color, fontweight="bold")
        _scale(panel, last_ms)
        for place, stage in enumerate(strip.stages):
            _draw_stage(panel, place, stage, strip.style)
        panel.set_yticks(range(len(strip.stages)), [stage.name for stage in strip.stages])
        panel.set_ylim(len(strip.stages) - 0.4, -0.6)
        panel.grid(False, axis="y")
    panels[-1].set_xlabel("ms after the fault (log. above 1 ms); upright tick: floor")


def _last_ms(data: Data) -> float:
    known = [stage.at.high for strip in data for stage in strip.stages if stage.at]
    floors = [stage.floor_ms or 0.0 for strip in data for stage in strip.stages]
    return max([10 * LINEAR_MS, *known, *floors])


def _scale(axes: Axes, last_ms: float) -> None:
    axes.set_xscale("symlog", linthresh=LINEAR_MS, linscale=0.3)
    axes.set_xlim(0, last_ms * 4)  # room for the numbers beside the marks
    decades = [10.0**power for power in range(7) if 10.0**power <= last_ms * 4]
    axes.xaxis.set_major_locator(FixedLocator([0, *decades]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda ms, _: f"{ms:,.0f}"))


def _draw_stage(axes: Axes, place: int, stage: Stage, style: Style) -> None:
    if stage.floor_ms is not None:
        ends = [place - 0.38, place + 0.38]
        axes.plot([stage.floor_ms] * 2, ends, color=INK, linewidth=1.1, zorder=4, clip_on=False)
    if stage.at is None:
        _write(axes, 0.0, place, stage.without, italic=True)
        return
    middle, low, high = stage.at.median, stage.at.low, stage.at.high
    axes.plot([0, middle], [place, place], color=style.color, linewidth=0.8, alpha=0.5)
    if stage.at.n > 1:
        axes.errorbar(
            middle, place, xerr=[[middle - low], [high - middle]], color=style.color, capsize=3, elinewidth=1,
            fmt="none",
        )  # fmt: skip
    axes.plot(middle, place, style.marker, color=style.color, markersize=5.5, zorder=5, clip_on=False)
    _write(axes, high, place, _time(middle) if high or stage.name not in UNDISTURBED else "undisturbed")


def _write(axes: Axes, ms: float, place: int, text: str, *, italic: bool = False) -> None:
    axes.annotate(
        text, (ms, place), xytext=(8, 0), textcoords="offset points", va="center", fontsize=8.5, zorder=6,
        color=QUIET if italic else INK, style="italic" if italic else "normal",
        bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.5},
    )  # fmt: skip


def _time(ms: float) -> str:
    if ms >= 1000:
        return f"{ms / 1e3:.2f} s"
    return f"{ms:.0f} ms" if ms >= 10 or ms == int(ms) else f"{ms:.1f} ms"
