"""What a fault cost, and how long the system took to be itself again. All definitions are here; docs/recovery.md has
them for readers of a report.

The *span* of a fault is from its instant (just before it was applied) to the next fault of the step, or to
the end of the step; those due at the same instant are one blow and share a span. Times are in milliseconds after the
fault; None is *did not happen*, or *not known*: then ``unjudged`` says why.

The *baseline* is the measured part of the step before the fault, without what earlier faults disturbed: each from its
instant until it was *over*, that is recovered, drained, healed and recovered from the healing, and the part that it hit
back. A fault that comes before the one before it is over, or less than a second after (*unsettled*), or before the step
has a second of baseline at all (*no baseline*), met a system that was not itself: nothing that rests on a baseline is
told of it. Nor where less than a second is recorded after it (*too short*).

* **detected**: the first Note in the span that a peer is lost or that what it held is to be sent again, by another
  part than those hit, that names a part hit or no part at all. Where the links were broken and not the part
  (``LINK_FAULTS``), both ends are well and either may notice: such a Note by the part hit counts as well, whomever it
  names.
* **harmed**: transactions due before the end of the span and under way or due after the fault, that did not
  end with an answer, by fate. (``failed`` is an answer: the service's own no.) Each is counted with one fault:
  what is under way at the next is the next one's.
* **first and last failure**: when the first and the last of the harmed were told.
* **first success**: when the first transaction that was due after the fault was completed. What was under
  way may be lucky; this one met the system as the fault had left it.
* **delayed**: completed, but later than anything in the baseline was.
* **recovered**: from when on goodput is back in the band, for a second, which allows for moments outside
  (``bench.analysis.settling``). The band is the baseline's 1st to 99th percentile. 0 where the fault left no mark on
  goodput. Above the band is outside, too: who works off a backlog has not recovered. None is *not before the span was
  over*. A burst of the load takes its time to fill the queues, and the first second of it may look like any other: it
  is only over when goodput stays in the band from then until the burst ends, too, with moments outside in the same
  proportion. **left again**: it was back for a second, and not for good: some later second of the span was not good
  enough.
* **drained**: from when on, for a second in the same sense, no more transactions are under way than in 99 of 100
  moments of the baseline. Counted from the clients' records (due and not ended), so wherever they wait: in a queue that
  has a gauge, or in a pipe that has none. Gauges are sampled ten times a second, this is exact.
* **after healing**: where the fault is taken back, from that moment until goodput is back in the band, for a second:
  0 where the healing was not noticed.
* **returned**: when the part hit, if its process had ended, was there again, with its sockets open.
* **goodput lost**: transactions that should have come back and had not, when it was worst: the area between the
  baseline's mean goodput and the measured one (what was due since the fault, times that mean, less what was
  completed since), at its largest between the fault and recovered, or the end of the span. What was late is in it as
  well as what never came.
* **attempts**: how often a transaction was handed on, on average, in the baseline and among those that the fault
  touched; **resent**: how many more times these were handed on than once each.

Goodput looks back over 100 ms (``bench.analysis.goodput``), so *recovered* comes that much later than the
last transaction that suffered, and never before.
"""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from bench.analysis.absences import Absence
from bench.analysis.baseline import BASELINE_NS_MIN, Baseline, Stretch, backlog, baseline
from bench.analysis.goodput import WINDOW_NS, goodput
from bench.analysis.recording import CODES, NS_PER_MS, Instants, Step, Transactions
from bench.analysis.settling import BACK_NS, GRID_NS, Flags, back, left_again
from bench.faults.registry import FAULTS
from bench.ledger import FATES, EpisodeKey, Fates
from bench.parquet import Database
from bench.run_record import Injected

LOAD = "load"
"""The part that a fault made by the load names."""
DETECTIONS = ("peer-lost", "failover")
"""Kinds of notes by which a part says that it has noticed."""
LINK_FAULTS = frozenset(kind for kind, fault in FAULTS.items() if fault.mechanisms)
"""Kinds of faults that are done to a part's links: partition, isolate, reset, delay."""

Unjudged = Literal["", "no baseline", "unsettled", "too short"]


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
    unjudged: Unjudged
    """Why nothing that rests on a baseline is known; empty where it is."""
    detected_ms: float | None
    detected_by: str
    first_failure_ms: float | None
    last_failure_ms: float | None
    first_success_ms: float | None
    recovered_ms: float | None
    left_again: bool
    drained_ms: float | None
    healed_ms: float | None
    """When it was taken back; None where nobody had to."""
    after_healing_ms: float | None
    returned_ms: float | None
    cold_start_ms: float | None
    """From the start of the process until the part was there again."""
    touched: int
    """Transactions under way at the fault or due in its span, whatever became of them."""
    harmed: Fates
    delayed: int | None
    goodput_lost: float | None
    attempts: float | None
    attempts_before: float | None
    resent: int
    band: tuple[float, float] | None
    """Of goodput; None without a baseline."""


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


def recoveries(
    step: Step, marks: Sequence[Mark], parts: Sequence[str], away: Sequence[Absence] = ()
) -> list[Recovery]:
    """One for each fault of the step. ``parts`` are the names of all parts of the topology, ``away`` when which of
    them were.
    """
    found = []
    quiet: list[Stretch] = []
    quiet_ns = step.played.warm_ns + WINDOW_NS
    for fault, end_ns in zip(step.faults, step.fault_ends_ns, strict=True):
        quiet.append((min(quiet_ns, fault.t_ns), fault.t_ns))
        before = baseline(step.transactions, quiet)
        absence = _absence(fault, end_ns, away)
        span = _Span(step.transactions, fault, end_ns, before, absence, last=end_ns == step.played.end_ns)
        settled = fault.t_ns - quiet_ns >= BASELINE_NS_MIN
        found.append(_recovery(span, _unjudged(span, settled), _detection(fault, end_ns, marks, parts)))
        quiet_ns = span.over_ns()
    return found


class _Span:
    """One fault and what the recording has from it to the next."""

    def __init__(
        self,
        rows: Transactions,
        fault: Injected,
        end_ns: int,
        before: Baseline | None,
        absence: Absence | None,
        *,
        last: bool,
    ) -> None:
        self.fault = fault
        self.end_ns = end_ns
        self.before = before
        self.absence = absence
        self.all_rows = rows
        touched = (rows.scheduled_ns < end_ns) & (rows.done_ns >= fault.t_ns)
        self.rows = rows.where(touched if last else touched & (rows.done_ns < end_ns))
        self.at_ns = np.arange(fault.t_ns, end_ns, GRID_NS)
        self.out = _outside(rows, self.at_ns, before) if before else None
        self.recovered = None if self.out is None else back(self.out, self._burst)
        """Place on the grid, as is the next."""
        self.drained = back(backlog(rows, self.at_ns) > before.backlog, self._burst) if before else None

    @property
    def _burst(self) -> int:
        """Place of the end of a burst of the load; 0 where it is none."""
        if self.fault.part != LOAD:
            return 0
        return max(min(self.fault.healed_ns, self.end_ns) - self.fault.t_ns, 0) // GRID_NS

    @property
    def healing(self) -> int | None:
        """Place of the moment when it was taken back; None where it was not, in the span."""
        if not self.fault.t_ns < self.fault.healed_ns < self.end_ns:
            return None
        return -((self.fault.t_ns - self.fault.healed_ns) // GRID_NS)

    @property
    def after_healing(self) -> int | None:
        """How many places later it was back in the band."""
        return None if self.healing is None or self.out is None else back(self.out[self.healing :])

    def over_ns(self) -> int:
        """From when on nothing is left of it; the end of the span where that is not known to come earlier."""
        places = [self.recovered, self.drained]
        if self.fault.healed_ns:
            healed = self.healing, self.after_healing
            places.append(None if None in healed else sum(place for place in healed if place is not None))
        known = [place for place in places if place is not None]
        if len(known) < len(places) or (self.absence and not self.absence.back_ns):
            return self.end_ns
        return max(int(self.at_ns[max(known)]), self.absence.back_ns if self.absence else 0)


def _unjudged(span: _Span, settled: bool) -> Unjudged:
    if span.before is None:
        return "no baseline"
    if not settled:
        return "unsettled"
    return "too short" if span.at_ns.size < BACK_NS // GRID_NS else ""


def _recovery(span: _Span, unjudged: Unjudged, detection: Mark | None) -> Recovery:
    fault, rows = span.fault, span.rows
    unanswered = np.isin(rows.fate, _HARM)
    failures = rows.done_ns[unanswered]
    successes = rows.done_ns[rows.completed & (rows.scheduled_ns >= fault.t_ns)]
    before = None if unjudged else span.before
    return Recovery(
        label=fault.label,
        unjudged=unjudged,
        detected_ms=_ms_after(fault, detection.t_ns if detection else None),
        detected_by=detection.part if detection else "",
        first_failure_ms=_ms_after(fault, failures.min() if failures.size else None),
        last_failure_ms=_ms_after(fault, failures.max() if failures.size else None),
        first_success_ms=_ms_after(fault, successes.min() if successes.size else None),
        recovered_ms=_ms(span.recovered) if before else None,
        left_again=before is not None
        and span.out is not None
        and span.recovered is not None
        and left_again(span.out, span.recovered),
        drained_ms=_ms(span.drained) if before else None,
        healed_ms=_ms_after(fault, fault.healed_ns or None),
        after_healing_ms=_ms(span.after_healing) if before else None,
        returned_ms=_ms_after(fault, span.absence.back_ns or None) if span.absence else None,
        cold_start_ms=span.absence.cold_start_ms if span.absence else None,
        touched=rows.fate.size,
        harmed=_count(rows.fate[unanswered]),
        delayed=_delayed(rows, before) if before else None,
        goodput_lost=_lost(span, before) if before else None,
        attempts=float(rows.attempts.mean()) if rows.attempts.size else None,
        attempts_before=before.attempts if before else None,
        resent=int(np.maximum(rows.attempts - 1, 0).sum()),
        band=(before.low, before.high) if before else None,
    )


_HARM = [CODES[fate] for fate in ("rejected", "unknown", "refused", "broken")]


def _detection(fault: Injected, end_ns: int, marks: Sequence[Mark], parts: Sequence[str]) -> Mark | None:
    spanned = (mark for mark in marks if fault.t_ns <= mark.t_ns < end_ns)
    return next((mark for mark in spanned if _tells_of(mark, fault, parts)), None)


def _tells_of(mark: Mark, fault: Injected, parts: Sequence[str]) -> bool:
    if mark.part in fault.hit:
        return fault.label.rpartition("-")[0] in LINK_FAULTS
    named = [part for part in parts if re.search(rf"\b{re.escape(part)}\b", mark.subject)]
    return not named or not set(named).isdisjoint(fault.hit)


def _absence(fault: Injected, end_ns: int, away: Sequence[Absence]) -> Absence | None:
    """Of the part hit, begun in the span; one whose restarts crashed is away until one of them does not."""
    mine = [each for each in away if each.part == fault.part and fault.t_ns <= each.gone_ns < end_ns]
    ended = next((each for each in mine if each.back_ns), None)
    return ended._replace(gone_ns=mine[0].gone_ns) if ended else next(iter(mine), None)


def _outside(rows: Transactions, at_ns: Instants, before: Baseline) -> Flags:
    """Where goodput is not in the band; a window without arrivals (nan) speaks against nothing."""
    seen = goodput(rows, at_ns)
    return (seen < before.low) | (seen > before.high)


def _lost(span: _Span, before: Baseline) -> float:
    rows, at_ns = span.all_rows, span.at_ns
    due = _since(rows.scheduled_ns, at_ns)
    completed = _since(np.sort(rows.done_ns[rows.completed]), at_ns)
    return float((before.mean * due - completed)[: span.recovered].max(initial=0))


def _since(sorted_ns: Instants, at_ns: Instants) -> Instants:
    """How many of the events lie after the first instant, until each."""
    return np.searchsorted(sorted_ns, at_ns, side="right") - np.searchsorted(
        sorted_ns, at_ns[:1], side="right"
    )


def _delayed(spanned: Transactions, before: Baseline) -> int:
    taken_ns = spanned.done_ns - spanned.scheduled_ns
    return int(np.count_nonzero(spanned.completed & (taken_ns > before.slowest_ns)))


def _count(fates: npt.NDArray[np.int8]) -> Fates:
    return Fates(*np.bincount(fates, minlength=len(FATES)).tolist())


def _ms(place: int | None) -> float | None:
    """A place on the grid."""
    return None if place is None else place * GRID_NS / NS_PER_MS


def _ms_after(fault: Injected, t_ns: int | None) -> float | None:
    return None if t_ns is None else float((t_ns - fault.t_ns) / NS_PER_MS)
