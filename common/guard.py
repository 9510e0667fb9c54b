"""Ties a process to its parent: however the parent dies, nothing that it started is left behind.

Invariant: after ``die_with(pid)`` returned True, the kernel kills this process as soon as ``pid`` is gone.
prctl(2), PR_SET_PDEATHSIG. The kernel means the parent's *thread* by that: start processes from a thread that
lives as long as they shall, the main thread best.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with(pid: int) -> bool:
    """Ask the kernel to kill this process when its parent ``pid`` dies; call it first thing.

    Returns whether it will: False where ``pid`` is 0 (no guard wanted) and on systems that cannot.

    Raises:
        SystemExit: the parent died before it could be asked.
        OSError: the kernel refused.
    """
    if not pid or not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl(PR_SET_PDEATHSIG): {os.strerror(number)}")
    if os.getppid() != pid:
        raise SystemExit(f"the parent, process {pid}, is gone")
    return True
