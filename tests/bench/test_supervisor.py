"""The supervisor keeps what it was given alive, says what it saw, and leaves nothing; its parts here are trivial."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from bench.checks.check import judge
from bench.checks.played import Played
from bench.checks.registry import AS_PLAYED
from bench.checks.watched import watched
from bench.child import Launch
from bench.clocks import Clocks
from bench.errors import PartFailed
from bench.marks import Marks
from bench.restart_policy import PRESETS, PolicyName
from bench.run_record import PlayedStep
from bench.sampler import Sample, Sampler
from bench.scenario import Supervision
from bench.scenario_file import load
from bench.supervisor import CRASHES_MAX, Supervisor, Usage
from common.topology import Part

BOUND_S = 10.0
SLEEPS = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
BREAKS = "raise SystemExit('no such thing')"
PARTS = (Part("broker", "broker-1", ()), Part("worker", "worker-1", ()), Part("worker", "worker-2", ()))


class Mark(NamedTuple):
    kind: str
    subject: str
    detail: str


class Remembered:
    """A notebook for tests."""

    def __init__(self) -> None:
        self.marks: list[Mark] = []

    def add(self, kind: str, subject: str = "", detail: str = "", t_ns: int | None = None) -> None:
        self.marks.append(Mark(kind, subject, detail))

    def of(self, kind: str) -> list[str]:
        return [mark.subject for mark in self.marks if mark.kind == kind]


def supervisor(
    folder: Path, code: str = SLEEPS, restart_delay_s: float = 0.0, policy: PolicyName = "fixed"
) -> tuple[Supervisor, Remembered]:
    seen = Remembered()
    launch = Launch((sys.executable, "-c", code))
    supervision = Supervision(policy=policy, restart_delay_s=restart_delay_s)
    return Supervisor(PARTS, lambda part: launch, folder, seen, supervision), seen


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(BOUND_S):
        while not condition():
            await asyncio.sleep(0.005)


def pids(supervised: Supervisor) -> list[int]:
    return [pid for part in PARTS if (pid := supervised.pid(part.name))]


async def test_starts_brokers_first_and_leaves_nothing(tmp_path):
    supervised, seen = supervisor(tmp_path)
    supervised.start()
    started = pids(supervised)
    assert seen.of("start") == ["broker-1", "worker-1", "worker-2"]
    assert all(psutil.pid_exists(pid) for pid in started)
    await supervised.stop(BOUND_S)
    assert not any(psutil.pid_exists(pid) for pid in started)
    assert seen.of("exit")[-1] == "broker-1"  # the fronts' and workers' turn was before
    assert not supervised.surprises
    assert "start" not in [mark.kind for mark in seen.marks[4:]]


async def test_what_dies_is_started_again_after_the_delay(tmp_path):
    supervised, seen = supervisor(tmp_path, restart_delay_s=0.2)
    supervised.start()
    before = supervised.pid("worker-1")
    supervised.signal("worker-1", signal.SIGKILL)
    await until(lambda: supervised.pid("worker-1") is None)
    died = supervised.started_ns("worker-1")
    await until(lambda: supervised.pid("worker-1"))
    assert supervised.pid("worker-1") != before
    assert supervised.started_ns("worker-1") - died >= 0.2e9
    assert not supervised.surprises, "it was killed on purpose"
    assert Mark("exit", "worker-1", f"SIGKILL, pid {before}") in seen.marks
    await supervised.stop(BOUND_S)


async def test_daemontools_starts_at_once_what_lived_longer_than_a_second(tmp_path):
    supervised, _ = supervisor(tmp_path, restart_delay_s=60, policy="daemontools")
    supervised.start()
    await until(lambda: time.monotonic_ns() > supervised.started_ns("worker-2") + 1e9)
    gaps_s = []
    for _ in range(2):
        before = supervised.started_ns("worker-1")
        supervised.signal("worker-1", signal.SIGKILL)
        killed_ns = time.monotonic_ns()
        await until(lambda before=before: supervised.started_ns("worker-1") != before)
        gaps_s.append((supervised.started_ns("worker-1") - killed_ns) / 1e9)
    assert gaps_s[0] < 0.5, "it had lived for a second"
    assert gaps_s[1] > 0.5, "it had not"
    await supervised.stop(BOUND_S)


async def test_a_part_that_was_killed_too_often_for_systemd_stays_dead_and_the_rest_goes_on(tmp_path):
    supervised, seen = supervisor(tmp_path, policy="systemd")
    supervised.start()
    for _ in range(PRESETS["systemd"].starts_max):
        await until(lambda: supervised.pid("worker-1"))
        supervised.signal("worker-1", signal.SIGKILL)
        await until(lambda: supervised.pid("worker-1") is None)
    assert supervised.given_up == seen.of("given-up") == ["worker-1"]
    assert seen.of("start").count("worker-1") == PRESETS["systemd"].starts_max
    assert not supervised.failed.done()
    assert supervised.pid("worker-2")
    await supervised.stop(BOUND_S)
    assert not pids(supervised)


async def test_an_end_that_nobody_asked_for_is_a_surprise_with_the_last_words(tmp_path):
    supervised, _ = supervisor(tmp_path, BREAKS, restart_delay_s=60)
    supervised.start()
    await until(lambda: len(supervised.surprises) == len(PARTS))
    assert "broker-1 ended by itself with status 1: no such thing" in supervised.surprises
    await supervised.stop(BOUND_S)


async def test_the_end_of_one_that_was_only_stopped_for_a_while_is_a_surprise_too(tmp_path):
    supervised, _ = supervisor(tmp_path, restart_delay_s=60)
    supervised.start()
    pid = supervised.pid("worker-1")
    assert pid
    supervised.signal("worker-1", signal.SIGSTOP)
    supervised.signal("worker-1", signal.SIGCONT)
    psutil.Process(pid).kill()
    await until(lambda: supervised.surprises)
    assert supervised.surprises == ["worker-1 ended by itself with SIGKILL: "]
    await supervised.stop(BOUND_S)


async def test_a_part_that_cannot_live_is_an_error_with_its_last_words(tmp_path):
    supervised, _ = supervisor(tmp_path, BREAKS)
    supervised.start()
    with pytest.raises(PartFailed, match=r"can't be started \(status 1\): no such thing"):
        await supervised.guard(asyncio.sleep(BOUND_S))
    await supervised.stop(BOUND_S)
    assert not pids(supervised)


async def test_guard_returns_what_the_work_returns(tmp_path):
    supervised, _ = supervisor(tmp_path)
    supervised.start()
    assert await supervised.guard(asyncio.sleep(0, "done")) == "done"
    supervised.kill()
    assert not pids(supervised)


async def test_who_does_not_stop_is_killed(tmp_path):
    supervised, seen = supervisor(tmp_path, STUBBORN)
    supervised.start()
    await until(lambda: all("deaf" in supervised.log(part.name).read_text() for part in PARTS))
    await supervised.stop(0.05)
    assert not pids(supervised)
    assert all("SIGKILL" in mark.detail for mark in seen.marks if mark.kind == "exit")


async def test_a_cancelled_stop_leaves_nothing_either(tmp_path):
    supervised, _ = supervisor(tmp_path, STUBBORN)
    supervised.start()
    await until(lambda: all("deaf" in supervised.log(part.name).read_text() for part in PARTS))
    stopping = asyncio.create_task(supervised.stop(BOUND_S))
    await asyncio.sleep(0)
    stopping.cancel()
    await asyncio.gather(stopping, return_exceptions=True)
    assert not pids(supervised)


async def test_cpu_time_goes_on_over_a_restart(tmp_path):
    burns = "import time\nwhile time.process_time() < 0.2: pass\nprint('burnt', flush=True); time.sleep(60)"
    supervised, _ = supervisor(tmp_path, burns)
    supervised.start()
    await until(lambda: all("burnt" in supervised.log(part.name).read_text() for part in PARTS))
    assert supervised.usage()["worker-1"].cpu_before_s == 0
    supervised.signal("worker-1", signal.SIGKILL)
    await until(lambda: supervised.pid("worker-1") and supervised.usage()["worker-1"].cpu_before_s >= 0.19)
    await supervised.stop(BOUND_S)


async def test_what_is_held_is_started_when_it_is_released_and_not_before(tmp_path):
    supervised, seen = supervisor(tmp_path)
    supervised.hold("worker-1")
    supervised.start()
    assert seen.of("start") == ["broker-1", "worker-2"]
    assert supervised.pid("worker-1") is None
    supervised.release("worker-1")
    assert supervised.pid("worker-1")
    await supervised.stop(BOUND_S)


async def test_what_is_held_while_it_runs_stays_away_once_it_has_ended(tmp_path):
    supervised, seen = supervisor(tmp_path)
    supervised.start()
    supervised.hold("worker-1")
    supervised.signal("worker-1", signal.SIGKILL)
    await until(lambda: "worker-1" in seen.of("exit"))
    supervised.signal("worker-2", signal.SIGKILL)
    await until(lambda: seen.of("start").count("worker-2") == 2)
    assert supervised.pid("worker-1") is None
    supervised.release("worker-1")
    supervised.release("worker-2")  # which is not held
    assert [seen.of("start").count(worker) for worker in ("worker-1", "worker-2")] == [2, 2]
    await supervised.stop(BOUND_S)


async def test_what_is_released_does_not_wait_for_the_delay(tmp_path):
    supervised, seen = supervisor(tmp_path, restart_delay_s=60)
    supervised.start()
    supervised.hold("worker-1")
    supervised.signal("worker-1", signal.SIGKILL)
    await until(lambda: "worker-1" in seen.of("exit"))
    supervised.release("worker-1")
    assert supervised.pid("worker-1")
    await supervised.stop(BOUND_S)


async def test_it_remembers_how_each_process_ended(tmp_path):
    supervised, _ = supervisor(tmp_path)
    supervised.start()
    pid = supervised.pid("worker-1")
    assert pid
    assert await supervised.ended("worker-1", pid, 0.01) is None
    supervised.signal("worker-1", signal.SIGKILL)
    assert await supervised.ended("worker-1", pid, BOUND_S) == -signal.SIGKILL
    await until(lambda: supervised.pid("worker-1"))
    assert await supervised.ended("worker-1", pid, BOUND_S) == -signal.SIGKILL
    await supervised.stop(BOUND_S)


async def test_spoilt_starts_fail_without_surprise_until_they_are_mended(tmp_path):
    supervised, seen = supervisor(tmp_path)
    supervised.start()
    supervised.spoil("worker-1")
    supervised.signal("worker-1", signal.SIGKILL)
    await until(
        lambda: len([mark for mark in seen.marks if mark.detail.startswith("status 1")]) > CRASHES_MAX
    )
    assert supervised.mend("worker-1") > CRASHES_MAX
    assert supervised.mend("worker-1") == 0
    await until(lambda: seen.of("exit").count("worker-1") < seen.of("start").count("worker-1"))
    assert not supervised.failed.done()
    assert not supervised.surprises
    assert {mark.subject for mark in seen.marks if mark.kind == "exit"} == {"worker-1"}
    await supervised.stop(BOUND_S)


async def test_samples_hold_every_part_and_never_go_back(tmp_path):
    supervised, _ = supervisor(tmp_path)
    supervised.start()
    path = tmp_path / "samples.jsonl"
    with Marks(tmp_path / "bench.jsonl") as marks:
        sampling = asyncio.create_task(Sampler(path, supervised.usage, marks).run())
        await until(lambda: path.exists() and len(path.read_bytes().splitlines()) >= 6)
        sampling.cancel()
        await asyncio.gather(sampling, return_exceptions=True)
    await supervised.stop(BOUND_S)
    samples = [decode(line) for line in path.read_bytes().splitlines()]
    assert {(sample.part, sample.role) for sample in samples} == {(part.name, part.role) for part in PARTS}
    broker = [sample for sample in samples if sample.part == "broker-1"]
    assert all(sample.rss_bytes and sample.threads and sample.fds for sample in broker[1:])
    assert [sample.cpu_s for sample in broker] == sorted(sample.cpu_s for sample in broker)


async def test_a_clock_that_is_stepped_while_it_samples_shows_in_the_benchs_own_samples(tmp_path):
    wall_s = iter([100.0] * 3 + [99.0] * 1000)
    clocks = Clocks(lambda: 0, lambda: round(next(wall_s) * 1e9), lambda: 0)
    usage = {"load": Usage("load", os.getpid(), 0.0), "bench": Usage("bench", os.getpid(), 0.0)}
    path = tmp_path / "samples.jsonl"
    with Marks(tmp_path / "bench.jsonl") as marks:
        sampling = asyncio.create_task(Sampler(path, lambda: usage, marks, clocks).run())
        await until(lambda: path.exists() and len(path.read_bytes().splitlines()) >= 12)
        sampling.cancel()
        await asyncio.gather(sampling, return_exceptions=True)
    samples = [decode(line) for line in path.read_bytes().splitlines()]
    first, last = samples[0].t_ns, samples[-1].t_ns
    step = PlayedStep("0.5", 0, 1, begin_ns=first, warm_ns=first, end_ns=last, done_ns=last)
    verdict = judge(AS_PLAYED, load("quick"), Played(load("quick"), [step], watched(samples, [step])))
    (text,) = verdict.reasons["clock-stepped"]
    assert text == "step 0.5: the time of day was stepped by 1000 ms, validity.clock_step_ms_max is 10 ms"
    assert "suspended" not in verdict.reasons
    assert all(sample.wall_ahead_s is None for sample in samples if sample.part == "load")


def decode(line: bytes) -> Sample:
    import msgspec

    return msgspec.json.decode(line, type=Sample)
