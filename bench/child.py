"""One process of ours, watched through a pidfd: started, signalled, reaped with what it used.

Invariant: a pid is signalled only between its start and its reaping, so never somebody else's; who closes a ``Child``
leaves no process and no zombie. The child itself dies with us (PR_SET_PDEATHSIG, see bench/part.py), which covers the
one case that nothing here can: our own SIGKILL.
"""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

from bench.folders import HEADLINE

ROOT = Path(__file__).parents[1]
"""Where our packages are."""


class Exit(NamedTuple):
    """How a process ended."""

    t_ns: int
    """CLOCK_MONOTONIC when we were told: about a millisecond after."""
    status: int
    """As of subprocess: negative is the signal that ended it."""
    cpu_s: float
    """All the CPU time that it used."""

    def __str__(self) -> str:
        if self.status >= 0:
            return f"status {self.status}"
        with suppress(ValueError):
            return signal.Signals(-self.status).name
        return f"signal {-self.status}"


class Launch(NamedTuple):
    """How a process is started."""

    arguments: tuple[str, ...]
    stdin: Path | None = None
    """A file that it is given as its standard input."""
    inherited: tuple[int, ...] = ()
    """Descriptors of ours that it gets under the same numbers."""
    holds_sigterm: bool = False
    """Whether it begins with SIGTERM blocked, and takes it when it is ready to (``bench.termination``); otherwise one
    that comes while Python starts ends it."""


class Child:
    """A running or ended process. Needs a running asyncio loop."""

    def __init__(
        self,
        launch: Launch,
        log: Path | None = None,
        on_exit: Callable[["Child"], None] | None = None,
    ) -> None:
        """Start it, in a process group of its own, so that Ctrl-C reaches only us and we stop it in order.

        ``log`` is where its stdout and stderr go (appended); without one, where ours go.
        """
        self._on_exit = on_exit
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self.end: Exit | None = None
        """None while it runs."""
        self.started_ns = time.monotonic_ns()
        self._process = _popen(launch, log)
        self.pid = self._process.pid
        self._pidfd = os.pidfd_open(self.pid)
        self._loop.add_reader(self._pidfd, self._reap)

    @property
    def running(self) -> bool:
        """Whether it is still to be reaped."""
        return self.end is None

    def signal(self, number: int) -> None:
        """Send a signal.

        Raises:
            ProcessLookupError: it has ended.
        """
        if not self.running:
            raise ProcessLookupError(f"process {self.pid} has ended")
        signal.pidfd_send_signal(self._pidfd, number)

    async def wait(self, within_s: float | None = None) -> Exit | None:
        """How it ended; None if it still runs after ``within_s``."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), within_s)
        return self.end

    async def stop(self, patience_s: float) -> Exit:
        """SIGTERM, then, after ``patience_s``, SIGKILL. Returns once it is reaped; also where that is cancelled."""
        with suppress(ProcessLookupError):
            self.signal(signal.SIGTERM)
        try:
            await self.wait(patience_s)
        finally:
            self.kill()
        assert self.end is not None
        return self.end

    def kill(self) -> None:
        """SIGKILL and reap, at once and without the loop; harmless where it has ended."""
        if self.running:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            self._reap()

    def _reap(self) -> None:
        if not self.running:
            return
        t_ns = time.monotonic_ns()
        _, status, usage = os.wait4(self.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self.end = Exit(t_ns, self._process.returncode, usage.ru_utime + usage.ru_stime)
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._ended.set()
        if self._on_exit:
            self._on_exit(self)


def _popen(launch: Launch, log: Path | None) -> "subprocess.Popen[bytes]":
    with ExitStack() as opened:
        output = opened.enter_context(log.open("ab")) if log else None
        stdin = opened.enter_context(launch.stdin.open("rb")) if launch.stdin else subprocess.DEVNULL
        if launch.holds_sigterm:
            # A child inherits what is blocked. What comes for us meanwhile is delivered when we leave here.
            ours = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
            opened.callback(signal.pthread_sigmask, signal.SIG_SETMASK, ours)
        return subprocess.Popen(
            launch.arguments,
            stdin=stdin,
            stdout=output,
            stderr=output,
            env=_environment(),
            process_group=0,
            pass_fds=launch.inherited,
        )


def _environment() -> dict[str, str]:
    """Ours, and our packages first: a child never runs another ``bench`` or ``common`` than we do."""
    there = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(there)}


def last_line(log: Path) -> str:
    """What a process said last; empty where it said nothing."""
    try:
        lines = log.read_text(errors="replace").split("\n")
    except OSError:
        return ""
    said = (line.strip() for line in reversed(lines) if line.strip())
    line = next(said, "")
    return "" if line.startswith(HEADLINE) else line
