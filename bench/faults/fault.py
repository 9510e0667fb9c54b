"""What a fault is to the bench, and what a deployment is to a fault.

Invariant: a fault that did not happen says so. ``apply`` returns only once its effect was seen, and raises
``NoEffect`` otherwise, which makes the trial invalid: a fault that silently does nothing would be drawn as a system
that survives it. An effect that only a transaction can show (``wedge``) is asked for when the fault is taken back.

A fault is data of the scenario and has no state: what must be remembered from ``apply`` to ``undo`` is with the
deployment.

To add one: copy kill.py (over at once, the supervisor heals it), pause.py (``Lasting``: taken back after ``for_s``) or
partition.py (on links), change what it does, add a line to registry.py and a paragraph to docs/faults.md.
"""

from collections.abc import Sequence
from random import Random
from typing import ClassVar, Literal, Protocol, Self

import msgspec
from msgspec.structs import replace

from bench.faults.hindrance import Hindrance
from bench.faults.network import Mechanism, Network
from common.topology import ROLES, Plan, Role

REPEAT_MAX = 1000


class NoEffect(Exception):
    """The fault could not be applied, or nothing changed when it was."""


class Deployed(Protocol):
    """A running deployment, as far as a fault may reach into it."""

    def parts(self, role: Role) -> Sequence[str]:
        """Names of the parts of a role, in order; empty where the topology has none."""

    def pid(self, part: str) -> int | None:
        """Its process, None while there is none."""

    def signal(self, part: str, number: int) -> None:
        """Send a signal to the part's process. Raises ProcessLookupError where there is none."""

    @property
    def network(self) -> Network | None:
        """Its links, where something stands ready to break them; None otherwise."""

    async def ended(self, part: str, pid: int, within_s: float) -> int | None:
        """Wait for the end of that process: its exit status (negative: the signal that ended it), None if it is still
        there after ``within_s``.
        """

    async def up(self, part: str, after_pid: int, within_s: float) -> bool:
        """Wait until the part has another process than ``after_pid``, which has its sockets open and, a front, is
        ready; False if that is not so after ``within_s``.
        """

    @property
    def drain_s(self) -> float:
        """How long a part that is told to stop may take, by ``settings.limits.drain_s``."""

    def hold(self, part: str) -> None:
        """Do not start the part, neither with the rest nor when it dies, until ``release``."""

    def release(self, part: str) -> None:
        """Start what was held, at once."""

    def spoil(self, part: str) -> None:
        """Let every start of the part fail from now on: its process exits at once with status 1."""

    def mend(self, part: str) -> int:
        """Let its starts succeed again; returns how many have failed since ``spoil``."""

    def hindrance(self, part: str) -> Hindrance:
        """What makes a worker's service hang or slow down. The same object for the same part."""


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", kw_only=True):
    """What every fault has. A subclass is one kind, named by its tag."""

    role: Role
    """Which role it hits."""
    at_s: float
    """When, in seconds from the begin of the measured part of a step (after its warm-up)."""
    which: Literal["one"] | int = "one"
    """``one``: drawn from the scenario's seed, the same for every topology. A number: that part, counted from 1."""
    repeat: int = 1
    """How often it comes in the step; ``one`` is drawn anew each time."""
    every_s: float = 0.0
    """From one to the next, in seconds. Each is judged by the time until the next: leave a quiet second after it."""

    does: ClassVar[str]
    """What it does, in a few words, for ``brokerbench list``."""
    mechanisms: ClassVar[tuple[Mechanism, ...]] = ()
    """What can do it to links, best first; none where it is done to processes."""
    roles: ClassVar[Sequence[str]] = ROLES
    """The roles that it makes sense for."""
    from_start: ClassVar[bool] = False
    """Whether it is there from the start of the deployment on, which then plays one step only."""
    gradual: ClassVar[bool] = False
    """Whether it goes on until ``apply`` returns, rather than having happened when it begins."""
    hinders: ClassVar[bool] = False
    """Whether it needs workers whose service can be hindered."""

    def __post_init__(self) -> None:
        if self.role not in self.roles:
            raise ValueError(
                f"role of a fault {self.kind!r} must be {' or '.join(self.roles)}, got {self.role}"
            )
        if not self.at_s >= 0:
            raise ValueError(f"at_s must be at least 0 s, got {self.at_s:g}")
        if self.which != "one" and self.which < 1:
            raise ValueError(f"which must be 'one' or a number from 1, got {self.which}")
        if not 1 <= self.repeat <= REPEAT_MAX:
            raise ValueError(f"repeat must be 1 to {REPEAT_MAX}, got {self.repeat}")
        if self.repeat > 1 and not self.every_s > 0:
            raise ValueError(
                f"every_s of a fault that comes {self.repeat} times must be above 0 s, got {self.every_s:g}"
            )

    def each(self) -> list[Self]:
        """The same as single faults, in the order in which they are due."""
        return [
            replace(self, at_s=self.at_s + number * self.every_s, repeat=1, every_s=0.0)
            for number in range(self.repeat)
        ]

    @property
    def last_at_s(self) -> float:
        """When the last of them is due."""
        return self.at_s + (self.repeat - 1) * self.every_s

    @property
    def end_s(self) -> float:
        """When the last is over, as far as the bench does it: from then on the system is left alone."""
        return self.last_at_s

    @property
    def kind(self) -> str:
        """The word it has in a scenario."""
        return str(self.__struct_config__.tag)

    @property
    def label(self) -> str:
        """The name under which its recovery is reported: ``kill-worker``."""
        return f"{self.kind}-{self.role}"

    def describe(self) -> str:
        """What will happen, in a line: ``kill one worker at 3 s``."""
        which = f"one {self.role}" if self.which == "one" else f"{self.role} {self.which}"
        return f"{self.kind} {which} at {self.at_s:g} s{self.again}"

    @property
    def again(self) -> str:
        """How often it comes, to be written behind when; empty for a single one."""
        return f", {self.repeat} times, every {self.every_s:g} s" if self.repeat > 1 else ""

    def cannot(self, plan: Plan) -> str:
        """Why it can't be done to such a deployment, for people; empty where it can. The part's own is checked."""
        return ""

    def target(self, names: Sequence[str], random: Random) -> str:
        """Which of the parts ``names`` it hits.

        Raises:
            NoEffect: there is no such part.
        """
        if not names:
            raise NoEffect(f"there is no {self.role} to be hit by {self.kind}")
        if self.which == "one":
            return random.choice(names)
        if self.which > len(names):
            raise NoEffect(f"{self.role} {self.which} was to be hit, but there are only {len(names)}")
        return names[self.which - 1]

    def others(self, names: Sequence[str], part: str) -> tuple[str, ...]:
        """Who of ``names`` is hit after ``part``, in that order."""
        return ()

    def prepare(self, deployed: Deployed, part: str) -> None:
        """What must be done before the deployment is started: nothing, unless it is there ``from_start``."""

    async def apply(self, deployed: Deployed, part: str) -> str:
        """Do it to ``part``, and to the ``others``; returns what was seen to happen, for the mark. Raises NoEffect."""
        raise NotImplementedError


class Lasting(Fault, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A fault that stays until it is taken back."""

    for_s: float
    """How long, in seconds."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.for_s > 0:
            raise ValueError(f"for_s must be above 0 s, got {self.for_s:g}")
        if self.repeat > 1 and not self.every_s > self.for_s:
            raise ValueError(
                f"every_s must be above for_s {self.for_s:g} s (over before the next), got {self.every_s:g}"
            )

    def describe(self) -> str:
        return f"{super().describe()}, for {self.for_s:g} s"

    @property
    def end_s(self) -> float:
        return self.last_at_s + self.for_s

    async def undo(self, deployed: Deployed, part: str) -> str:
        """Take it back; returns what was seen to happen, for the mark. Called exactly once after an ``apply`` that
        did not raise, also where the run is broken off. Raises NoEffect.
        """
        raise NotImplementedError


def send_signal(deployed: Deployed, part: str, number: int, word: str) -> int:
    """Signal the part's process; returns its pid. ``word`` says what was to be done to it: ``killed``.

    Raises:
        NoEffect: there is none.
    """
    pid = deployed.pid(part)
    if pid is None:
        raise NoEffect(f"{part} was to be {word}, but it was not running")
    try:
        deployed.signal(part, number)
    except ProcessLookupError:
        raise NoEffect(f"{part} was to be {word}, but it had just exited") from None
    return pid
