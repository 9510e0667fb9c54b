"""SIGTERM: the part drains and exits by itself, as at any deployment of new code; the supervisor starts it anew."""

import signal

from bench.faults.fault import Deployed, Fault, NoEffect, send_signal

EXIT_S = 1.0
"""From drained to gone: closing sockets, ending threads, the interpreter's own exit."""


class Terminate(Fault, frozen=True, forbid_unknown_fields=True, tag="terminate", kw_only=True):
    """``kill -TERM`` of one part."""

    does = "SIGTERM to the process, which drains and exits; the supervisor starts it anew"

    async def apply(self, deployed: Deployed, part: str) -> str:
        return f"SIGTERM to pid {await terminate(deployed, part)}, which exited"


async def terminate(deployed: Deployed, part: str) -> int:
    """Let the part's process drain and exit; returns its pid once it has.

    Raises:
        NoEffect: there was none, or it did not exit in time with status 0.
    """
    pid = send_signal(deployed, part, signal.SIGTERM, "terminated")
    within_s = deployed.drain_s + EXIT_S
    status = await deployed.ended(part, pid, within_s)
    if status is None:
        raise NoEffect(f"{part} was told to drain, but was still there after {within_s:g} s")
    if status != 0:
        raise NoEffect(f"{part} was told to drain and exit with status 0, but ended with {status}")
    return pid
