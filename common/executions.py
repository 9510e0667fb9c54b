"""The append-only record of what a worker did: one entry when an execution begins, one when it ends.

Invariant: an entry is one ``write`` to a file opened for appending, and is with the kernel when the method
returns: a SIGKILL of the process right after takes nothing back. One process writes one file, one execution
at a time, so that in a file each end belongs to the begin before it. An id may be executed more than once.
"""

import errno
import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from common.transaction import Fate, Transaction

BEGUN = 1
FINISHED = 2

OPAQUE = 0x01
RETRY = 0x02

# kind, fate, flags, one reserved, length of id, instant in ns, deadline in ns, id padded with NULs
ENTRY = struct.Struct("<BBBxIqq64s")

NS_MAX = (1 << 63) - 1
"""What a deadline that is never is written as."""

_FATES = {0: None, 1: Fate.COMPLETED, 2: Fate.FAILED, 4: Fate.UNKNOWN}
# as in a status: 4 is a service that could not say (``common.services.Unsure``)
_CODE_OF = {fate: code for code, fate in _FATES.items()}


class Entry(NamedTuple):
    """One entry of the file."""

    begun: bool
    """Whether this is a begin; else it is an end, which says ``fate`` and knows no deadline and no flags."""
    id: bytes
    t_ns: int
    """CLOCK_MONOTONIC."""
    deadline_ns: int
    fate: Fate | None
    opaque: bool
    retry: bool


class Contents(NamedTuple):
    """A file as it was read."""

    entries: list[Entry]
    torn_bytes: int
    """Bytes of a last entry that is incomplete, because the writer died while it wrote; 0 where none is."""


class Execution(NamedTuple):
    """One execution, from its begin and, where there was one, its end."""

    id: bytes
    begun_ns: int
    finished_ns: int
    """0: it never finished; its process died, or is at it still."""
    fate: Fate | None
    """COMPLETED, FAILED or UNKNOWN (the service could not say); None where it never finished."""
    opaque: bool
    """The message carried no header: the id is the worker's own."""
    retry: bool
    deadline_ns: int


class ExecutionLog:
    """The writer. Not thread-safe: it belongs to the thread that executes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def begun(self, transaction: Transaction, opaque: bool, t_ns: int) -> None:
        """Write that the service is about to be given ``transaction``.

        Raises:
            OSError: it could not be written, wholly; the file is as it was.
        """
        id, _, deadline, retry = transaction
        flags = (OPAQUE if opaque else 0) | (RETRY if retry else 0)
        self._append(ENTRY.pack(BEGUN, 0, flags, len(id), t_ns, nanoseconds(deadline), id))

    def finished(self, id: bytes, fate: Fate, t_ns: int) -> None:
        """Write that the service is done with the transaction begun last. Raises OSError as ``begun``."""
        self._append(ENTRY.pack(FINISHED, _CODE_OF[fate], 0, len(id), t_ns, 0, id))

    def close(self) -> None:
        """Close the file; harmless the second time."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _append(self, entry: bytes) -> None:
        written = os.write(self._fd, entry)
        if written != len(entry):  # a full disk took a part: with it in, all later entries would be misread
            os.ftruncate(self._fd, os.fstat(self._fd).st_size - written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))


class NoExecutions:
    """Stands in for the writer where nobody asked for a record: a worker without a run."""

    def begun(self, transaction: Transaction, opaque: bool, t_ns: int) -> None:
        """Write nothing."""

    def finished(self, id: bytes, fate: Fate, t_ns: int) -> None:
        """Write nothing."""

    def close(self) -> None:
        """Close nothing."""


def log_path(folder: Path, part: str, pid: int) -> Path:
    """Where the process ``pid`` of ``part`` writes; ``owner`` is the way back."""
    return folder / f"{part}-{pid}.bin"


def owner(path: Path) -> tuple[str, int]:
    """The part and the pid that wrote a file named by ``log_path``.

    Raises:
        ValueError: it has another name.
    """
    part, dash, pid = path.stem.rpartition("-")
    if not (part and dash and pid.isdecimal()):
        raise ValueError(f"an execution record is named PART-PID.bin, got {path.name!r}")
    return part, int(pid)


def read(path: Path) -> Contents:
    """Every whole entry of a file, in the order written.

    Raises:
        ValueError: an entry that no writer of ours can have written, with its place.
    """
    octets = path.read_bytes()
    torn_bytes = len(octets) % ENTRY.size
    whole = memoryview(octets)[: len(octets) - torn_bytes]
    try:
        return Contents([_entry(*fields) for fields in ENTRY.iter_unpack(whole)], torn_bytes)
    except (KeyError, ValueError) as error:
        raise ValueError(f"{path} is not an execution record: {error}") from error


def join(entries: Sequence[Entry]) -> list[Execution]:
    """One row for each begin, in their order, with the end that follows it where there is one.

    Raises:
        ValueError: an end without its begin.
    """
    executions: list[Execution] = []
    for entry in entries:
        if entry.begun:
            executions.append(
                Execution(entry.id, entry.t_ns, 0, None, entry.opaque, entry.retry, entry.deadline_ns)
            )
            continue
        if not executions or executions[-1].finished_ns or executions[-1].id != entry.id:
            raise ValueError(f"execution {entry.id!r} has finished at {entry.t_ns} ns and not begun before")
        executions[-1] = executions[-1]._replace(finished_ns=entry.t_ns, fate=entry.fate)
    return executions


def nanoseconds(seconds: float) -> int:
    """An instant in ns; one too far away to be written is ``NS_MAX``."""
    return int(seconds * 1e9) if seconds < NS_MAX / 1e9 else NS_MAX


def _entry(
    kind: int, code: int, flags: int, id_length: int, t_ns: int, deadline_ns: int, padded: bytes
) -> Entry:
    if kind not in (BEGUN, FINISHED):
        raise ValueError(f"kind must be {BEGUN} or {FINISHED}, got {kind}")
    if code not in _FATES:
        raise ValueError(f"fate must be one of {sorted(_FATES)}, got {code}")
    if id_length > len(padded):
        raise ValueError(f"an id has at most {len(padded)} bytes, got {id_length}")
    return Entry(
        kind == BEGUN,
        padded[:id_length],
        t_ns,
        deadline_ns,
        _FATES[code],
        bool(flags & OPAQUE),
        bool(flags & RETRY),
    )
