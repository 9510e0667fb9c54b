"""SIGSTOP: the process stands still with all that it holds, its sockets open; SIGCONT lets it go on where it was."""

import asyncio
import signal
import time
from pathlib import Path

from bench.faults.fault import Deployed, Lasting, NoEffect, send_signal

SEEN_WITHIN_S = 1.0
"""The kernel stops a process within a scheduling interval."""
POLL_S = 0.002
STOPPED = "T"


class Pause(Lasting, frozen=True, forbid_unknown_fields=True, tag="pause", kw_only=True):
    """``kill -STOP`` of one part, and ``kill -CONT`` when its time is over."""

    does = "SIGSTOP to the process, SIGCONT after for_s"

    async def apply(self, deployed: Deployed, part: str) -> str:
        pid = send_signal(deployed, part, signal.SIGSTOP, "paused")
        if not await _seen(pid, stopped=True):
            raise NoEffect(f"{part} was told to stop, but still ran after {SEEN_WITHIN_S:g} s")
        return f"SIGSTOP to pid {pid}"

    async def undo(self, deployed: Deployed, part: str) -> str:
        pid = deployed.pid(part)
        if pid is None or _state(pid) != STOPPED:
            raise NoEffect(f"{part} was paused, but did not stand still any more when it was to go on")
        deployed.signal(part, signal.SIGCONT)
        if not await _seen(pid, stopped=False):
            raise NoEffect(f"{part} was told to go on, but still stood after {SEEN_WITHIN_S:g} s")
        return f"SIGCONT to pid {pid}"


async def _seen(pid: int, *, stopped: bool) -> bool:
    end = time.monotonic() + SEEN_WITHIN_S
    while (_state(pid) == STOPPED) is not stopped:
        if time.monotonic() > end:
            return False
        await asyncio.sleep(POLL_S)
    return True


def _state(pid: int) -> str:
    """Of its main thread, as in proc(5): ``R``, ``S``, ``T``; empty where it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1]
    except OSError:
        return ""
