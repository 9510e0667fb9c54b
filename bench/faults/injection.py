"""Applies a phase's faults when they are due, and takes them back when their time is over.

Invariant: each fault that was applied is on record with its instant, and each ``Lasting`` one is taken back exactly
once, however the episode ends; one without effect is a doubt.
"""

import asyncio
import time
from collections.abc import Sequence
from random import Random

from msgspec.structs import replace

from bench.faults.fault import Deployed, Fault, Lasting, NoEffect
from bench.faults.on_load import TOLD_WITHIN_S, OnLoad, on_load
from bench.marks import Notebook
from bench.run_record import Doubt, Injected


class Injection:
    """The faults of one episode. Needs a running asyncio loop."""

    def __init__(self, faults: Sequence[Fault], deployed: Deployed, marks: Notebook, seed: str) -> None:
        """``seed`` decides who is hit, together with the step and the fault's place in the phase."""
        self._faults = faults
        self._deployed = deployed
        self._marks = marks
        self._seed = seed
        self._injecting: list[asyncio.Task[Injected]] = []
        self._offered: dict[tuple[str, int], asyncio.Future[tuple[float, float]]] = {}
        """What was offered in each burst, by step and place; as soon as the load has said so."""

    def prepare(self, step: str) -> None:
        """Do what must be done before the deployment is started. ``step``: the first that is played.

        Raises:
            NoEffect: there is no such part.
        """
        for number, fault in enumerate(_single(self._faults)):
            if fault.from_start:
                fault.prepare(self._deployed, self._target(fault, step, number))

    def begin(self, step: str, warm_ns: int, drawn: Sequence[Fault] = ()) -> None:
        """The measured part of a step begins at ``warm_ns``: its faults are due from there, and so are those that
        were ``drawn`` for this step alone.
        """
        for number, fault in enumerate(_single([*self._faults, *drawn])):
            injecting = asyncio.create_task(self._inject(fault, step, warm_ns, number))
            injecting.add_done_callback(_noticed)
            self._injecting.append(injecting)

    def offered(self, step: str, burst: int, rate_per_s: float, sent_per_s: float) -> None:
        """The load tells of a burst, by its place among those of the step: the rate without it, and what was sent."""
        told = self._told(step, burst)
        if not told.done():
            told.set_result((rate_per_s, sent_per_s))

    async def outcome(self) -> tuple[list[Injected], list[Doubt]]:
        """Wait for all that were begun: what was done, and what had no effect."""
        faults: list[Injected] = []
        doubts: list[Doubt] = []
        for outcome in await asyncio.gather(*self._injecting, return_exceptions=True):
            if isinstance(outcome, Injected):
                faults.append(outcome)
            elif isinstance(outcome, NoEffect):
                doubts.append(Doubt("fault", str(outcome)))
            else:
                raise outcome
        return faults, doubts

    def cancel(self) -> None:
        """Break off: what is not due yet will not happen, what was done is taken back."""
        for injecting in self._injecting:
            injecting.cancel()

    def _target(self, fault: Fault, step: str, number: int) -> str:
        return fault.target(self._deployed.parts(fault.role), Random(f"{self._seed}/{step}/{number}"))

    async def _inject(self, fault: Fault, step: str, warm_ns: int, number: int) -> Injected:
        due_ns = warm_ns + round(fault.at_s * 1e9)
        await _until(due_ns)
        if isinstance(fault, OnLoad):
            return await self._watch(fault, step, warm_ns, due_ns)
        part = self._target(fault, step, number)
        t_ns = time.monotonic_ns()
        seen = await fault.apply(self._deployed, part)
        self._marks.add("fault", part, f"{fault.label}: {seen}", t_ns)
        others = fault.others(self._deployed.parts(fault.role), part)
        injected = Injected(fault.label, step, part, due_ns, t_ns, seen, others=others)
        if isinstance(fault, Lasting):
            try:
                await _until(warm_ns + round(fault.end_s * 1e9))
            finally:
                seen = await fault.undo(self._deployed, part)
        elif not fault.gradual:
            return injected
        healed_ns = time.monotonic_ns()
        self._marks.add("healed", part, f"{fault.label}: {seen}", healed_ns)
        return replace(injected, healed_ns=healed_ns)

    async def _watch(self, fault: OnLoad, step: str, warm_ns: int, due_ns: int) -> Injected:
        """The load does it by its schedule: mark begin and end, and see whether it really did."""
        t_ns, part = time.monotonic_ns(), "load"
        self._marks.add("fault", part, f"{fault.label}: {fault.describe()}", t_ns)
        await _until(warm_ns + round(fault.end_s * 1e9))
        healed_ns = time.monotonic_ns()
        told = self._told(step, on_load(self._faults).index(fault))
        try:
            rate_per_s, sent_per_s = await asyncio.wait_for(told, TOLD_WITHIN_S)
        except TimeoutError:
            raise NoEffect(
                f"{fault.kind}: the load did not say what it sent, within {TOLD_WITHIN_S:g} s"
            ) from None
        seen = fault.seen(rate_per_s, sent_per_s)
        self._marks.add("healed", part, f"{fault.label}: {seen}", healed_ns)
        return Injected(fault.label, step, part, due_ns, t_ns, seen, healed_ns)

    def _told(self, step: str, burst: int) -> "asyncio.Future[tuple[float, float]]":
        return self._offered.setdefault((step, burst), asyncio.get_running_loop().create_future())


def _single(faults: Sequence[Fault]) -> list[Fault]:
    """With repeated ones taken apart; the place in this list is a part of each one's seed."""
    return [one for fault in faults for one in fault.each()]


async def _until(t_ns: int) -> None:
    await asyncio.sleep(max(t_ns - time.monotonic_ns(), 0) / 1e9)


def _noticed(injecting: "asyncio.Task[Injected]") -> None:
    """What went wrong is told by ``outcome``; where that is not asked for any more, the episode was broken off."""
    if not injecting.cancelled():
        injecting.exception()
