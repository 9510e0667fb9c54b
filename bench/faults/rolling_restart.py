"""Every part of a role is restarted, one after another, as in a deployment of new code without downtime."""

import asyncio
from collections.abc import Sequence

from bench.faults.fault import Deployed, Fault, NoEffect
from bench.faults.terminate import terminate

UP_WITHIN_S = 60.0
"""From an exit to the part being up again: the supervisor's delay and a cold start."""


class RollingRestart(Fault, frozen=True, forbid_unknown_fields=True, tag="rolling-restart", kw_only=True):
    """SIGTERM, wait until it is up again, pause, the next. ``which`` is the first; the others follow in their order."""

    pause_s: float = 0.5
    """From one being up to the next SIGTERM."""

    does = "SIGTERM to every part of the role, one after another, each when the one before is up"
    gradual = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.pause_s <= 600:
            raise ValueError(f"pause_s must be 0 to 600 s, got {self.pause_s:g}")

    def describe(self) -> str:
        return f"{super().describe()} and then every other {self.role}, {self.pause_s:g} s after it is up"

    def others(self, names: Sequence[str], part: str) -> tuple[str, ...]:
        place = names.index(part)
        return (*names[place + 1 :], *names[:place])

    async def apply(self, deployed: Deployed, part: str) -> str:
        pids = [await self._restart(deployed, part)]
        for other in self.others(deployed.parts(self.role), part):
            await asyncio.sleep(self.pause_s)
            pids.append(await self._restart(deployed, other))
        return f"SIGTERM to pids {', '.join(map(str, pids))}, which exited and are up again"

    async def _restart(self, deployed: Deployed, part: str) -> int:
        pid = await terminate(deployed, part)
        if not await deployed.up(part, pid, UP_WITHIN_S):
            raise NoEffect(f"{part} was restarted, but was not up again after {UP_WITHIN_S:g} s")
        return pid
