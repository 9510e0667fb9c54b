"""A deployment without processes: it does what it is told to, unless the test says what goes wrong."""

import signal
from collections.abc import Sequence
from pathlib import Path

from bench.faults.hindrance import Hindrance
from common.topology import Role

EXITED = {signal.SIGTERM: 0, signal.SIGKILL: -signal.SIGKILL}


class Pretended:
    """Implements ``Deployed``; ``log`` is what was done to it, in order."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.names = names or ("worker-1", "worker-2", "worker-3")
        self.pids: dict[str, int | None] = {name: number for number, name in enumerate(self.names, 101)}
        self.log: list[str] = []
        self.status: int | None = 0
        """What a process exits with when it is told to; None: it does not."""
        self.comes_up = True
        self.crashes = 1
        self.just_exited = False
        self.drain_s = 5.0
        self._folder = folder
        self._hindrances: dict[str, Hindrance] = {}

    def parts(self, role: Role) -> Sequence[str]:
        return [name for name in self.names if name.startswith(role)]

    def pid(self, part: str) -> int | None:
        return self.pids[part]

    def signal(self, part: str, number: int) -> None:
        if self.just_exited:
            raise ProcessLookupError
        self.log.append(f"{signal.Signals(number).name} {part}")

    async def ended(self, part: str, pid: int, within_s: float) -> int | None:
        self.log.append(f"wait {within_s:g} s for the end of {pid}")
        return self.status

    async def up(self, part: str, after_pid: int, within_s: float) -> bool:
        self.log.append(f"up {part}")
        return self.comes_up

    def hold(self, part: str) -> None:
        self.log.append(f"hold {part}")
        self.pids[part] = None

    def release(self, part: str) -> None:
        self.log.append(f"release {part}")
        self.pids[part] = 201

    def spoil(self, part: str) -> None:
        self.log.append(f"spoil {part}")

    def mend(self, part: str) -> int:
        self.log.append(f"mend {part}")
        return self.crashes

    def hindrance(self, part: str) -> Hindrance:
        if part not in self._hindrances:
            self._hindrances[part] = Hindrance(self._folder / part)
        return self._hindrances[part]
