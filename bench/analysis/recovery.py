"""What a fault cost, and how long the system took to be itself again. All definitions are here.

The *span* of a fault is from its instant (just before it was applied) to the next fault of the step, or to
the end of the step. The *baseline* is the measured part of the step before its first fault; without a
second of it nothing that is held against it is known. Times are in milliseconds after the fault; None is
*did not happen*.

* **detected**: the first Note in the span, by another part than the one hit, that a peer is lost or that
  what it held is to be sent again, and that names the part hit or no part at all.
* **harmed**: transactions due before the end of the span and under way or due after the fault, that did not
  end with an answer, by fate. (``failed`` is an answer: the service's own no.)
* **first and last failure**: when the first and the last of the harmed were told.
* **first success**: when the first transaction that was due after the fault was completed. What was under
  way may be lucky; this one met the system as the fault had left it.
* **delayed**: completed, but later than anything in the baseline was.
* **recovered**: from when on goodput is back in the band, for a second. The band is the baseline's 1st to
  99th percentile, so the baseline itself is in it 98 % of the time and seldom for a whole second without a
  break. *In the band for a second* therefore asks of that second what the band promises of the baseline: 98
  % of it. 0 where the fault left no mark on goodput. Above the band is not in the band: who works off a
  backlog has not recovered. None is *not before the span was over*.
* **goodput lost**: transactions that should have come back by then and had not: the area between the
  baseline's mean goodput and the measured one where that is below, from the fault until recovered, or to
  the end of the span. What was late is in it as well as what never came.

Goodput looks back over 100 ms (``bench.analysis.goodput``), so *recovered* comes that much later than the
last transaction that suffered, and never before.
"""

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bench.analysis.goodput import WINDOW_NS, goodput, within
from bench.analysis.recording import CODES, NS_PER_MS, NS_PER_S, Step, Transactions
from bench.ledger import FATES, EpisodeKey, Fates
from bench.parquet import Database
from bench.run_record import Injected

GRID_NS = NS_PER_MS
"""How finely goodput is looked at."""
BASELINE_NS_MIN = NS_PER_S
BAND = (0.01, 0.99)
BACK_NS = NS_PER_S
"""How long goodput must be back in the band."""
BACK_SHARE = BAND[1] - BAND[0]
"""How much of that time: as much as of the baseline."""

DETECTIONS = ("peer-lost", "failover")
"""Kinds of notes by which a part says that it has noticed."""


class Mark(NamedTuple):
    """A note of a part."""

    t_ns: int
    part: str
    kind: str
    subject: str


class Recovery(NamedTuple):
    """One fault in one trial. See the module for what each figure means."""

    label: str
    """``kill-worker``."""
    detected_ms: float | None
    detected_by: str
    first_failure_ms: float | None
    last_failure_ms: float | None
    first_success_ms: float | None
    recovered_ms: float | None
    harmed: Fates
    delayed: int | None
    goodput_lost: float | None
    judged: bool
    """Whether there was a baseline to judge recovery by."""


class _Baseline(NamedTuple):
    mean: float
    low: float
    high: float
    slowest_ns: int


_NOTES = """
SELECT phase, topology, trial, t_ns, part, kind, subject FROM marks
WHERE list_contains(?, kind) ORDER BY t_ns
"""


def notes(database: Database) -> dict[EpisodeKey, list[Mark]]:
    """The notes that tell of a detection, by episode, in the order of time."""
    found: dict[EpisodeKey, list[Mark]] = {}
    for phase, topology, trial, *mark in database.execute(_NOTES, [list(DETECTIONS)]).fetchall():
        found.setdefault(EpisodeKey(phase, topology, trial), []).append(Mark(*mark))
    return found


def recoveries(step: Step, marks: Sequence[Mark], parts: Sequence[str]) -> list[Recovery]:
    """One for each fault of the step. ``parts`` are the names of all parts of the topology."""
    faults = step.faults
    baseline = _baseline(step, faults[0].t_ns) if faults else None
    return [
        _recovery(step, fault, end_ns, baseline, _detection(fault, end_ns, marks, parts))
        for fault, end_ns in zip(faults, step.fault_ends_ns, strict=True)
    ]


def _recovery(
    step: Step, fault: Injected, end_ns: int, baseline: _Baseline | None, detection: Mark | None
) -> Recovery:
    rows = step.transactions
    spanned = rows.where((rows.scheduled_ns < end_ns) & (rows.done_ns >= fault.t_ns))
    unanswered = np.isin(spanned.fate, _HARM)
    failures = spanned.done_ns[unanswered]
    successes = spanned.done_ns[spanned.completed & (spanned.scheduled_ns >= fault.t_ns)]
    recovered_ns, lost = _back_in_band(rows, fault.t_ns, end_ns, baseline) if baseline else (None, None)
    return Recovery(
        label=fault.label,
        detected_ms=_ms_after(fault, detection.t_ns if detection else None),
        detected_by=detection.part if detection else "",
        first_failure_ms=_ms_after(fault, failures.min() if failures.size else None),
        last_failure_ms=_ms_after(fault, failures.max() if failures.size else None),
        first_success_ms=_ms_after(fault, successes.min() if successes.size else None),
        recovered_ms=_ms_after(fault, recovered_ns),
        harmed=_count(spanned.fate[unanswered]),
        delayed=_delayed(spanned, baseline) if baseline else None,
        goodput_lost=lost,
        judged=baseline is not None,
    )


_HARM = [CODES[fate] for fate in ("rejected", "unknown", "refused", "broken")]


def _detection(fault: Injected, end_ns: int, marks: Sequence[Mark], parts: Sequence[str]) -> Mark | None:
    for mark in marks:
        if fault.t_ns <= mark.t_ns < end_ns and mark.part != fault.part:
            named = [part for part in parts if re.search(rf"\b{re.escape(part)}\b", mark.subject)]
            if not named or fault.part in named:
                return mark
    return None


def _baseline(step: Step, until_ns: int) -> _Baseline | None:
    begin_ns = step.played.warm_ns + WINDOW_NS
    if until_ns - begin_ns < BASELINE_NS_MIN:
        return None
    seen = goodput(step.transactions, np.arange(begin_ns, until_ns, GRID_NS))
    seen = seen[~np.isnan(seen)]
    if not seen.size:
        return None
    low, high = np.quantile(seen, BAND, method="inverted_cdf")
    rows = step.transactions
    before = rows.where(
        (rows.scheduled_ns >= step.played.warm_ns) & (rows.done_ns < until_ns) & rows.completed
    )
    slowest_ns = int((before.done_ns - before.scheduled_ns).max(initial=0))
    return _Baseline(float(seen.mean()), float(low), float(high), slowest_ns)


def _back_in_band(
    rows: Transactions, fault_ns: int, end_ns: int, baseline: _Baseline
) -> tuple[int | None, float | None]:
    """When goodput was back in the band for a second, and what was lost until then."""
    at_ns = np.arange(fault_ns, end_ns, GRID_NS)
    seen = goodput(rows, at_ns)
    out = (seen < baseline.low) | (
        seen > baseline.high
    )  # a window without arrivals (nan) speaks against nothing
    index = _back(out)
    due = within(rows.scheduled_ns, at_ns)
    missing = np.clip(baseline.mean - np.nan_to_num(seen, nan=baseline.mean), 0, None) * due
    lost = float(missing[:index].sum() * GRID_NS / WINDOW_NS)
    return (None if index is None else int(at_ns[index])), lost


def _back(out: npt.NDArray[np.bool_]) -> int | None:
    """The first place that is in the band, as is enough of the second that begins there."""
    second = BACK_NS // GRID_NS
    if out.size < second:
        return None
    outside = np.concatenate(([0], np.cumsum(out)))
    allowed = math.floor(second * (1 - BACK_SHARE) + 1e-9)
    good = (outside[second:] - outside[:-second] <= allowed) & ~out[: out.size - second + 1]
    return int(np.argmax(good)) if good.any() else None


def _delayed(spanned: Transactions, baseline: _Baseline) -> int:
    taken_ns = spanned.done_ns - spanned.scheduled_ns
    return int(np.count_nonzero(spanned.completed & (taken_ns > baseline.slowest_ns)))


def _count(fates: npt.NDArray[np.int8]) -> Fates:
    return Fates(*np.bincount(fates, minlength=len(FATES)).tolist())


def _ms_after(fault: Injected, t_ns: int | None) -> float | None:
    return None if t_ns is None else float((t_ns - fault.t_ns) / NS_PER_MS)
