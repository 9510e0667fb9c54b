"""Keeps the parts of one deployment running, and ends them: what daemontools does for the article.

Invariant: from ``start`` to ``stop`` each part has at most one process, and a part that died is started again when
the restart policy says, unless it is held, or stays dead where that gives up; after ``stop`` or ``kill`` there is none
left. Who reads ``failed`` learns of a part that cannot live.
"""

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from bench.child import Child, Exit, Launch, last_line
from bench.errors import PartFailed
from bench.faults.network import Network
from bench.marks import Notebook
from bench.restart_policy import Life
from bench.scenario import Supervision
from common.topology import ROLES, Part, Role

CRASH_S = 1.0
"""A process that ends by itself sooner than this was never well."""
CRASHES_MAX = 2
"""So many such ends in a row are a part that cannot be started. One may be bad luck: a port in TIME_WAIT."""

ENDING = (signal.SIGTERM, signal.SIGKILL)
"""Signals after which a process ends. One that was only stopped for a while may end by a bug all the same."""

T = TypeVar("T")

Start = Callable[[Part], Launch]


class Usage(NamedTuple):
    """A part as the sampler wants it."""

    role: str
    pid: int
    cpu_before_s: float
    """What its earlier processes used."""


def crashing(part: Part) -> Launch:
    """What starts a process that is known as the part's and dies before it has done anything."""
    return Launch((sys.executable, "-I", "-c", "raise SystemExit('told to crash')", part.role, part.name))


class _Kept:
    """One part and what became of its processes."""

    def __init__(self, part: Part, log: Path) -> None:
        self.part = part
        self.log = log
        self.child: Child | None = None
        self.cpu_before_s = 0.0
        self.crashes = 0
        self.harmed_pid = 0
        """The process that was to end: that it does is no surprise."""
        self.restart: asyncio.TimerHandle | None = None
        self.lives: list[Life] = []
        """Of its ended processes, in order: what the restart policy goes by."""
        self.ends: dict[int, Exit] = {}
        """How each of its processes ended, by pid."""
        self.held = False
        """Whether it is not to be started for now."""
        self.spoilt: set[int] | None = None
        """The processes that were started to fail; None while its starts are to succeed."""


class Supervisor:
    """One deployment's parts."""

    def __init__(
        self, parts: Sequence[Part], start: Start, logs: Path, marks: Notebook, supervision: Supervision
    ) -> None:
        self._kept = {part.name: _Kept(part, logs / f"{part.name}.log") for part in parts}
        self._launch = start
        self._marks = marks
        self._supervision = supervision
        self._stopping = False
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Gets a ``PartFailed`` as its exception when a part cannot live; never a result."""
        self.surprises: list[str] = []
        """Ends that nobody asked for, for people; a trial with one is invalid."""
        self.given_up: list[str] = []
        """Parts that the restart policy leaves dead, in the order in which it gave up."""
        self.network: Network | None = None
        """Set by whoever can break the links between the parts."""

    def start(self) -> None:
        """Start every part that is not held, brokers first. None waits for another: they find each other."""
        for role in ROLES:
            for name in self.parts(role):
                if not self._kept[name].held:
                    self._start(self._kept[name])

    async def stop(self, patience_s: float) -> None:
        """End every part: fronts first, which still need the rest to drain. SIGKILL after ``patience_s`` each role."""
        self._stopping = True
        self._cancel_restarts()
        self._marks.add("stop")
        try:
            for role in reversed(ROLES):
                await asyncio.gather(*(child.stop(patience_s) for child in self._children(role)))
        finally:
            self.kill()

    def kill(self) -> None:
        """End every part at once, without the loop; harmless where there is none."""
        self._stopping = True
        self._cancel_restarts()
        for kept in self._kept.values():
            if kept.child:
                kept.child.kill()
        if self.failed.done() and not self.failed.cancelled():
            self.failed.exception()  # seen: whoever stops needs no reminder
        else:
            self.failed.cancel()

    async def guard(self, work: Coroutine[Any, Any, T]) -> T:
        """Do ``work`` as long as every part can live.

        Raises:
            PartFailed: one cannot; the work is cancelled.
        """
        task = asyncio.ensure_future(work)
        either: set[asyncio.Future[Any]] = {task, self.failed}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if self.failed.done():
                self.failed.result()
            return await task
        finally:
            task.cancel()

    def usage(self) -> Mapping[str, Usage]:
        """The running parts by name."""
        return {
            name: Usage(kept.part.role, kept.child.pid, kept.cpu_before_s)
            for name, kept in self._kept.items()
            if kept.child and kept.child.running
        }

    def started_ns(self, part: str) -> int:
        """When the part's last process was started; 0 where it never was."""
        child = self._kept[part].child
        return child.started_ns if child else 0

    def held(self, part: str) -> bool:
        """Whether the part is not to be started for now."""
        return self._kept[part].held

    def log(self, part: str) -> Path:
        """Where the part writes what it has to say."""
        return self._kept[part].log

    # --- what a fault may do (bench.faults.fault.Deployed) -----------------------------------------------

    def parts(self, role: Role) -> Sequence[str]:
        """Names of a role's parts, in the plan's order."""
        return [name for name, kept in self._kept.items() if kept.part.role == role]

    def pid(self, part: str) -> int | None:
        """The part's process."""
        child = self._kept[part].child
        return child.pid if child and child.running else None

    def signal(self, part: str, number: int) -> None:
        """Signal the part's process; an end that the signal asks for is no surprise. Raises ProcessLookupError."""
        kept = self._kept[part]
        if not kept.child:
            raise ProcessLookupError(f"{part} was never started")
        kept.child.signal(number)
        if number in ENDING:
            kept.harmed_pid = kept.child.pid

    async def ended(self, part: str, pid: int, within_s: float) -> int | None:
        """Wait for the end of that process of the part; its exit status, None if it is still there."""
        kept = self._kept[part]
        if kept.child and kept.child.pid == pid:
            await kept.child.wait(within_s)
        end = kept.ends.get(pid)
        return end.status if end else None

    def hold(self, part: str) -> None:
        """Do not start the part until ``release``; one that runs goes on, and stays away once it has ended."""
        self._kept[part].held = True

    def release(self, part: str) -> None:
        """Start what was held, at once, and not only after the delay; harmless where it runs or was not held."""
        kept = self._kept[part]
        if not kept.held:
            return
        kept.held = False
        if not self._stopping and self.pid(part) is None:
            if kept.restart:
                kept.restart.cancel()
            self._start(kept)

    def spoil(self, part: str) -> None:
        """Start something else in its place from now on, whose processes exit at once with status 1, as they should."""
        self._kept[part].spoilt = set()

    def mend(self, part: str) -> int:
        """Start it as usual again; returns how many of the others have failed."""
        kept = self._kept[part]
        spoilt, kept.spoilt = kept.spoilt or set(), None
        return sum(pid in kept.ends and kept.ends[pid].status > 0 for pid in spoilt)

    # --- inside ------------------------------------------------------------------------------------------

    def _children(self, role: Role) -> list[Child]:
        kept = [self._kept[name] for name in self.parts(role)]
        return [each.child for each in kept if each.child and each.child.running]

    def _start(self, kept: _Kept) -> None:
        kept.restart = None
        if kept.held:
            return
        name = kept.part.name
        launch = self._launch(kept.part) if kept.spoilt is None else crashing(kept.part)
        kept.child = Child(launch, kept.log, lambda child: self._ended(kept, child))
        if kept.spoilt is not None:
            kept.spoilt.add(kept.child.pid)
            kept.harmed_pid = kept.child.pid
        self._marks.add("start", name, f"pid {kept.child.pid}", kept.child.started_ns)

    def _ended(self, kept: _Kept, child: Child) -> None:
        assert child.end
        kept.cpu_before_s += child.end.cpu_s
        kept.ends[child.pid] = child.end
        self._marks.add("exit", kept.part.name, f"{child.end}, pid {child.pid}", child.end.t_ns)
        if self._stopping:
            return
        if kept.harmed_pid == child.pid:
            kept.crashes = 0
        else:
            self._surprised(kept, child)
        kept.lives.append(Life(child.started_ns / 1e9, child.end.t_ns / 1e9))
        due_s = self._supervision.restart.next_start_s(kept.lives)
        if due_s is None:
            self._give_up(kept, asked=kept.harmed_pid == child.pid)
            return
        wait_s = max(due_s - time.monotonic(), 0)
        kept.restart = asyncio.get_running_loop().call_later(wait_s, self._start, kept)

    def _give_up(self, kept: _Kept, asked: bool) -> None:
        """It stays dead. Where a fault asked for its deaths, that is what this supervisor does; else it is an error."""
        name = kept.part.name
        why = f"{self._supervision.policy} does not start it again after {len(kept.lives)} deaths"
        self.given_up.append(name)
        self._marks.add("given-up", name, why)
        if not asked and not self.failed.done():
            self.failed.set_exception(PartFailed(f"{name} was given up: {why} (log: {kept.log})"))

    def _surprised(self, kept: _Kept, child: Child) -> None:
        assert child.end
        name = kept.part.name
        said = last_line(kept.log)
        self.surprises.append(f"{name} ended by itself with {child.end}: {said}")
        lived_s = (child.end.t_ns - child.started_ns) / 1e9
        kept.crashes = kept.crashes + 1 if lived_s < CRASH_S else 1
        if kept.crashes >= CRASHES_MAX and not self.failed.done():
            self.failed.set_exception(
                PartFailed(f"{name} can't be started ({child.end}): {said} (log: {kept.log})")
            )

    def _cancel_restarts(self) -> None:
        for kept in self._kept.values():
            if kept.restart:
                kept.restart.cancel()
                kept.restart = None
