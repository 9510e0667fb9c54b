"""Coordinated omission, shown: one rate and one fault, by a load that does not wait for answers and one that does.

Invariant: three readings of the two loads. The open one from the scheduled instant is what somebody sees who wants
something at that instant; from the sent one it leaves out what the generator itself held back, next to nothing here.
The closed one has no other instant than the sent one: what its users did not ask while they waited is not among its
transactions, so a stall counts once for each user, and not for each who would have come meanwhile.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bench.analysis.latency import latencies_ms, percentiles, tail_ms
from bench.analysis.recording import FloatArray, Step, Transactions
from bench.analysis.steady import Tail, tail_over_trials
from bench.analysis.trials import by_kind, over_trials, over_trials_or_never
from bench.phases import Open, Paced
from bench.statistics import Estimate

READINGS = ("open, from scheduled", "open, from sent", "closed, from sent")


class Reading(NamedTuple):
    """One way to tell how long transactions took."""

    name: str
    """One of ``READINGS``."""
    p50_ms: Estimate | None
    p99_ms: Estimate | None
    p999_ms: Estimate | None
    above: Estimate | None
    """Share that took longer than ``SLOW`` times the open load's median."""
    tail: Tail
    n: int
    """Transactions, all trials together."""


class Omission(NamedTuple):
    """An open phase and its paced twin."""

    key: str
    """``pause-front``: what was done to both."""
    load: str
    """``0.5`` or ``320/s``."""
    rate_per_s: float
    users: int
    readings: list[Reading]
    """In the order of ``READINGS``."""


SLOW = 5.0
"""Median latencies: what takes longer was held up."""


def omissions(steps: Sequence[Step]) -> list[Omission]:
    """Of each open step with faults that a paced one with the same step and the same faults was played beside."""
    kinds = by_kind([step for step in steps if step.phase.faults])
    found = []
    for (_, name), opened in kinds.items():
        if not isinstance(opened[0].phase, Open):
            continue
        for (_, other), paced in kinds.items():
            if other == name and isinstance(paced[0].phase, Paced) and _hit(paced[0]) == _hit(opened[0]):
                found.append(_omission(opened, paced))
    return found


def _hit(step: Step) -> list[tuple[str, float, int | str]]:
    return [(fault.label, fault.at_s, fault.which) for fault in step.phase.faults]


def _omission(opened: list[Step], paced: list[Step]) -> Omission:
    played = opened[0].played
    rows = [step.measured for step in opened]
    scheduled = [latencies_ms(each) for each in rows]
    slow_ms = [SLOW * (percentiles(each).p50 or np.inf) for each in scheduled]
    slow_paced_ms = [float(np.median(slow_ms))] * len(paced)
    return Omission(
        " and ".join(dict.fromkeys(fault.label for fault in opened[0].phase.faults)),
        played.name,
        played.rate_per_s,
        paced[0].played.concurrency,
        [
            _reading(READINGS[0], scheduled, slow_ms),
            _reading(READINGS[1], [_from_sent_ms(each) for each in rows], slow_ms),
            _reading(READINGS[2], [_from_sent_ms(step.measured) for step in paced], slow_paced_ms),
        ],
    )


def _from_sent_ms(rows: Transactions) -> FloatArray:
    """As ``latencies_ms``; what was never sent has no answer either way."""
    return latencies_ms(
        rows._replace(scheduled_ns=np.where(rows.sent_ns > 0, rows.sent_ns, rows.scheduled_ns))
    )


def _reading(name: str, trials: list[FloatArray], slow_ms: list[float]) -> Reading:
    figures = [percentiles(ms) for ms in trials]
    return Reading(
        name,
        over_trials_or_never(each.p50 for each in figures),
        over_trials_or_never(each.p99 for each in figures),
        over_trials_or_never(each.p999 for each in figures),
        over_trials(
            float(np.mean(ms > slow)) if ms.size else None for ms, slow in zip(trials, slow_ms, strict=True)
        ),
        tail_over_trials([tail_ms(ms) for ms in trials]),
        sum(each.n for each in figures),
    )
