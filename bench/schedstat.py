"""How long a part was ready to run and got no processor: the kernel's run delay, from ``/proc/<pid>/task/*/schedstat``.

Invariant: a part's figure never falls: it is summed over its threads and over its processes, ended ones included. What
a thread waited between the last look at it and its end is not in it, nor the wait that it is still in, which the kernel
counts when it is over: so it is a lower bound. A load process that waits for seconds at once is told by its lag. Where
the kernel keeps no such account the figure is None, never 0.

The second number in schedstat is the run delay in nanoseconds, the third how often the thread got to run
(Documentation/scheduler/sched-stats.rst); all are 0 where the kernel does not count.
"""

import os
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")


class RunDelay:
    """One part's account."""

    def __init__(self, proc: Path = PROC) -> None:
        self._proc = str(proc)
        self._pid = 0
        self._threads: dict[int, int] = {}
        """{thread: its run delay when last seen, in ns}, of the present process."""
        self._waited_ns = 0

    def look(self, pid: int) -> float | None:
        """Seconds that the part has waited by now, of which ``pid`` is the present process; None: not known."""
        if pid != self._pid:
            self._pid, self._threads = pid, {}
        seen = dict(self._read())
        if not seen:
            return None
        for thread, waited_ns in seen.items():
            before_ns = self._threads.get(thread, 0)
            # Fewer than before: another thread, that got the number of one that ended.
            self._waited_ns += waited_ns - before_ns if waited_ns >= before_ns else waited_ns
        self._threads = seen
        return self._waited_ns / 1e9

    def _read(self) -> Iterator[tuple[int, int]]:
        """Thread and run delay, of each that has run and is still there."""
        tasks = f"{self._proc}/{self._pid}/task"
        try:
            threads = os.listdir(tasks)
        except OSError:
            return
        for thread in threads:
            try:
                with open(f"{tasks}/{thread}/schedstat", "rb", buffering=0) as file:
                    _, waited_ns, times = map(int, file.read().split())
            except (OSError, ValueError):
                continue
            if times:
                yield int(thread), waited_ns
