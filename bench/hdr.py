"""Latencies of a run as HDR histograms, for tools that read those: percentile files to plot, and a histogram log.

Invariant: what is exported is what the report's percentiles are made from: transactions that were due after the
warm-up, from the scheduled instant, retries with their first try. One without an answer is never left out: it stands at
the histogram's top, so that a percentile that falls among them is seen to be none.
"""

from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench import parquet, run_record
from bench.analysis.latency import latencies_ms
from bench.analysis.recording import FloatArray, Step, steps
from bench.errors import BadInput
from bench.run_record import Clock

NO_ANSWER_US = 7_200_000_000
"""Two hours, twice the longest time to live: where a transaction without an answer is put."""
DIGITS = 3
"""Significant ones: a value is off by 0.1 % at most."""
LOG = "latency.hlog"
VERSION_LINE = "#[Histogram log format version 1.3]\n"
LEGEND = '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"\n'


class Exported(NamedTuple):
    """One step's histogram."""

    name: str
    """``latency-freelance-1-0.5``: the file's name, and the tag in the log."""
    transactions: int
    unanswered: int


def export(results: Path, into: Path) -> list[Exported]:
    """Write a file NAME.hgrm (values in ms) for each step of a run, and one log of all of them (values in µs).

    Raises:
        BadInput: it is not a run, the library is not installed, or a file cannot be written.
    """
    try:
        into.mkdir(parents=True, exist_ok=True)
        return _export(results, into)
    except OSError as error:
        raise BadInput(
            f"--hdr must be a folder that can be written to, got {str(into)!r}: {error.strerror}"
        ) from None


def _export(results: Path, into: Path) -> list[Exported]:
    record = run_record.given(results)
    with parquet.open_run(results) as database:
        played = [step for step in steps(database, record) if step.measured.fate.size]
    return _write(played, record.clock, into)


def _write(played: list[Step], clock: Clock, into: Path) -> list[Exported]:
    exported = []
    with (into / LOG).open("w") as log:
        log.write(VERSION_LINE + LEGEND)
        for step in played:
            sorted_ms = latencies_ms(step.measured)
            histogram, name = histogram_of(sorted_ms), name_of(step)
            (into / f"{name}.hgrm").write_bytes(percentiles_of(histogram))
            log.write(_line(name, step, clock, histogram))
            exported.append(Exported(name, sorted_ms.size, int(np.isinf(sorted_ms).sum())))
    return exported


def histogram_of(sorted_ms: FloatArray) -> Any:
    """The HdrHistogram, in µs, of latencies in ms, infinite where there was no answer."""
    histogram = _library().HdrHistogram(1, NO_ANSWER_US, DIGITS)
    rounded_us = np.rint(np.minimum(sorted_ms * 1e3, NO_ANSWER_US)).astype(np.int64)
    for value, count in zip(*np.unique(rounded_us, return_counts=True), strict=True):
        histogram.record_value(int(value), int(count))
    return histogram


def percentiles_of(histogram: Any) -> bytes:
    """A percentile file as HdrHistogram's plotter takes it, in ms."""
    file = BytesIO()
    histogram.output_percentile_distribution(file, 1e3)
    return file.getvalue()


def name_of(step: Step) -> str:
    """Neither a slash, for it names a file, nor a comma or a space, for it is a tag."""
    return f"{step.episode.name}-{step.played.name}".replace("/s", "-per-s")


def _line(name: str, step: Step, clock: Clock, histogram: Any) -> str:
    """One interval of the log: the measured part of the step, by the time of day."""
    begin_s = (step.played.warm_ns - clock.monotonic_ns + clock.utc_ns) / 1e9
    highest_ms = histogram.get_max_value() / 1e3
    return f"Tag={name},{begin_s:.3f},{step.measured_s:.3f},{highest_ms:.3f},{histogram.encode().decode()}\n"


def _library() -> Any:
    try:
        from hdrh import histogram
    except ImportError:
        raise BadInput(
            "HDR histograms need the package hdrhistogram: pip install 'brokerbench[hdr]'"
        ) from None
    return histogram
