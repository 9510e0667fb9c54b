"""An open-loop step: transactions leave when the schedule made beforehand says so, whatever became of the
others.

Invariant: the i-th record of a step, by its index, was due at exactly ``schedule(...)[i]``.
"""

import asyncio
import time
from array import array
from collections.abc import Sequence

import numpy as np

from bench.load import trace
from bench.load.pacer import Pacer, Timer
from bench.load.schedule import FloatArray, arrivals, replayed, with_bursts
from bench.load.spec import NS_PER_S, LoadSpec, OpenStep, Span, Step
from bench.load.traffic import Traffic

OPEN_PARALLEL_S = 0.05
"""Connections are opened beforehand for answers that take this long: ``rate x 0.05``. More are opened on
demand."""


def schedule(spec: LoadSpec, step: int) -> "array[int]":
    """Nanoseconds from the begin of open step number ``step`` at which its transactions are due, warm-up
    included, and bursts.
    """
    what = spec.steps[step]
    assert isinstance(what, OpenStep)
    lasts_s, stream = what.warmup_s + what.duration_s, (*spec.stream, step)
    if what.trace:
        return _ns(replayed(trace.of_run(what.trace), what.rate_per_s, lasts_s))
    offsets_s = arrivals(what.arrivals, what.rate_per_s, lasts_s, spec.seed, stream)
    # To the nanosecond: 0.1 + 0.2 must not lie behind an arrival at 0.3.
    at_s = [
        (round(what.warmup_s + burst.at_s, 9), round(what.warmup_s + burst.end_s, 9)) for burst in what.bursts
    ]
    bursts = [(*span_s, burst.times) for span_s, burst in zip(at_s, what.bursts, strict=True)]
    return _ns(with_bursts(offsets_s, what.arrivals, what.rate_per_s, bursts, spec.seed, stream))


def _ns(offsets_s: FloatArray) -> "array[int]":
    return array("q", np.rint(offsets_s * NS_PER_S).astype("<i8").tobytes())


def sizes(spec: LoadSpec, step: Step) -> Sequence[int]:
    """Bytes of the bodies: transaction i of the step has entry i modulo their number."""
    recorded = trace.of_run(step.trace).sizes if isinstance(step, OpenStep) and step.trace else ()
    return recorded or (spec.body_bytes,)


def parallel(step: OpenStep) -> int:
    """For how many transactions at a time to have connections beforehand."""
    highest = max((burst.times for burst in step.bursts), default=1.0)
    return int(step.rate_per_s * highest * OPEN_PARALLEL_S)


async def play(traffic: Traffic, offsets_ns: Sequence[int], at: Span) -> None:
    """Send each transaction when it is due; returns once the last one has been picked up."""
    due_ns = array("q", (np.asarray(offsets_ns, dtype=np.int64) + at.begin_ns).tobytes())
    pacer = Pacer(due_ns)
    loop = asyncio.get_running_loop()
    finished = loop.create_future()
    timer = Timer()

    def wake() -> None:
        for index in pacer.due(time.monotonic_ns()):
            traffic.send(index, due_ns[index])
        next_ns = pacer.wake_ns(time.monotonic_ns())
        if next_ns is not None:
            timer.arm(next_ns)
        elif not finished.done():
            loop.remove_reader(timer.fd)
            finished.set_result(None)

    loop.add_reader(timer.fd, wake)
    timer.arm(due_ns[0] if due_ns else at.begin_ns)
    try:
        await finished
    finally:
        loop.remove_reader(timer.fd)
        timer.close()
