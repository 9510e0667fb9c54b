"""A supervised deployment as far as a fault may reach into it: beside its processes, what they have said, and what
they can be told.

Invariant: what a fault has to remember from ``apply`` to ``undo`` is here or in the supervisor, and ends with the
episode.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence

from bench.faults.hindrance import Hindrance
from bench.folders import EpisodeFolder
from bench.marks import Notebook
from bench.readiness import ASK_AGAIN_S, answers, started
from bench.scenario import Scenario
from bench.supervisor import Start, Supervisor
from common.topology import Part


class Reach(Supervisor):
    """Implements ``bench.faults.fault.Deployed``."""

    def __init__(
        self,
        parts: Sequence[Part],
        start: Start,
        folder: EpisodeFolder,
        marks: Notebook,
        scenario: Scenario,
        fronts: Mapping[str, tuple[str, int]],
    ) -> None:
        """``fronts``: where each one's HTTP is."""
        super().__init__(parts, start, folder.logs, marks, scenario.supervision)
        self._folder = folder
        self._fronts = fronts
        self._drain_s = scenario.settings.limits.drain_s
        self._hindrances: dict[str, Hindrance] = {}

    @property
    def drain_s(self) -> float:
        """How long a part that is told to stop may take."""
        return self._drain_s

    async def up(self, part: str, after_pid: int, within_s: float) -> bool:
        """Wait until the part has another process, which has its sockets open and, a front, is ready."""
        end = time.monotonic() + within_s
        while not await self._is_up(part, after_pid):
            if time.monotonic() > end:
                return False
            await asyncio.sleep(ASK_AGAIN_S)
        return True

    async def _is_up(self, part: str, after_pid: int) -> bool:
        if self.pid(part) in (None, after_pid):
            return False
        if not started(self._folder.notes, part, self.started_ns(part)):
            return False
        return part not in self._fronts or await answers(*self._fronts[part])

    def hindrance(self, part: str) -> Hindrance:
        """What makes a worker's service hang or slow down; made at the first call, before the part is started."""
        if part not in self._hindrances:
            self._hindrances[part] = Hindrance(self._folder.hindrance(part))
        return self._hindrances[part]
