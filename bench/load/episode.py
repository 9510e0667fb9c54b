"""Plays a spec's steps one after another, and tells of each when it begins and when all of it has ended.

Invariant: a step is announced before it begins; the next one begins only when nothing of it is under way. The
garbage collector runs between steps, never within one.
"""

import asyncio
import gc
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from bench.load import closed_loop, open_loop, paced_loop, retrying
from bench.load.exchange import Carrier
from bench.load.report import Begin, End, Offered, Ready, Report, lag_of
from bench.load.retrying import Retrier
from bench.load.search import enough
from bench.load.spec import NS_PER_S, LoadSpec, OpenStep, PacedStep, Span, Step, span
from bench.load.traffic import Traffic

NOTICE_NS = 50_000_000
"""From a step being ready to its begin: its begin line is written meanwhile."""

Play = Callable[[Span], Awaitable[closed_loop.Tally | None]]


class Episode:
    """One spec, one carrier."""

    def __init__(self, spec: LoadSpec, traffic: Traffic, report: Report) -> None:
        self._spec = spec
        self._traffic = traffic
        self._carrier: Carrier = traffic.carrier
        self._report = report
        self._tallies: list[closed_loop.Tally] = []
        """One for each closed step that was played."""

    async def play(self) -> None:
        """All steps. Cancelled, it ends what is under way, reports the step as incomplete and lets itself
        be.
        """
        housekeeping = asyncio.create_task(self._traffic.housekeep())
        steps = asyncio.create_task(self._steps())
        try:
            await asyncio.wait((housekeeping, steps), return_when=asyncio.FIRST_COMPLETED)
            if housekeeping.done():
                housekeeping.result()  # the record could not be written: that ends the episode
            await steps
        finally:
            for task in (steps, housekeeping):
                task.cancel()
            await asyncio.gather(steps, housekeeping, return_exceptions=True)

    async def _steps(self) -> None:
        for number, step in enumerate(self._spec.steps):
            play = await self._prepare(number, step)
            if number == 0:
                self._report.write(Ready(pid=os.getpid()))
            await self._step(number, step, span(step, time.monotonic_ns() + NOTICE_NS), play)
            if self._found():
                return

    def _found(self) -> bool:
        """Whether what is searched for was found."""
        gain_min = self._spec.search_gain_min
        return gain_min is not None and enough([tally.per_s for tally in self._tallies], gain_min)

    async def _prepare(self, number: int, step: Step) -> Play:
        """Draw the schedule, open connections, collect garbage: all that may take time."""
        if isinstance(step, OpenStep):
            offsets_ns = open_loop.schedule(self._spec, number)
            await self._carrier.prepare(open_loop.parallel(step))
            play: Play = partial(self._play_open, number, step, offsets_ns)
        elif isinstance(step, PacedStep):
            await self._carrier.prepare(step.users)
            play = partial(paced_loop.play, self._traffic, step)
        else:
            await self._carrier.prepare(step.concurrency)
            play = partial(closed_loop.play, self._traffic, step.concurrency)
        gc.collect()
        return play

    async def _play_open(self, number: int, step: OpenStep, offsets_ns: Sequence[int], at: Span) -> None:
        """The schedule, and beside it what clients try again and the word of every burst."""
        async with asyncio.TaskGroup() as together:
            together.create_task(open_loop.play(self._traffic, offsets_ns, at))
            if step.retrying:
                retrier = Retrier(step.retrying, self._spec.method, len(offsets_ns), at.end_ns)
                together.create_task(retrying.play(self._traffic, retrier, at.end_ns))
            if step.bursts:
                together.create_task(self._tell_of_bursts(number, step, at))

    async def _tell_of_bursts(self, number: int, step: OpenStep, at: Span) -> None:
        """Count from the instants at which this task is awake, not from those at which it should be."""
        traffic = self._traffic
        for place, burst in enumerate(step.bursts):
            await _until(at.warm_ns + round(burst.at_s * NS_PER_S))
            begin_ns, sent, retried = time.monotonic_ns(), traffic.sent, traffic.retried
            await _until(at.warm_ns + round(burst.end_s * NS_PER_S))
            retried = traffic.retried - retried
            self._report.write(
                Offered(
                    step=number,
                    name=step.name,
                    burst=place,
                    begin_ns=begin_ns,
                    end_ns=time.monotonic_ns(),
                    rate_per_s=step.rate_per_s,
                    sent=traffic.sent - sent - retried,
                    retried=retried,
                )
            )

    async def _step(self, number: int, step: Step, at: Span, play: Play) -> None:
        """One step from its begin line to its end line."""
        spec, traffic = self._spec, self._traffic
        traffic.open_step(number, spec.id_prefix, open_loop.sizes(spec, step), spec.timeout_s, at.warm_ns)
        self._report.write(
            Begin(
                step=number,
                name=step.name,
                phase=step.phase,
                begin_ns=at.begin_ns,
                warm_ns=at.warm_ns,
                end_ns=at.end_ns,
            )
        )
        cpu_s, connections, complete = time.process_time(), self._carrier.connections, False
        gc.freeze()
        gc.disable()
        try:
            tally = await play(at)
            await _until(at.end_ns)
            await traffic.settled()
            if tally:
                self._tallies.append(tally)
            complete = True
        finally:
            gc.enable()
            gc.unfreeze()
            traffic.stop()
            self._report.write(
                End(
                    step=number,
                    name=step.name,
                    phase=step.phase,
                    begin_ns=at.begin_ns,
                    warm_ns=at.warm_ns,
                    end_ns=at.end_ns,
                    done_ns=time.monotonic_ns(),
                    complete=complete,
                    sent=traffic.sent,
                    retried=traffic.retried,
                    dropped=traffic.dropped,
                    lag=lag_of(traffic.lags_ns),
                    cpu_s=time.process_time() - cpu_s,
                    connections=self._carrier.connections - connections,
                )
            )


async def _until(t_ns: int) -> None:
    await asyncio.sleep((t_ns - time.monotonic_ns()) / NS_PER_S)
