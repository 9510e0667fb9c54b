"""SIGKILL: the process is gone at once, with all that it held; the supervisor starts it anew after its delay."""

import signal

from bench.faults.fault import Deployed, Fault, NoEffect, send_signal

GONE_WITHIN_S = 2.0
"""A killed process is gone in about a millisecond; one in uninterruptible sleep takes as long as it likes."""


class Kill(Fault, frozen=True, forbid_unknown_fields=True, tag="kill", kw_only=True):
    """``kill -9`` of one part."""

    does = "SIGKILL to the process; the supervisor starts it anew"

    async def apply(self, deployed: Deployed, part: str) -> str:
        pid = send_signal(deployed, part, signal.SIGKILL, "killed")
        if await deployed.ended(part, pid, GONE_WITHIN_S) is None:
            raise NoEffect(f"{part} was killed, but was still there after {GONE_WITHIN_S:g} s")
        return f"SIGKILL to pid {pid}"
