"""How the bench reaches into a worker's service: two words of memory that both share, read after each execution.

Invariant: an execution that ends while ``times`` is above 1 is held back until it has taken that many times as long
as the service took by itself, whatever ``times`` is by then, and is counted as hindered first. Infinity holds it back
until it is taken away. The process beats on meanwhile: the service has a thread of its own.

What the service took is its time by the clock, and what is added is slept: ``sleep`` then takes exactly so many times
as long, and ``spin`` does as well, but burns no more of the processor than before. It is a worker with a slower disk or
database rather than a slower processor.

Light on purpose: workers import it, those of a phase with such a fault.
"""

import mmap
import struct
import time
from pathlib import Path

from common.services import Service
from common.transaction import Frames

NONE = 1.0
POLL_S = 0.002
"""How often an execution that is held back looks whether it still is."""
TOOK_S_MIN = 1e-6
"""A service takes time: a clock that did not move must not make infinity times that nothing."""

_WORDS = struct.Struct("=dd")
_TIMES, _HINDERED = 0, 1
"""Two doubles in the machine's own order: ``times``, which the bench writes, and how many executions were hindered
ever, which the worker writes. Each is read and written whole.
"""


class Hindrance:
    """The bench's side. It is a file, so that a process that is started again finds what was said before."""

    def __init__(self, path: Path) -> None:
        """Make the file."""
        path.write_bytes(_WORDS.pack(NONE, 0))
        self.path = path
        """What the worker is told."""
        self._before = 0

    @property
    def hindered(self) -> int:
        """Executions that were hindered since ``set``."""
        return self._ever() - self._before

    def set(self, times: float) -> None:
        """From now on each execution takes ``times`` as long, above 1; ``math.inf``: it does not end."""
        self._before = self._ever()
        self._write(times)

    def lift(self) -> int:
        """Let them run again; returns how many executions were hindered since ``set``."""
        self._write(NONE)
        return self.hindered

    def _ever(self) -> int:
        return int(_WORDS.unpack(self.path.read_bytes())[_HINDERED])

    def _write(self, times: float) -> None:
        with self.path.open("r+b", buffering=0) as file:
            file.write(struct.pack("=d", times))


class Hindered:
    """A worker's service that can be hindered. Called by one thread, one execution at a time."""

    def __init__(self, service: Service, path: Path) -> None:
        self._service = service
        with path.open("r+b") as file:
            self._shared = memoryview(mmap.mmap(file.fileno(), _WORDS.size)).cast("d")

    def __call__(self, body: Frames) -> object:
        """What the service returns or raises, later."""
        began_s = time.monotonic()
        try:
            return self._service(body)
        finally:
            if self._shared[_TIMES] != NONE:
                self._hold(began_s, time.monotonic())

    def _hold(self, began_s: float, ended_s: float) -> None:
        self._shared[_HINDERED] += 1
        took_s = max(ended_s - began_s, TOOK_S_MIN)
        while (rest_s := began_s + took_s * self._shared[_TIMES] - time.monotonic()) > 0:
            time.sleep(min(rest_s, POLL_S))
