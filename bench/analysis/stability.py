"""Whether a system keeps up with its load while one of its workers is slow, beside what theory predicts.

A transaction is *unserved* from when it is due until it is answered by the service; one that never is stays unserved,
so that a time-out does not make a queue look short. While the fault lasts, their number is followed, and a line laid
through it. Its slope over the rate at which transactions fall due is the share of the load that is not served. In a
stable system that is 0 but for the luck of the draw, at whatever level the number fluctuates; in an unstable one it is
what goes beyond the limit. *Stable* is a share below ``UNSERVED_MAX``; of a load, the median over trials is.

Invariant: judged is only what the prediction speaks of: a phase whose one fault makes one worker slow. The first
quarter of the time is left out, in which a queue that will be stable finds its new level.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bench.analysis.predictions import stable_below
from bench.analysis.recording import CODES, NS_PER_MS, NS_PER_S, Step, Transactions
from bench.analysis.trials import by_kind, over_trials, within_trial
from bench.faults.slow import Slow
from bench.statistics import Estimate
from common.topology import Plan

UNSERVED_MAX = 0.01
"""Of the load. Simulated (8 workers, 11.5 ms exponential, one of them 5 times slower for 5 s, constant arrivals, 100
each): at 0.5 to 0.95 of the limit at most 3 in 100 are above it; at 1.06 (when free) and 1.5 times (in turn) the limit
at most 1 is below. In turn the share grows slowly, (1 - limit / load) / workers: at 1.25 times the limit 11 are
below."""
SETTLING = 0.25
JUDGED_NS_MIN = 2 * NS_PER_S
_GRID_NS = 10 * NS_PER_MS
_SERVED = [CODES["completed"], CODES["failed"]]


class AtLoad(NamedTuple):
    """One load while a worker was slow."""

    load: float
    unserved: Estimate | None
    """Share of the load; None where no trial tells."""
    n: int
    """Transactions that were due while it was judged, all trials together."""

    @property
    def stable(self) -> bool | None:
        """None: not known."""
        return None if self.unserved is None else self.unserved.median < UNSERVED_MAX


class Slowed(NamedTuple):
    """One phase in which a worker was slow."""

    phase: str
    times: float
    workers: int
    predicted: float | None
    """The load below which it should be stable."""
    loads: list[AtLoad]
    """In order."""

    @property
    def largest_stable(self) -> float | None:
        """Of the loads that were played."""
        return max((each.load for each in self.loads if each.stable), default=None)

    @property
    def smallest_unstable(self) -> float | None:
        """Of the loads that were played."""
        return min((each.load for each in self.loads if each.stable is False), default=None)

    @property
    def as_predicted(self) -> bool | None:
        """Whether every load below the limit was stable and every load above it was not; None where that is not known,
        or there was none on one of its sides.
        """
        if self.predicted is None:
            return None
        below = [each.stable for each in self.loads if each.load < self.predicted]
        above = [each.stable for each in self.loads if each.load > self.predicted]
        if not below or not above or None in (*below, *above):
            return None
        return all(below) and not any(above)


class Judged(NamedTuple):
    """What one fault shows."""

    unserved: float | None
    due: int


def slowed(steps: Sequence[Step], plan: Plan, reference_per_s: float | None) -> list[Slowed]:
    """One for each phase with such a fault. ``reference_per_s``: the nominal load, the run's reference capacity; there
    is nothing to tell without.
    """
    mine = [step for step in steps if _fault(step)]
    workers = sum(part.role == "worker" for part in plan.parts)
    found = []
    for phase in dict.fromkeys(step.phase.name for step in mine):
        kinds = by_kind([step for step in mine if step.phase.name == phase])
        fault = _fault(next(iter(kinds.values()))[0])
        if fault and reference_per_s:
            loads = [_at_load(trials, reference_per_s) for trials in kinds.values()]
            limit = stable_below(plan.policy, workers, fault.times)
            by_load = sorted(loads, key=lambda each: each.load)
            found.append(Slowed(phase, fault.times, workers, limit, by_load))
    return found


def _fault(step: Step) -> Slow | None:
    """The one fault of its phase, where that makes a worker slow."""
    faults = step.phase.faults
    return faults[0] if len(faults) == 1 and isinstance(faults[0], Slow) else None


def _at_load(trials: list[Step], reference_per_s: float) -> AtLoad:
    judged = [
        [
            judge(step.transactions, fault.t_ns, min(fault.healed_ns or end_ns, end_ns))
            for fault, end_ns in zip(step.faults, step.fault_ends_ns, strict=True)
        ]
        for step in trials
    ]
    played = trials[0].played
    return AtLoad(
        played.load or played.rate_per_s / reference_per_s,
        over_trials(within_trial(each.unserved for each in trial) for trial in judged),
        sum(each.due for trial in judged for each in trial),
    )


def judge(rows: Transactions, begin_ns: int, end_ns: int) -> Judged:
    """A fault that lasted from ``begin_ns`` to ``end_ns``; nothing is known where it was short, or nothing was due."""
    begin_ns += round((end_ns - begin_ns) * SETTLING)
    due = int(np.diff(np.searchsorted(rows.scheduled_ns, [begin_ns, end_ns])).item())
    if not due or end_ns - begin_ns < JUDGED_NS_MIN:
        return Judged(None, due)
    at_ns = np.arange(begin_ns, end_ns, _GRID_NS)
    served_ns = np.sort(rows.done_ns[np.isin(rows.fate, _SERVED)])
    unserved = np.searchsorted(rows.scheduled_ns, at_ns, "right") - np.searchsorted(served_ns, at_ns, "right")
    length_s = (end_ns - begin_ns) / NS_PER_S
    per_s = np.polynomial.polynomial.polyfit((at_ns - begin_ns) / NS_PER_S, unserved, 1)[1]
    return Judged(float(per_s * length_s / due), due)
