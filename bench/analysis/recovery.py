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
* **recovered**: from when on goodput is back in the band, for a second. The band is the baseline's 1st to 99th
  percentile, so the baseline itself leaves it 2 % of the time, for moments: hardly any second of it is in the band
  without a break, and to ask that of the system after a fault would measure luck. What really happens to goodput
  stays in it as long as its window is, 100 ms. *In the band for a second* therefore allows moments outside that add
  up to half a window. 0 where the fault left no mark on goodput. Above the band is outside, too: who works off a
  backlog has not recovered. None is *not before the span was over*. A burst of the load takes its time to fill the
  queues, and the first second of it may look like any other: it is only over when goodput stays in the band from then
  until the burst ends, too, with moments outside in the same proportion.
* **goodput lost**: transactions that should have come back and had not, when it was worst: the area between the
  baseline's mean goodput and the measured one (what was due since the fault, times that mean, less what was
  completed since), at its largest between the fault and recovered, or the end of the span. What was late is in it as
  well as what never came.

Goodput looks back over 100 ms (``bench.analysis.goodput``), so *recovered* comes that much later than the
last transaction that suffered, and never before.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bench.analysis.goodput import WINDOW_NS, goodput
from bench.analysis.recording import CODES, NS_PER_MS, NS_PER_S, Instants, Step, Transactions
from bench.ledger import FATES, EpisodeKey, Fates
from bench.parquet import Database
from bench.run_record import Injected

GRID_NS = NS_PER_MS
"""How finely goodput is looked at."""
BASELINE_NS_MIN = NS_PER_S
BAND = (0.01, 0.99)
BACK_NS = NS_PER_S
"""How long goodput must be back in the band."""
OUTSIDE_NS_MAX = WINDOW_NS // 2
"""How much of that second it may be outside. Simulated (8 workers, load 0.5, 200 faults that did nothing): with 2 % of
the second more than one in ten seemed to take 0.35 s or longer, with 5 % fewer; outages of 50 ms or more get the same
median, and a fraction of the spread."""

LOAD = "load"
"""The part that a fault made by the load names."""
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
    touched: int
    """Transactions under way at the fault or due in its span, whatever became of them."""
    harmed: Fates
    delayed: int | None
    goodput_lost: float | None
    band: tuple[float, float] | None
    """Of goodput; None without a baseline, and then nothing that rests on one is known."""


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
    recovered_ns, lost = _back_in_band(rows, fault, end_ns, baseline) if baseline else (None, None)
    return Recovery(
        label=fault.label,
        detected_ms=_ms_after(fault, detection.t_ns if detection else None),
        detected_by=detection.part if detection else "",
        first_failure_ms=_ms_after(fault, failures.min() if failures.size else None),
        last_failure_ms=_ms_after(fault, failures.max() if failures.size else None),
        first_success_ms=_ms_after(fault, successes.min() if successes.size else None),
        recovered_ms=_ms_after(fault, recovered_ns),
        touched=spanned.fate.size,
        harmed=_count(spanned.fate[unanswered]),
        delayed=_delayed(spanned, baseline) if baseline else None,
        goodput_lost=lost,
        band=(baseline.low, baseline.high) if baseline else None,
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
    rows: Transactions, fault: Injected, end_ns: int, baseline: _Baseline
) -> tuple[int | None, float]:
    """When goodput was back in the band for a second, and what was lost until then."""
    at_ns = np.arange(fault.t_ns, end_ns, GRID_NS)
    lasting_ns = min(fault.healed_ns, end_ns) - fault.t_ns if fault.part == LOAD else 0
    seen = goodput(rows, at_ns)
    # A window without arrivals (nan) speaks against nothing.
    index = _back((seen < baseline.low) | (seen > baseline.high), max(lasting_ns, 0) // GRID_NS)
    due = _since(rows.scheduled_ns, at_ns)
    completed = _since(np.sort(rows.done_ns[rows.completed]), at_ns)
    lost = float((baseline.mean * due - completed)[:index].max(initial=0))
    return (None if index is None else int(at_ns[index])), lost


def _since(sorted_ns: Instants, at_ns: Instants) -> Instants:
    """How many of the events lie after the first instant, until each."""
    return np.searchsorted(sorted_ns, at_ns, side="right") - np.searchsorted(
        sorted_ns, at_ns[:1], side="right"
    )


def _back(out: npt.NDArray[np.bool_], until: int) -> int | None:
    """The first place that is in the band, as is enough of the second that begins there and of what is before
    ``until``.
    """
    second = BACK_NS // GRID_NS
    if out.size < second:
        return None
    outside = np.concatenate(([0], np.cumsum(out)))
    places = np.arange(out.size - second + 1)
    ends = np.maximum(places + second, until)
    good = (outside[ends] - outside[places] <= (ends - places) * OUTSIDE_NS_MAX // BACK_NS) & ~out[places]
    return int(np.argmax(good)) if good.any() else None


def _delayed(spanned: Transactions, baseline: _Baseline) -> int:
    taken_ns = spanned.done_ns - spanned.scheduled_ns
    return int(np.count_nonzero(spanned.completed & (taken_ns > baseline.slowest_ns)))


def _count(fates: npt.NDArray[np.int8]) -> Fates:
    return Fates(*np.bincount(fates, minlength=len(FATES)).tolist())


def _ms_after(fault: Injected, t_ns: int | None) -> float | None:
    return None if t_ns is None else float((t_ns - fault.t_ns) / NS_PER_MS)
