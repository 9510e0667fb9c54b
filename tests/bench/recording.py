"""Makes the folder of a run that never took place, with raw facts as real processes write them and known numbers.

A small model of the real thing: eight workers behind one queue, or dealt to in turn; a worker that is killed comes
back ``RESTART_S`` later, what it held is noticed after ``DETECT_S`` and served again, or (round robin) not at all. One
that is slow takes so many times as long.
"""

import atexit
import heapq
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from shutil import copytree, ignore_patterns, rmtree
from tempfile import mkdtemp
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace

from bench import parquet
from bench.checks.check import Checked, judge
from bench.checks.played import Played
from bench.checks.registry import AS_PLAYED
from bench.checks.watched import read, watched
from bench.conditions import Conditions, Machine
from bench.faults.slow import Slow
from bench.folders import EpisodeFolder
from bench.load.exchange import Ending, Exchange
from bench.load.records import Records
from bench.load.schedule import arrivals
from bench.load.search import enough
from bench.marks import Marks
from bench.phases import ClosedLoop, Open, Phase, Search
from bench.raw import to_parquet
from bench.registry import TOPOLOGIES
from bench.run_record import Clock, Episode, Injected, PlayedStep, RunRecord, episode_name, planned
from bench.runner import largest, measure, reference_capacity
from bench.running_order import Turn, running_order
from bench.sampler import Sample
from bench.scenario import Scenario
from bench.scenario_file import load
from bench.sweep import in_cell
from common.distributions import service_time
from common.executions import ExecutionLog, log_path
from common.observer import GaugeLine, NoteLine
from common.topology import Plan
from common.transaction import Fate, Transaction

HOP_S = 0.0004
DETECT_S = 0.003
RESTART_S = 1.2
COLD_START_S = 0.2
S = 1_000_000_000

CPU_US = {"front": 260.0, "broker": 110.0, "worker": 170.0, "load": 190.0, "bench": 0.0}
"""What one transaction costs each role altogether."""
SWITCHES = {"front": (4.0, 0.5), "broker": (6.0, 0.2), "worker": (5.0, 0.1), "load": (2.0, 0.1)}
"""Context switches that one transaction costs each role altogether, voluntary and not."""
IDLE_SHARE = 0.01
"""Of a processor, for each part."""
WAIT_SHARE = 0.05
"""Of its processor time, how long a part waited for it."""


class Run(NamedTuple):
    """One execution."""

    worker: int
    begun_s: float
    finished_s: float
    """0: killed in the middle."""


class Outcome(NamedTuple):
    """What becomes of one transaction."""

    runs: list[Run]
    waited_s: float
    slot_s: float
    done_s: float
    fate: Ending


class Outage(NamedTuple):
    """A part is away."""

    role: str
    number: int
    begin_s: float
    end_s: float


class Slowness(NamedTuple):
    """A worker is slow."""

    worker: int
    begin_s: float
    end_s: float
    times: float


class Pool:
    """Workers, and how transactions come to them."""

    def __init__(
        self,
        workers: int,
        in_turn: bool,
        retry: bool,
        overhead_s: float,
        outages: list[Outage],
        slow: list[Slowness],
    ) -> None:
        self._retry = retry
        self._free = np.zeros(workers)
        self._in_turn = in_turn
        self._overhead_s = overhead_s
        self._outages = outages
        self._slow = slow
        self._turn = 0

    def serve(self, sent_s: float, service_s: float, deadline_s: float) -> Outcome:
        service_s += self._overhead_s
        runs: list[Run] = []
        asked_s = sent_s + HOP_S
        while True:
            asked_s = self._after("broker", 0, asked_s)
            worker, start_s = self._next(asked_s)
            end_s = start_s + service_s * self._times(worker, start_s)
            if start_s > deadline_s:
                return Outcome(
                    runs, deadline_s - sent_s, 0, deadline_s, Ending.UNKNOWN if runs else Ending.REJECTED
                )
            killed = self._cut("worker", worker, start_s, end_s)
            self._free[worker] = killed.end_s if killed else end_s
            runs.append(Run(worker, start_s, 0 if killed else end_s))
            if killed and self._in_turn:
                return Outcome(runs, start_s - asked_s, 0, deadline_s, Ending.UNKNOWN)
            broken = killed or self._cut("broker", 0, start_s, end_s)
            if not broken:
                done_s = end_s + HOP_S
                fate = Ending.COMPLETED if done_s <= deadline_s else Ending.UNKNOWN
                return Outcome(runs, start_s - asked_s, service_s, min(done_s, deadline_s), fate)
            asked_s = broken.begin_s + DETECT_S
            if not self._retry:
                return Outcome(runs, start_s - sent_s, 0, asked_s, Ending.UNKNOWN)

    def _next(self, asked_s: float) -> tuple[int, float]:
        if self._in_turn:
            worker = self._turn
            self._turn = (worker + 1) % self._free.size
            return worker, self._after("worker", worker, max(asked_s, self._free[worker]))
        starts = [self._after("worker", w, max(asked_s, free)) for w, free in enumerate(self._free)]
        worker = int(np.argmin(starts))
        return worker, starts[worker]

    def _after(self, role: str, number: int, t_s: float) -> float:
        for outage in self._outages:
            if (outage.role, outage.number) == (role, number) and outage.begin_s <= t_s < outage.end_s:
                return outage.end_s
        return float(t_s)

    def _times(self, worker: int, t_s: float) -> float:
        now = (
            each.times for each in self._slow if each.worker == worker and each.begin_s <= t_s < each.end_s
        )
        return next(now, 1.0)

    def _cut(self, role: str, number: int, start_s: float, end_s: float) -> Outage | None:
        for outage in self._outages:
            if (outage.role, outage.number) == (role, number) and start_s < outage.begin_s < end_s:
                return outage
        return None


def make_run(
    folder: Path, *changes: str, seed: int = 1, complete: bool = True, name: str = "quick"
) -> RunRecord:
    """A run of scenario ``name`` with ``changes``, as ``run`` leaves it before anything is derived; returns its record."""
    folder.mkdir(parents=True, exist_ok=True)
    scenario = load(name, changes)
    record = RunRecord(
        complete=complete,
        scenario=scenario,
        command=("run", name, *(f"--set={change}" for change in changes)),
        clock=Clock(1 * S, 1_760_000_000 * S),
        conditions=Conditions(
            "0123456789ab", {"python": "3.11.2", "tornado": "6.6.1", "pyzmq": "27.3.0", "libzmq": "4.3.5"},
            Machine("a processor that never was", 2, 8 << 30, "6.1.0", (0.1, 0.2, 0.3)),
        ),
        plans=plans_of(largest(scenario)),
    )  # fmt: skip
    clock_s = 100.0
    order = running_order(scenario, plans_of)
    record.skipped += order.skipped
    for turn in order.turns:
        player = Player(record, turn, folder, seed, clock_s)
        record.episodes.append(player.play())
        clock_s = player.clock_s + 1
        if isinstance(turn.phase, ClosedLoop):
            played = [episode for episode in record.episodes if episode.phase == turn.phase_in_cell]
            record.take_capacity(turn.cell, reference_capacity(played))
    record.write(folder)
    return record


def plans_of(scenario: Scenario) -> dict[str, Plan]:
    """On ports that nobody opens."""
    return {
        name: TOPOLOGIES[name].plan(
            scenario.deployment, scenario.settings, lambda name: f"tcp://127.0.0.1:{name}"
        )
        for name in scenario.topologies
    }


class Player:
    """Plays one episode into its folder."""

    def __init__(
        self,
        record: RunRecord,
        turn: Turn,
        folder: Path,
        seed: int,
        clock_s: float,
    ) -> None:
        self._record = record
        self._scenario: Scenario = turn.scenario
        self._phase: Phase = turn.phase
        self._cell = turn.cell
        self._topology = turn.topology
        self._trial = turn.trial
        self._seed = seed
        self.clock_s = clock_s
        self._files = EpisodeFolder.of(folder, episode_name(turn.phase_in_cell, turn.topology, turn.trial))
        self._files.make()
        self._random = np.random.default_rng([seed, turn.trial, len(record.episodes)])
        self._logs: dict[int, ExecutionLog] = {}
        self._faults: list[Injected] = []
        self._deadlines: dict[bytes, float] = {}

    def play(self) -> Episode:
        started_ns = _ns(self.clock_s)
        self._records = Records(
            self._files.records, self._scenario.level, self._scenario.method, self._scenario.timeout_s
        )
        with Marks(self._files.marks) as self._marks:
            steps: list[PlayedStep] = []
            self._completed_per_s: list[float] = []
            for number, step in enumerate(self._phase.steps):
                steps.append(self._step(number, planned(step)))
                if isinstance(self._phase, Search) and enough(self._completed_per_s, self._phase.gain_min):
                    break
        self._records.close()
        for log in self._logs.values():
            log.close()
        self._sample(steps)
        episode = Episode(
            in_cell(self._phase.name, self._cell), self._topology, self._trial, 1, started_ns, started_ns, _ns(self.clock_s),
            tuple(steps), tuple(self._faults), (), checked=self._checked(steps),
        )  # fmt: skip
        return measure(episode, self._files)

    def _checked(self, steps: list[PlayedStep]) -> Mapping[str, Checked]:
        seen = watched(read(self._files.samples), steps)
        verdict = judge(AS_PLAYED, self._scenario, Played(self._scenario, steps, seen))
        assert not verdict.reasons
        return verdict.checked

    def _step(self, number: int, step: PlayedStep) -> PlayedStep:
        if step.load:
            step = replace(step, rate_per_s=step.load * (self._record.capacity_of(self._cell) or 0))
        begin_s = self.clock_s + 0.5
        warm_s = begin_s + step.warmup_s
        end_s = warm_s + step.duration_s
        pool = self._pool(step, warm_s, begin_s)
        times = self._closed(step, pool, number) if step.concurrency else self._open(step, pool, number)
        done_s = end_s
        for index, (scheduled_s, sent_s, outcome) in enumerate(times):
            self._write(number, index, begin_s + scheduled_s, begin_s + sent_s, outcome, begin_s, warm_s)
            done_s = max(done_s, begin_s + outcome.done_s)
        self.clock_s = done_s
        within = sum(step.warmup_s <= each.done_s < step.warmup_s + step.duration_s for _, _, each in times)
        self._completed_per_s.append(within / step.duration_s)
        return replace(
            step, begin_ns=_ns(begin_s), warm_ns=_ns(warm_s), end_ns=_ns(end_s), done_ns=_ns(done_s),
            sent=len(times), lag_p50_us=31.0, lag_p99_us=112.0, lag_max_us=900.0,
        )  # fmt: skip

    def _pool(self, step: PlayedStep, warm_s: float, begin_s: float) -> Pool:
        """Outages are told in seconds after the step's begin, as all that the pool does."""
        outages, slow = [], []
        for fault in (one for several in self._phase.faults for one in several.each()):
            at_s = warm_s - begin_s + fault.at_s
            number = 3 if fault.role == "worker" else 0
            if isinstance(fault, Slow):
                slow.append(Slowness(number, at_s, at_s + fault.for_s, fault.times))
                self._hinder(fault, step.name, f"worker-{number + 1}", begin_s + at_s)
                continue
            outages.append(Outage(fault.role, number, at_s, at_s + RESTART_S))
            self._inject(fault.label, step.name, f"{fault.role}-{number + 1}", begin_s + at_s)
        # Each trial has a machine of its own mood, and the broker takes its share of a slot.
        overhead_s = 0.0008 + 0.0001 * self._random.normal() + 0.0002 * (self._topology == "paranoid-pirate")
        return Pool(
            self._scenario.deployment.workers,
            self._topology == "direct",
            self._scenario.method == "PUT",
            overhead_s,
            outages,
            slow,
        )

    def _hinder(self, fault: Slow, step: str, part: str, t_s: float) -> None:
        until_ns = _ns(t_s + fault.for_s)
        self._faults.append(Injected(fault.label, step, part, _ns(t_s), _ns(t_s), "slow", until_ns))
        self._marks.add("fault", part, f"{fault.label}: slow", _ns(t_s))
        self._marks.add("healed", part, f"{fault.label}: as fast as before", until_ns)

    def _inject(self, label: str, step: str, part: str, t_s: float) -> None:
        self._faults.append(Injected(label, step, part, _ns(t_s), _ns(t_s), "SIGKILL to pid 103"))
        self._marks.add("fault", part, f"{label}: SIGKILL to pid 103", _ns(t_s))
        self._marks.add("exit", part, "SIGKILL, pid 103", _ns(t_s + 0.001))
        self._marks.add("start", part, "pid 203", _ns(t_s + RESTART_S - COLD_START_S))
        self._note(part, "started", "", "{}", t_s + RESTART_S)
        noticed_by = {"paranoid-pirate": "broker-1", "freelance": "front-2"}.get(self._topology)
        if part.startswith("broker"):
            noticed_by = "front-1"
        if noticed_by:
            self._note(noticed_by, "peer-lost", f"{part}.1f3a", "disconnected; it held 1", t_s + DETECT_S)
            self._note(noticed_by, "failover", "t-17", "", t_s + DETECT_S)
        self._note("front-1", "peer-up", f"{part}.77ab", "", t_s + RESTART_S)

    def _note(self, part: str, kind: str, subject: str, detail: str, t_s: float) -> None:
        with (self._files.notes / f"{part}.jsonl").open("ab") as file:
            file.write(msgspec.json.encode(NoteLine(_ns(t_s), part, kind, subject, detail)) + b"\n")

    def _open(self, step: PlayedStep, pool: Pool, number: int) -> list[tuple[float, float, Outcome]]:
        assert isinstance(self._phase, Open)
        due = arrivals(
            self._phase.arrivals,
            step.rate_per_s,
            step.warmup_s + step.duration_s,
            self._seed,
            (self._trial, number),
        )
        lags = self._random.exponential(0.00003, due.size)
        return [
            (
                at,
                at + lag,
                pool.serve(at + lag, self._service_s(number, index), at + self._scenario.timeout_s),
            )
            for index, (at, lag) in enumerate(zip(due.tolist(), lags.tolist(), strict=True))
        ]

    def _closed(self, step: PlayedStep, pool: Pool, number: int) -> list[tuple[float, float, Outcome]]:
        users = [0.0] * step.concurrency
        played: list[tuple[float, float, Outcome]] = []
        while users[0] < step.warmup_s + step.duration_s:
            at = users[0]
            outcome = pool.serve(at, self._service_s(number, len(played)), at + self._scenario.timeout_s)
            heapq.heapreplace(users, outcome.done_s + HOP_S)
            played.append((at, at, outcome))
        return played

    def _service_s(self, number: int, index: int) -> float:
        service = self._scenario.service
        id = self._id(number, index)
        return service_time(service.distribution, service.mean_ms / 1e3, self._scenario.seed, id)

    def _id(self, number: int, index: int) -> bytes:
        return f"{self._phase.name}.{self._trial}.{number}-{index}".encode()

    def _write(
        self,
        number: int,
        index: int,
        scheduled_s: float,
        sent_s: float,
        outcome: Outcome,
        begin_s: float,
        warm_s: float,
    ) -> None:
        id = self._id(number, index)
        exchange = Exchange(number, index, id, b"", _ns(scheduled_s), _ns(sent_s), scheduled_s < warm_s)
        exchange.front = index % self._scenario.deployment.fronts
        exchange.sent_ns = _ns(sent_s)
        exchange.done_ns = _ns(begin_s + outcome.done_s)
        exchange.deadline_ns = _ns(scheduled_s + self._scenario.timeout_s)
        exchange.ending = outcome.fate
        exchange.status = {Ending.COMPLETED: 200, Ending.REJECTED: 503}.get(outcome.fate, 504)
        exchange.answer_ok = outcome.fate is Ending.COMPLETED
        exchange.attempts = len(outcome.runs)
        exchange.waited_us = round(outcome.waited_s * 1e6)
        exchange.slot_us = round(outcome.slot_s * 1e6)
        exchange.bytes_out = exchange.bytes_in = 64
        self._records.add(exchange)
        retry = self._scenario.method == "PUT"
        for run in outcome.runs:
            log = self._logs.get(run.worker) or self._log(run.worker)
            log.begun(Transaction(id, (), exchange.deadline_ns / S, retry), False, _ns(begin_s + run.begun_s))
            if run.finished_s:
                log.finished(id, Fate.COMPLETED, _ns(begin_s + run.finished_s))

    def _log(self, worker: int) -> ExecutionLog:
        log = ExecutionLog(log_path(self._files.executions, f"worker-{worker + 1}", 100 + worker))
        return self._logs.setdefault(worker, log)

    def _sample(self, steps: list[PlayedStep]) -> None:
        parts = [(part.name, part.role) for part in self._record.plans[self._topology].parts] + [
            ("load", "load"),
            ("bench", "bench"),
        ]
        used = dict.fromkeys(parts, 0.0)
        served = 0.0
        completed_per_s = [step.sent / ((step.done_ns - step.begin_ns) / S) for step in steps]
        with self._files.samples.open("ab") as file:
            for t_s in np.arange(steps[0].begin_ns / S - 0.3, self.clock_s, 0.1):
                rate = sum(
                    per_s
                    for step, per_s in zip(steps, completed_per_s, strict=True)
                    if step.begin_ns <= t_s * S < step.done_ns
                )
                served += 0.1 * rate
                for part, role in parts:
                    share = sum(role == each for _, each in parts)
                    used[part, role] += 0.1 * (IDLE_SHARE + rate * CPU_US[role] / 1e6 / share)
                    voluntary, involuntary = (
                        round(served * each / share) for each in SWITCHES.get(role, (0.0, 0.0))
                    )
                    bench = role == "bench"
                    sample = Sample(
                        _ns(t_s), part, role, 100, used[part, role], 30 << 20, 3, 20, voluntary, involuntary,
                        run_delay_s=used[part, role] * WAIT_SHARE,
                        wall_ahead_s=1.76e9 if bench else None, boot_ahead_s=0.0 if bench else None,
                    )  # fmt: skip
                    file.write(msgspec.json.encode(sample) + b"\n")
        with (self._files.gauges / "front-1.jsonl").open("ab") as gauges:
            gauges.write(
                msgspec.json.encode(GaugeLine(_ns(self.clock_s), "front-1", {"outstanding": 3})) + b"\n"
            )


def _ns(seconds: float) -> int:
    return round(seconds * S)


@cache
def small_run() -> Path:
    """A small run of three topologies, converted; shared by all who only read it, and gone with the process."""
    folder = Path(mkdtemp(prefix="brokerbench-test-"))
    atexit.register(rmtree, folder, ignore_errors=True)
    make_run(folder, *SMALL)
    to_parquet(folder)
    return folder


SMALL = (
    "phase.capacity.concurrency=[4, 16]",
    "phase.capacity.duration_s=0.6",
    "phase.latency.loads=[0.5, 0.8]",
    "phase.latency.duration_s=2",
    "phase.kill-worker.duration_s=6",
    "phase.kill-broker.duration_s=6",
    "phase.kill-worker.fault.kill.at_s=2",
    "phase.kill-broker.fault.kill.at_s=2",
)


def copy_of_small_run(folder: Path) -> Path:
    """One to be spoiled."""
    return copytree(small_run(), folder, ignore=ignore_patterns("raw"))


def rewrite(folder: Path, table: str, where: str) -> None:
    """Keep only some rows of a table."""
    with parquet.open_run(folder) as database:
        database.execute(f"CREATE TABLE kept AS SELECT * FROM {table} {where}")
        database.execute(f"DELETE FROM {table}")
        database.execute(f"INSERT INTO {table} SELECT * FROM kept")
        parquet.write(database, folder)
