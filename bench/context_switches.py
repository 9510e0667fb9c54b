"""How often the threads of a process were switched off a processor, of their own accord and not.

Invariant: all threads that are there count, for ``/proc/<pid>/status`` tells of the first alone; what threads did that
have ended since is not in it. The threads of a part live as long as its process does.
"""

import os
import re
from typing import NamedTuple

_COUNTS = re.compile(
    rb"^voluntary_ctxt_switches:\s+(\d+)\nnonvoluntary_ctxt_switches:\s+(\d+)$", re.MULTILINE
)


class Switches(NamedTuple):
    """Since the process began."""

    voluntary: int
    """It waited for something."""
    involuntary: int
    """Somebody else's turn had come."""


def context_switches(pid: int) -> Switches | None:
    """Of a process as it is now; None where it has gone, or the system does not tell."""
    try:
        found = [
            _of_thread(f"/proc/{pid}/task/{thread}/status") for thread in os.listdir(f"/proc/{pid}/task")
        ]
    except OSError:
        return None
    return Switches(*map(sum, zip(*found, strict=True))) if found else None


def _of_thread(path: str) -> tuple[int, int]:
    """Two zeros for a thread that has just ended."""
    try:
        with open(path, "rb") as file:
            counts = _COUNTS.search(file.read())
    except OSError:
        return 0, 0
    return (int(counts[1]), int(counts[2])) if counts else (0, 0)
