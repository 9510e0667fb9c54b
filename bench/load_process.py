"""The load process as the bench sees it: started, followed line by line while it plays, ended.

Invariant: it is followed within a bound; when ``lines`` is through or given up, ``close`` leaves no process.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from bench import launch
from bench.child import Child, last_line
from bench.folders import EpisodeFolder
from bench.load.report import Line, Stop, Trouble
from bench.load.spec import LoadSpec

LOOK_AGAIN_S = 0.02
"""How often the report is read: a fault at 0 s of a step without warm-up is late by that at most."""
START_S = 15.0
"""How long it may take to start, and how much more than planned it may take in all."""


class LoadFailed(Exception):
    """The load process did not play what it was told; says why."""


class LoadProcess:
    """Plays one spec."""

    def __init__(self, spec: LoadSpec, folder: EpisodeFolder) -> None:
        self._spec = spec
        self._report = Path(spec.report_file)
        self._log = folder.logs / "load.log"
        self.child = Child(launch.load(spec, folder.spec), self._log)

    async def lines(self) -> AsyncIterator[Line]:
        """What it tells, as it tells it, until its last line.

        Raises:
            LoadFailed: it ended before, or is not done long after it should be.
        """
        read = 0
        give_up_at = time.monotonic() + self._seconds_max()
        while True:
            ended = not self.child.running  # before reading: what it wrote last is then read
            fresh, read = self._read(read)
            for line in fresh:
                if isinstance(line, Trouble):
                    raise LoadFailed(f"the load process had to give up: {line.detail}")
                yield line
                if isinstance(line, Stop):
                    return
            if ended:
                raise LoadFailed(f"the load process ended with {self.child.end}: {last_line(self._log)}")
            if time.monotonic() > give_up_at:
                raise LoadFailed(f"the load process was not done after {self._seconds_max():.0f} s")
            await asyncio.sleep(LOOK_AGAIN_S)

    async def close(self) -> None:
        """End it, if it has not ended."""
        try:
            await self.child.wait(START_S)
        finally:
            self.child.kill()

    def _read(self, start: int) -> tuple[list[Line], int]:
        """The whole lines from byte ``start`` on, and where to go on."""
        try:
            with self._report.open("rb") as file:
                file.seek(start)
                whole, newline, _ = file.read().rpartition(b"\n")
        except FileNotFoundError:
            return [], start
        lines = [msgspec.json.decode(line, type=Line) for line in whole.splitlines()]
        return lines, start + len(whole) + len(newline)

    def _seconds_max(self) -> float:
        steps = sum(step.warmup_s + step.duration_s + self._spec.timeout_s + 2 for step in self._spec.steps)
        return START_S + steps
