"""The tables of queueing theory: each load beside the replay of its own path."""

from collections.abc import Iterator, Mapping

from msgspec.structs import astuple

from bench.analysis.agreement import JUDGED_MS_MIN, LIMIT, Agreement
from bench.analysis.summary import (
    ClosedForm,
    Deviation,
    InCellSummary,
    Level,
    Model,
    PredictedFigure,
    Summary,
)
from bench.report.numbers import NONE, number
from bench.report.table import Row, Table

_SIGNS = {"agrees": "✓", "disagrees": "✗", "not judged": "–"}
"""Before the word, so that neither colour nor reading is needed."""


def theory_tables(summary: Summary) -> list[Table]:
    """Those of the section; in a sweep over all cells."""
    measured = list(_measured(summary))
    return [_replayed(measured), _closed_forms(measured)]


def _measured(summary: Summary) -> Iterator[tuple[str, Level | InCellSummary]]:
    """Each topology's figures, in each cell where there are cells, with what names them."""
    for name, topology in summary.topologies.items():
        yield name, topology.measured
    for cell, here in summary.cells.items():
        for name, in_cell in here.topologies.items():
            yield f"{cell}, {name}", in_cell


def _replayed(measured: list[tuple[str, Level | InCellSummary]]) -> Table:
    rows = [
        row
        for name, level in measured
        for load, models in level.queueing.items()
        for row in _models(f"{name}, {load}", models, level.agreement.get(load))
    ]
    return Table(
        "Recorded arrivals and occupancies, replayed through an ideal queue",
        (
            "",
            "model",
            "mean wait",
            "replayed",
            "off by",
            "p99 of response",
            "replayed",
            "off by",
            "verdict",
            "transactions",
        ),
        rows,
        "central-queue: all workers share one queue. round-robin: dealt in turn by one dispatcher. as-assigned: a"
        " queue at each worker, dealt as recorded. own: as the topology is meant to share out, with its dispatchers and"
        " credit; its wait is counted from where it is handed out. Medians over trials. The verdict is on own alone:"
        f" off by at most {LIMIT * 100:g} %; waits under {JUDGED_MS_MIN:g} ms, measured and replayed, are not judged.",
    )


def _models(where: str, models: Mapping[str, Model], agreed: Agreement | None) -> Iterator[Row]:
    for model, found in models.items():
        verdict = verdict_of(agreed) if agreed and agreed.model == model else ""
        figures = (*_beside(found.mean_wait, JUDGED_MS_MIN), *_beside(found.p99_response))
        yield (where, model, *figures, verdict, f"{found.n:,}")


def verdict_of(agreed: Agreement) -> str:
    """``✓ agrees``, ``✗ disagrees: mean wait``."""
    said = f"{_SIGNS[agreed.verdict]}\N{NO-BREAK SPACE}{agreed.verdict}"
    off = [name for name, _ in agreed.off]
    return f"{said}: {', '.join(off)}" if off else said


def _closed_forms(measured: list[tuple[str, Level | InCellSummary]]) -> Table:
    rows = [
        _closed_form(f"{name}, {load}", found)
        for name, level in measured
        for load, found in level.closed_form.items()
    ]
    return Table(
        "Closed forms, at the load and with the occupancy as measured",
        (
            "",
            "closed form",
            "load, occupancy",
            "mean wait",
            "predicted",
            "off by",
            "interval of the measured",
            "p99 of response",
            "predicted",
            "off by",
        ),
        rows,
        "What any path of that load does on average, so that luck of the draw is in how far it is off: only an"
        " interval tells. It is 95 %, Student's, from the means of batches far longer than the queue remembers; a step"
        " of a minute or more has one. p99 is the closed form's, and the mean of what was neither wait nor occupancy."
        " There is no closed form for several dispatchers, nor for a credit above 1.",
    )


def _closed_form(where: str, found: ClosedForm) -> Row:
    p99 = found.p99_response
    return (
        where,
        found.model,
        f"{number(found.load.median)}, {number(found.service_ms.median)} ms"
        if found.load and found.service_ms
        else NONE,
        *_beside(found.mean_wait, JUDGED_MS_MIN),
        _inside(found),
        *(_beside(p99) if p99 else (NONE, NONE, NONE)),
    )


def _inside(found: ClosedForm) -> str:
    if found.interval is None:
        return NONE
    said = "✓ predicted is inside" if found.inside else "✗ predicted is outside"
    return f"{number(found.interval.low)}–{number(found.interval.high)} ms, {said}"


def _beside(figure: Deviation | PredictedFigure, least_ms: float = 0.0) -> Row:
    """Medians alone: ten columns of intervals nobody reads; summary.json has them."""
    measured, ideal, off = (each.median if each else None for each in astuple(figure))
    judged = max(measured or 0.0, ideal or 0.0) >= least_ms
    return (
        NONE if measured is None else f"{number(measured)} ms",
        NONE if ideal is None else f"{number(ideal)} ms",
        off_by(off) if judged else NONE,
    )


TIMES_FROM = 10.0
"""From how far off it is told as a factor."""


def off_by(off: float | None) -> str:
    """A deviation, as per cent or, where it is many times as much, as a factor."""
    if off is None:
        return NONE
    return f"{off:+.1%}" if off < TIMES_FROM else f"× {number(off + 1)}"
