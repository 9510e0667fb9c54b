"""What a fault is to the bench, and what a deployment is to a fault.

Invariant: a fault that did not happen says so. ``apply`` returns only once its effect was seen, and raises
``NoEffect`` otherwise, which makes the trial invalid: a fault that silently does nothing would be drawn as a system
that survives it.

To add one: copy kill.py (over at once, the supervisor heals it), pause.py (``Lasting``: taken back after ``for_s``) or
partition.py (on links), change what it does, add a line to registry.py.
"""

from collections.abc import Sequence
from random import Random
from typing import ClassVar, Literal, Protocol

import msgspec

from bench.faults.network import Mechanism, Network
from common.topology import Plan, Role


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

    async def exited(self, part: str, pid: int, within_s: float) -> bool:
        """Wait until that process is gone; False if it is still there after ``within_s``."""


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", kw_only=True):
    """What every fault has. A subclass is one kind, named by its tag."""

    role: Role
    """Which role it hits."""
    at_s: float
    """When, in seconds from the begin of the measured part of a step (after its warm-up)."""
    which: Literal["one"] | int = "one"
    """``one``: drawn from the scenario's seed, the same for every topology. A number: that part, counted from 1."""

    does: ClassVar[str]
    """What it does, in a few words, for ``brokerbench list``."""
    mechanisms: ClassVar[tuple[Mechanism, ...]] = ()
    """What can do it to links, best first; none where it is done to processes."""

    def __post_init__(self) -> None:
        if not self.at_s >= 0:
            raise ValueError(f"at_s must be at least 0 s, got {self.at_s:g}")
        if self.which != "one" and self.which < 1:
            raise ValueError(f"which must be 'one' or a number from 1, got {self.which}")

    @property
    def end_s(self) -> float:
        """When it is over, as far as the bench does it: from then on the system is left alone."""
        return self.at_s

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
        return f"{self.kind} {which} at {self.at_s:g} s"

    def cannot(self, plan: Plan) -> str:
        """Why it can't be done to such a deployment, for people; empty where it can. The part's own is checked."""
        return ""

    def target(self, names: Sequence[str], random: Random) -> str:
        """Which of the parts ``names`` it hits.

        Raises:
            NoEffect: there is no such part.
        """
        if not names:
            raise NoEffect(f"there is no {self.role} to {self.kind}")
        if self.which == "one":
            return random.choice(names)
        if self.which > len(names):
            raise NoEffect(f"{self.role} {self.which} was to be hit, but there are only {len(names)}")
        return names[self.which - 1]

    async def apply(self, deployed: Deployed, part: str) -> str:
        """Do it to ``part``; returns what was seen to happen, for the mark. Raises NoEffect."""
        raise NotImplementedError


class Lasting(Fault, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A fault that stays until it is taken back."""

    for_s: float
    """How long, in seconds."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.for_s > 0:
            raise ValueError(f"for_s must be above 0 s, got {self.for_s:g}")

    def describe(self) -> str:
        return f"{super().describe()}, for {self.for_s:g} s"

    @property
    def end_s(self) -> float:
        return self.at_s + self.for_s

    async def undo(self, deployed: Deployed, part: str) -> str:
        """Take it back; returns what was seen to happen, for the mark. Called exactly once after an ``apply`` that
        did not raise, also where the run is broken off. Raises NoEffect.
        """
        raise NotImplementedError
