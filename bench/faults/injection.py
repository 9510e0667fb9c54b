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
from bench.marks import Notebook
from bench.run_record import Doubt, Injected


class Injection:
    """The faults of one episode. Needs a running asyncio loop."""

    def __init__(self, faults: Sequence[Fault], deployed: Deployed, marks: Notebook, seed: str) -> None:
        """``seed`` decides who is hit, together with the step and the fault's place in the scenario."""
        self._faults = faults
        self._deployed = deployed
        self._marks = marks
        self._seed = seed
        self._injecting: list[asyncio.Task[Injected]] = []

    def begin(self, step: str, warm_ns: int) -> None:
        """The measured part of a step begins at ``warm_ns``: its faults are due from there."""
        for number, fault in enumerate(self._faults):
            random = Random(f"{self._seed}/{step}/{number}")
            injecting = asyncio.create_task(self._inject(fault, step, warm_ns, random))
            injecting.add_done_callback(_noticed)
            self._injecting.append(injecting)

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

    async def _inject(self, fault: Fault, step: str, warm_ns: int, random: Random) -> Injected:
        due_ns = warm_ns + round(fault.at_s * 1e9)
        await _until(due_ns)
        part = fault.target(self._deployed.parts(fault.role), random)
        t_ns = time.monotonic_ns()
        seen = await fault.apply(self._deployed, part)
        self._marks.add("fault", part, f"{fault.label}: {seen}", t_ns)
        injected = Injected(fault.label, step, part, due_ns, t_ns, seen)
        if not isinstance(fault, Lasting):
            return injected
        try:
            await _until(warm_ns + round(fault.end_s * 1e9))
        finally:
            healed = await fault.undo(self._deployed, part)
        healed_ns = time.monotonic_ns()
        self._marks.add("healed", part, f"{fault.label}: {healed}", healed_ns)
        return replace(injected, healed_ns=healed_ns)


async def _until(t_ns: int) -> None:
    await asyncio.sleep(max(t_ns - time.monotonic_ns(), 0) / 1e9)


def _noticed(injecting: "asyncio.Task[Injected]") -> None:
    """What went wrong is told by ``outcome``; where that is not asked for any more, the episode was broken off."""
    if not injecting.cancelled():
        injecting.exception()
