"""Plays one episode: one topology, one trial, one phase, on a fresh deployment of real processes.

Invariant: when ``play`` is through, however it ended, none of its processes is left; what is returned says whether the
episode can be believed, as far as can be told before the ledger is drawn up.

The story: deploy, wait until ready, let the load play its steps, break what is to be broken when it is due, stop, look.
"""

import asyncio
import os
import time
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path

from msgspec.structs import replace

from bench import bank, connections, launch
from bench.audit import Audit, violations
from bench.checks.check import judge
from bench.checks.played import Played
from bench.checks.registry import AS_PLAYED
from bench.checks.watched import read, watched
from bench.child import Launch
from bench.connections import Connections
from bench.faults.fault import Fault
from bench.faults.injection import Injection
from bench.folders import EpisodeFolder
from bench.load.report import Begin, End, Offered, Ready
from bench.load.spec import LoadSpec
from bench.load_orders import orders
from bench.load_process import LoadFailed, LoadProcess
from bench.marks import Marks
from bench.part_orders import part_spec
from bench.phases import Search, Soak
from bench.ports import Ports
from bench.reach import Reach
from bench.readiness import wait_until_ready
from bench.run_record import Doubt, Episode, PlayedStep
from bench.running_books import RunningBooks, broken_laws
from bench.sampler import Sampler
from bench.soak import rounds_of
from bench.supervisor import Usage
from bench.task import Task
from bench.wiring import Wiring
from common.bank.database import DatabaseError
from common.bank.settings import BankSpec
from common.topology import Part


async def play(task: Task, folder: EpisodeFolder) -> Episode:
    """Play it, with all raw facts in ``folder``, which must not exist.

    Raises:
        PartFailed: a part cannot be started.
    """
    folder.make()
    service = task.scenario.service
    with Ports() as ports, Marks(folder.marks) as marks, bank.opened(service, folder) as its_bank:
        stage = _Stage(task, folder, ports, marks, its_bank)
        try:
            return await stage.play()
        finally:
            stage.clear()


class _Stage:
    """What an episode needs while it is played."""

    def __init__(
        self, task: Task, folder: EpisodeFolder, ports: Ports, marks: Marks, its_bank: BankSpec | None
    ) -> None:
        self._task = task
        self._bank = its_bank
        self._scenario = task.scenario
        self._folder = folder
        self._marks = marks
        self._wiring = Wiring(task.scenario, task.phase, task.topology, ports, folder)
        self._plan = self._wiring.plan
        self._supervisor = Reach(
            self._processes(), self._launch, folder, marks, task.scenario, self._fronts()
        )
        others = ["load", "relay"] if self._wiring.mechanism == "relay" else ["load"]
        folder.begin_logs([*(part.name for part in self._processes()), *others], task.attempt)
        self._load: LoadProcess | None = None
        # Without the topology's name: the same part is hit in each of them.
        words = (task.scenario.seed, task.phase_in_cell, task.trial)
        self._injection = Injection(task.phase.faults, self._supervisor, marks, "/".join(map(str, words)))
        phase = task.phase
        self._drawn = (
            rounds_of(task.scenario, phase, task.trial, self._plan) if isinstance(phase, Soak) else {}
        )
        self._books = RunningBooks(folder, broken_laws)
        self._doubts: list[Doubt] = []
        self._connections: Connections | None = None

    async def play(self) -> Episode:
        """The story."""
        started_ns = time.monotonic_ns()
        self._supervisor.network = await self._wiring.open()
        self._injection.prepare(self._task.steps[0].name)
        self._supervisor.start()
        sampler = asyncio.create_task(Sampler(self._folder.samples, self._usage, self._marks).run())
        try:
            await self._ready()
            ready_ns = time.monotonic_ns()
            steps = await self._perform()
            faults, without_effect = await self._injection.outcome()
            self._doubts += without_effect
            await self._supervisor.stop(self._patience_s())
        finally:
            sampler.cancel()
            await asyncio.gather(sampler, return_exceptions=True)
        found = self._audit()
        verdict = judge(AS_PLAYED, self._scenario, self._played(steps))
        self._doubts += [Doubt("part", surprise) for surprise in self._supervisor.surprises]
        self._doubts += self._wiring.doubts()
        self._doubts += [Doubt("measurement", text) for texts in verdict.reasons.values() for text in texts]
        return Episode(
            phase=self._task.phase_in_cell,
            topology=self._task.topology,
            trial=self._task.trial,
            attempt=self._task.attempt,
            started_ns=started_ns,
            ready_ns=ready_ns,
            ended_ns=time.monotonic_ns(),
            steps=tuple(steps),
            faults=tuple(faults),
            doubts=tuple(self._doubts),
            given_up=tuple(self._supervisor.given_up),
            links_by=self._wiring.mechanism,
            audit=found,
            checked=verdict.checked,
            connections=self._connections,
        )

    def clear(self) -> None:
        """Leave no process and no task, at once; harmless where there is none."""
        self._injection.cancel()
        self._books.cancel()
        if self._load:
            self._load.child.kill()
        self._supervisor.kill()
        self._wiring.close()

    async def _ready(self) -> None:
        due = [part for part in self._processes() if not self._supervisor.held(part.name)]
        await wait_until_ready(
            self._supervisor,
            self._folder.notes,
            [part.name for part in due],
            self._fronts(),
            self._scenario.supervision.ready_s,
            able={part.role for part in due} == {part.role for part in self._processes()},
        )
        self._marks.add("ready")

    async def _perform(self) -> list[PlayedStep]:
        """Let the load play; a step that it did not get to has no times."""
        self._load = LoadProcess(self._orders(), self._folder)
        return await self._supervisor.guard(self._follow(self._load))

    async def _follow(self, load: LoadProcess) -> list[PlayedStep]:
        steps = list(self._task.steps)
        try:
            async for line in load.lines():
                if self._wiring.doubts():
                    # No part can reach another any more: nothing that follows is of use.
                    load.child.kill()
                    break
                if isinstance(line, Ready):
                    self._connections = self._connected(line.pid)
                elif isinstance(line, Begin):
                    self._begin(line)
                elif isinstance(line, Offered):
                    self._injection.offered(line.name, line.burst, line.rate_per_s, line.sent_per_s)
                elif isinstance(line, End):
                    steps[line.step] = _played(steps[line.step], line)
                    if broken := self._books.broken():
                        self._doubts += [Doubt("law", f"the soak was ended: {law}") for law in broken]
                        load.child.kill()
                        break
                    if isinstance(self._task.phase, Soak) and not steps[-1].done_ns:
                        self._books.look(steps)
            await load.close()
        except LoadFailed as failure:
            self._doubts.append(Doubt("load", str(failure)))
        # What a search did not need is no step that is missing.
        return [step for step in steps if step.begin_ns or not isinstance(self._task.phase, Search)]

    def _begin(self, line: Begin) -> None:
        self._marks.add("warmup", line.name, t_ns=line.begin_ns)
        self._marks.add("measured", line.name, t_ns=line.warm_ns)
        self._marks.add("end", line.name, t_ns=line.end_ns)
        self._injection.begin(line.name, line.warm_ns, self._drawn.get(line.name, ()))

    def _audit(self) -> Audit | None:
        """Hold the bank's books against the load's records; broken laws are doubts."""
        if self._bank is None or not self._folder.records.exists():
            return None
        try:
            found = bank.audited(self._bank, self._folder.records, self._scenario.seed, self._task.id_prefix)
        except DatabaseError as error:
            self._doubts.append(Doubt("audit", f"the bank's books could not be read: {error}"))
            return None
        self._doubts += [Doubt("audit", violation) for violation in violations(found)]
        return found

    def _played(self, steps: list[PlayedStep]) -> Played:
        """What the checks look at, once nothing is sampled any more."""
        return Played(self._scenario, steps, watched(read(self._folder.samples), steps))

    # --- what is started ---------------------------------------------------------------------------------

    def _processes(self) -> list[Part]:
        return self._scenario.processes(self._plan)

    def _fronts(self) -> Mapping[str, tuple[str, int]]:
        """Where each front's HTTP is."""
        return {part.name: self._wiring.http(part.name) for part in self._processes() if part.role == "front"}

    def _launch(self, part: Part) -> Launch:
        http = self._wiring.http(part.name) if part.role == "front" else None
        there = self._wiring.part(part)
        spec = part_spec(self._task, there, http, self._hindrance(part), self._bank, self._folder)
        return self._wiring.launch(part.name, launch.part(spec, self._folder.parts))

    def _faults(self) -> Iterable[Fault]:
        """All that may come, those that were drawn included."""
        return chain(self._task.phase.faults, *self._drawn.values())

    def _hindrance(self, part: Part) -> Path | None:
        """What a worker shares with the phase's faults, where one hinders workers; the others pay nothing."""
        if part.role != "worker" or not any(fault.hinders for fault in self._faults()):
            return None
        return self._supervisor.hindrance(part.name).path

    def _orders(self) -> LoadSpec:
        """What the load is told."""
        front = self._wiring.part(next(part for part in self._plan.parts if part.role == "front"))
        targets = [f"{host}:{port}" for host, port in self._fronts().values()]
        return orders(self._task, front, targets, self._bank, self._folder)

    def _usage(self) -> Mapping[str, Usage]:
        parts = dict(self._supervisor.usage())
        if self._load and self._load.child.running:
            parts["load"] = Usage("load", self._load.child.pid, 0.0)
        return {**parts, **self._wiring.usage(), "bench": Usage("bench", os.getpid(), 0.0)}

    def _connected(self, load: int) -> Connections | None:
        """Who is connected to whom, before the first step; ``load``: the pid of the load process."""
        processes = {name: usage.pid for name, usage in self._supervisor.usage().items()}
        if self._scenario.level == "client":
            processes |= {part.name: load for part in self._plan.parts if part.role == "front"}
        relay = self._wiring.usage().get("relay")
        return connections.count(self._plan, processes, relay.pid if relay else None)

    def _patience_s(self) -> float:
        return self._scenario.settings.limits.drain_s + self._scenario.supervision.stop_margin_s


def _played(step: PlayedStep, line: End) -> PlayedStep:
    return replace(
        step,
        begin_ns=line.begin_ns,
        warm_ns=line.warm_ns,
        end_ns=line.end_ns,
        done_ns=line.done_ns,
        sent=line.sent,
        retried=line.retried,
        dropped=line.dropped,
        lag_p50_us=line.lag.p50_us,
        lag_p99_us=line.lag.p99_us,
        lag_max_us=line.lag.max_us,
        load_cpu_s=line.cpu_s,
    )
