"""A load process that is really starved is found out: put aside by a signal, or on a processor that others keep busy."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from bench.checks.check import Verdict, judge
from bench.checks.played import Played
from bench.checks.registry import AS_PLAYED
from bench.checks.watched import read, watched
from bench.folders import EpisodeFolder
from bench.load.report import Begin, End
from bench.load.spec import OpenStep
from bench.load_process import LoadProcess
from bench.marks import Marks
from bench.run_record import PlayedStep
from bench.sampler import Sampler
from bench.scenario_file import load
from bench.schedstat import PROC
from bench.supervisor import Usage
from tests.bench.load.scripted import echo, serving, spec

QUICK = load("quick")
SPINS = "while True: pass"
STARVE_S = 0.3
SPINNERS = 8
"""So many that it waits most of the time, and yet gets its turn every few milliseconds: the kernel counts a wait when it
is over, so one that is put aside for seconds has waited for nothing by then.
"""

pytestmark = pytest.mark.alone

Starve = Callable[[LoadProcess], Awaitable[None]]


async def played(folder: Path, starve: Starve) -> Verdict:
    """One step of a second and a half at 200/s against an echo in this process, with ``starve`` done in its measured part."""
    files = EpisodeFolder.of(folder, "starved")
    files.make()
    async with serving(echo) as target:
        step = OpenStep(name="1", arrivals="constant", rate_per_s=200, duration_s=1.5)
        told = spec(files.raw, (step,), targets=(target,), guard_pid=os.getpid())
        process = LoadProcess(told, files)
        usage = {"load": Usage("load", process.child.pid, 0.0), "bench": Usage("bench", os.getpid(), 0.0)}
        with Marks(files.marks) as marks:
            sampling = asyncio.create_task(Sampler(files.samples, lambda: usage, marks).run())
            try:
                async for line in process.lines():
                    if isinstance(line, Begin):
                        await starve(process)
                    elif isinstance(line, End):
                        end = line
            finally:
                process.child.kill()
                sampling.cancel()
                await asyncio.gather(sampling, return_exceptions=True)
    steps = [
        PlayedStep(
            "1", 0, 1.5, begin_ns=end.begin_ns, warm_ns=end.warm_ns, end_ns=end.end_ns, done_ns=end.done_ns,
            sent=end.sent, dropped=end.dropped, lag_p99_us=end.lag.p99_us, load_cpu_s=end.cpu_s,
        )
    ]  # fmt: skip
    return judge(AS_PLAYED, QUICK, Played(QUICK, steps, watched(read(files.samples), steps)))


async def put_aside(process: LoadProcess) -> None:
    process.child.signal(signal.SIGSTOP)
    await asyncio.sleep(STARVE_S)  # this is what is done to it, not a wait for it
    process.child.signal(signal.SIGCONT)


async def test_a_load_process_that_was_put_aside_sent_late(tmp_path):
    verdict = await played(tmp_path, put_aside)
    (text,) = verdict.reasons["load-lag"]
    assert text.startswith("step 1: the load process sent late by ")
    lag_ms = verdict.checked["load-lag"].worst
    assert lag_ms is not None
    assert lag_ms >= 0.5 * STARVE_S * 1e3  # it may have been put aside a moment before the step began


@contextmanager
def spinning(processor: int) -> Iterator[None]:
    """Processes that keep one processor busy."""
    with ExitStack() as running:
        for _ in range(SPINNERS):
            spinner = running.enter_context(subprocess.Popen([sys.executable, "-c", SPINS]))
            running.callback(spinner.kill)
            os.sched_setaffinity(spinner.pid, {processor})
        yield


@pytest.mark.skipif(not (PROC / "self" / "schedstat").exists(), reason="this kernel keeps no schedstat")
async def test_a_load_process_whose_processor_others_keep_busy_waited_for_it(tmp_path):
    processor = min(os.sched_getaffinity(0))
    with ExitStack() as busy:

        async def crowd(process: LoadProcess) -> None:
            for thread in (PROC / str(process.child.pid) / "task").iterdir():
                os.sched_setaffinity(int(thread.name), {processor})
            busy.enter_context(spinning(processor))

        verdict = await played(tmp_path, crowd)
    (text,) = verdict.reasons["load-starved"]
    assert text.startswith("step 1, load: waited ")
    assert text.endswith("of the time for a processor, validity.load_run_delay_share_max is 30%")
