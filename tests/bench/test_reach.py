"""The faults on real processes, small ones: each does to them what it says, and sees that it did."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from bench.child import Launch
from bench.faults.absent import Absent
from bench.faults.crash_loop import CrashLoop
from bench.faults.fault import NoEffect
from bench.faults.kill import Kill
from bench.faults.pause import Pause
from bench.faults.rolling_restart import RollingRestart
from bench.faults.terminate import Terminate
from bench.folders import EpisodeFolder
from bench.reach import Reach
from bench.scenario_file import make
from common.topology import Part, Role
from tests.bench.test_supervisor import Remembered, until

BOUND_S = 10.0
WORKERS = ("worker-1", "worker-2")
# A part as small as one can be: it says that it has started, and exits in peace when it is told to.
PROGRAM = """
import signal, sys, time
name, notes, deaf = sys.argv[1:]
signal.signal(signal.SIGTERM, signal.SIG_IGN if deaf == "deaf" else lambda *_: sys.exit(0))
line = '{"t_ns":%d,"part":"%s","kind":"started","subject":"","detail":""}\\n'
with open(f"{notes}/{name}.jsonl", "a") as file:
    file.write(line % (time.monotonic_ns(), name))
time.sleep(60)
"""
SCENARIO = {
    "name": "small",
    "topologies": ["freelance"],
    "settings": {"limits": {"drain_s": 0.2}},
    "supervision": {"restart_delay_s": 0.0},
    "phase": [{"name": "one", "kind": "open", "duration_s": 1, "rates_per_s": [1]}],
}


@asynccontextmanager
async def deployed(folder: Path, deaf: str = "", absent: str = "") -> AsyncIterator[tuple[Reach, Remembered]]:
    """Two workers that are up, without ``absent``, and what was noted."""
    files = EpisodeFolder.of(folder, "episode")
    files.make()

    def launch(part: Part) -> Launch:
        words = (sys.executable, "-c", PROGRAM, part.name, str(files.notes), deaf or "hearing")
        return Launch(words)

    seen = Remembered()
    role: Role = "worker"
    reach = Reach([Part(role, name, ()) for name in WORKERS], launch, files, seen, make(SCENARIO), {})
    if absent:
        reach.hold(absent)
    reach.start()
    try:
        for name in WORKERS:
            assert name == absent or await reach.up(name, 0, BOUND_S)
        yield reach, seen
    finally:
        reach.kill()


async def test_kill_hits_the_process_and_is_seen_to(tmp_path):
    async with deployed(tmp_path) as (reach, seen):
        pid = reach.pid("worker-2")
        assert pid
        assert await Kill(role="worker", at_s=0).apply(reach, "worker-2") == f"SIGKILL to pid {pid}"
        assert not psutil.pid_exists(pid)
        assert await reach.up("worker-2", pid, BOUND_S)
        assert not reach.surprises


async def test_terminate_lets_it_exit_and_it_comes_up_again(tmp_path):
    async with deployed(tmp_path) as (reach, seen):
        pid = reach.pid("worker-1")
        assert pid
        seen_to = await Terminate(role="worker", at_s=0).apply(reach, "worker-1")
        assert seen_to == f"SIGTERM to pid {pid}, which exited"
        assert f"status 0, pid {pid}" in [mark.detail for mark in seen.marks if mark.kind == "exit"]
        assert await reach.up("worker-1", pid, BOUND_S)
        assert not reach.surprises


async def test_terminate_of_who_is_deaf_has_no_effect(tmp_path):
    async with deployed(tmp_path, deaf="deaf") as (reach, _):
        with pytest.raises(NoEffect, match=r"worker-1 was told to drain, but was still there after 1\.2 s"):
            await Terminate(role="worker", at_s=0).apply(reach, "worker-1")


async def test_pause_stops_the_process_and_lets_it_go_on(tmp_path):
    pause = Pause(role="worker", at_s=0, for_s=1)
    async with deployed(tmp_path) as (reach, _):
        pid = reach.pid("worker-1")
        process = psutil.Process(pid)
        assert await pause.apply(reach, "worker-1") == f"SIGSTOP to pid {pid}"
        assert process.status() == psutil.STATUS_STOPPED
        assert psutil.Process(reach.pid("worker-2")).status() != psutil.STATUS_STOPPED
        assert await pause.undo(reach, "worker-1") == f"SIGCONT to pid {pid}"
        assert process.status() != psutil.STATUS_STOPPED
        assert reach.pid("worker-1") == pid


async def test_a_pause_that_somebody_else_ended_is_told(tmp_path):
    pause = Pause(role="worker", at_s=0, for_s=1)
    async with deployed(tmp_path) as (reach, _):
        for number in (signal.SIGCONT, signal.SIGKILL):
            pid = reach.pid("worker-1")
            assert pid
            await pause.apply(reach, "worker-1")
            reach.signal("worker-1", number)
            await until(lambda pid=pid: not psutil.pid_exists(pid) or running(pid))
            with pytest.raises(NoEffect, match="worker-1 was paused, but did not stand still any more"):
                await pause.undo(reach, "worker-1")


def running(pid: int) -> bool:
    return psutil.Process(pid).status() != psutil.STATUS_STOPPED


async def test_a_crash_loop_crashes_really_and_ends(tmp_path):
    loop = CrashLoop(role="worker", at_s=0, for_s=1)
    async with deployed(tmp_path) as (reach, seen):
        pid = reach.pid("worker-1")
        assert pid
        assert await loop.apply(reach, "worker-1") == f"SIGKILL to pid {pid}"
        await until(lambda: [m.detail[:8] for m in seen.marks if m.kind == "exit"].count("status 1") >= 3)
        assert "crashed before: " in await loop.undo(reach, "worker-1")
        assert await reach.up("worker-1", pid, BOUND_S)
        assert not reach.surprises
        assert not reach.failed.done()


async def test_a_crash_loop_over_before_a_start_had_no_effect(tmp_path):
    loop = CrashLoop(role="worker", at_s=0, for_s=1)
    async with deployed(tmp_path) as (reach, _):
        await loop.apply(reach, "worker-1")
        with pytest.raises(NoEffect, match="worker-1 was to crash at each start, but none was seen to"):
            await loop.undo(reach, "worker-1")


async def test_absent_is_started_at_its_end(tmp_path):
    absent = Absent(role="worker", at_s=0, for_s=1)
    async with deployed(tmp_path, absent="worker-2") as (reach, _):
        assert await absent.apply(reach, "worker-2") == "it was never started"
        await absent.undo(reach, "worker-2")
        assert await reach.up("worker-2", 0, BOUND_S)


async def test_a_rolling_restart_has_one_away_at_a_time(tmp_path):
    rolling = RollingRestart(role="worker", at_s=0, which=2, pause_s=0.0)
    async with deployed(tmp_path) as (reach, seen):
        before = [reach.pid(name) for name in WORKERS]
        await rolling.apply(reach, "worker-2")
        assert all(reach.pid(name) not in (None, *before) for name in WORKERS)
        changes = [(mark.kind, mark.subject) for mark in seen.marks[len(WORKERS) :]]
        assert changes == [(kind, name) for name in ("worker-2", "worker-1") for kind in ("exit", "start")]


async def test_what_does_not_come_up_is_not_waited_for_for_ever(tmp_path):
    async with deployed(tmp_path) as (reach, _):
        pid = reach.pid("worker-1")
        assert pid
        begin = time.monotonic()
        assert not await reach.up("worker-1", pid, 0.1)
        assert time.monotonic() - begin >= 0.1
        assert not await asyncio.wait_for(reach.up("worker-1", pid, 0), BOUND_S)
