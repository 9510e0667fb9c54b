"""Who made which namespace and which bridge, so that what a killed bench left is removed, and nothing else.

Invariant: everything that is made carries its maker's pid, that process's start time and the namespace of its pid;
removed is only what carries all three, of a process that is gone.
"""

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from bench.hosts.commands import CommandFailed, ip, why_not

WORD = "brokerbench"
NAMESPACES = Path("/run/netns")
INTERFACES = Path("/sys/class/net")

_MADE = re.compile(rf"{WORD}-(\d+)-(\d+)-(\d+)(?:-\d+)?")


class Owner(NamedTuple):
    """A process, told apart from a later one with the same pid."""

    pid: int
    started: int
    """Clock ticks after the boot, as in proc(5)."""
    pid_namespace: int

    @classmethod
    def myself(cls) -> "Owner":
        """This process."""
        started = _started(os.getpid())
        assert started is not None
        return cls(os.getpid(), started, _pid_namespace())

    @property
    def name(self) -> str:
        """What is made carries this: an interface as its alias, a namespace in its name."""
        return f"{WORD}-{self.pid}-{self.started}-{self.pid_namespace}"

    @property
    def gone(self) -> bool:
        """Whether it is known to be no more: a process that cannot be seen from here is not."""
        return self.pid_namespace == _pid_namespace() and _started(self.pid) != self.started


def remove_leftovers() -> list[str]:
    """Remove what benches left that were killed; returns the names. Does nothing where we may not."""
    if why_not():
        return []
    left = [f"link del {name}" for name in _names(INTERFACES) if _left(_alias(name))]
    left += [f"netns del {name}" for name in _names(NAMESPACES) if _left(name)]
    return [line for line in left if _done(line)]


def _left(name: str) -> bool:
    made = _MADE.fullmatch(name)
    return made is not None and Owner(*map(int, made.groups())).gone


def _done(line: str) -> bool:
    with suppress(CommandFailed):  # another bench was faster
        ip([line])
        return True
    return False


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def _alias(interface: str) -> str:
    with suppress(OSError):
        return (INTERFACES / interface / "ifalias").read_text().strip()
    return ""


def _started(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[19])
    except OSError:
        return None


def _pid_namespace() -> int:
    return os.stat("/proc/self/ns/pid").st_ino
