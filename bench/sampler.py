"""CPU time and the wait for it, memory, threads and descriptors of every process of an episode, and what the machine's
clocks say, ten times a second, in ``samples.jsonl``.

Invariant: a part's ``cpu_s`` never goes backwards: its earlier processes' use is added, exactly, from their exits; nor
does its ``run_delay_s``. What is not known is left out, and is not 0.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec
import psutil

from bench.clocks import MACHINE, Ahead, Clocks
from bench.context_switches import context_switches
from bench.marks import Marks
from bench.schedstat import RunDelay
from bench.supervisor import Usage

INTERVAL_S = 0.1
LAG_S = 0.1
"""A sample later than this is a mark: something held the bench up, and it shared the machine with what it measures."""


SWITCHES_EVERY = 5
"""Samples from one count of context switches to the next: it reads a file for each thread, a quarter of a millisecond a
process, which at every sample would take more of a processor than all the rest.
"""


class Sample(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line: one part at one instant."""

    t_ns: int
    part: str
    role: str
    pid: int
    cpu_s: float
    rss_bytes: int
    threads: int
    fds: int
    ctx_voluntary: int | None = None
    ctx_involuntary: int | None = None
    """Context switches of all threads of this process, none of the part's earlier ones; in every fifth sample."""
    run_delay_s: float | None = None
    """How long it was ready to run and got no processor, over all its threads and processes (``bench.schedstat``)."""
    wall_ahead_s: float | None = None
    boot_ahead_s: float | None = None
    """Of CLOCK_MONOTONIC, in the bench's own samples (``bench.clocks``)."""


class Sampler:
    """The writer."""

    def __init__(
        self,
        path: Path,
        usage: Callable[[], Mapping[str, Usage]],
        marks: Marks,
        clocks: Clocks = MACHINE,
    ) -> None:
        """``usage`` tells what there is to sample, anew each time."""
        self._path = path
        self._usage = usage
        self._marks = marks
        self._clocks = clocks
        self._delays: dict[str, RunDelay] = {}
        self._processes: dict[int, psutil.Process] = {}
        self._taken = 0

    async def run(self) -> None:
        """Sample until cancelled, and once more then."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        with self._path.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(self._lines())
                    due += INTERVAL_S
                    late_s = loop.time() - due
                    if late_s > LAG_S:
                        self._marks.add("lag", "bench", f"{late_s * 1e3:.0f} ms")
                        due = loop.time()
                    await asyncio.sleep(max(due - loop.time(), 0))
            finally:
                file.write(self._lines())

    def _lines(self) -> bytes:
        self._taken += 1
        ahead = self._clocks.ahead()
        samples = (
            self._sample(name, usage, ahead if usage.role == "bench" else None)
            for name, usage in self._usage().items()
        )
        return b"".join(msgspec.json.encode(sample) + b"\n" for sample in samples if sample)

    def _sample(self, name: str, usage: Usage, ahead: Ahead | None) -> Sample | None:
        with suppress(psutil.NoSuchProcess):
            process = self._processes.get(usage.pid) or psutil.Process(usage.pid)
            self._processes[usage.pid] = process
            with process.oneshot():
                times = process.cpu_times()
                return Sample(
                    time.monotonic_ns(),
                    name,
                    usage.role,
                    usage.pid,
                    usage.cpu_before_s + times.user + times.system,
                    process.memory_info().rss,
                    process.num_threads(),
                    process.num_fds(),
                    **self._switches(usage.pid),
                    run_delay_s=self._delays.setdefault(name, RunDelay()).look(usage.pid),
                    wall_ahead_s=ahead.wall_s if ahead else None,
                    boot_ahead_s=ahead.boot_s if ahead else None,
                )
        return None

    def _switches(self, pid: int) -> dict[str, int]:
        """Nothing where it is not their turn, or they are not known."""
        if self._taken % SWITCHES_EVERY != 1:
            return {}
        counted = context_switches(pid)
        return {f"ctx_{kind}": count for kind, count in counted._asdict().items()} if counted else {}
