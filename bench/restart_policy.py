"""When a supervisor starts a part again that has ended: the rules of real ones, as data.

Invariant: pure. What comes next is a function of the policy and of the part's earlier lives, and of nothing else; so
what a recovery owes to the supervisor is known beforehand. The rules are those of the program named, not its own few
milliseconds of work. docs/supervisors.md has them side by side.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

PolicyName = Literal["fixed", "immediate", "daemontools", "runit", "systemd"]


class Life(NamedTuple):
    """One process of a part, in seconds of one clock."""

    started_s: float
    ended_s: float


class RestartPolicy(NamedTuple):
    """What counts from a death to the next start. The longest wait of several rules holds."""

    delay_s: float = 0.0
    """After every death."""
    spacing_s: float = 0.0
    """From one start to the next at least."""
    short_life_s: float = 0.0
    """Who lived shorter than this ..."""
    short_life_delay_s: float = 0.0
    """... is started again so long after its death."""
    starts_max: int = 0
    """So many starts within ``window_s`` and no more: then it gives up. 0: it never does."""
    window_s: float = 0.0
    """Counted from the first start in it; the first start after its end opens the next."""

    def next_start_s(self, lives: Sequence[Life]) -> float | None:
        """When to start what has just ended, ``lives`` being all that it had, in order and at least one; None: never
        again. May lie in the past: then at once.
        """
        last = lives[-1]
        short = last.ended_s - last.started_s < self.short_life_s
        due_s = max(
            last.ended_s + self.delay_s,
            last.started_s + self.spacing_s,
            last.ended_s + self.short_life_delay_s * short,
        )
        return due_s if self._allows(due_s, lives) else None

    def _allows(self, due_s: float, lives: Sequence[Life]) -> bool:
        if not self.starts_max:
            return True
        opened_s, starts = lives[0].started_s, 0
        for start_s in (*(life.started_s for life in lives), due_s):
            if start_s - opened_s > self.window_s:
                opened_s, starts = start_s, 0
            starts += 1
        return starts <= self.starts_max


PRESETS: dict[str, RestartPolicy] = {
    "immediate": RestartPolicy(),
    "daemontools": RestartPolicy(spacing_s=1.0),
    "runit": RestartPolicy(short_life_s=1.0, short_life_delay_s=1.0),
    "systemd": RestartPolicy(delay_s=0.1, starts_max=5, window_s=10.0),
}
"""Where the figures come from:

* daemontools: supervise(8) of daemontools 0.76 pauses for a second after each start, so a death within it is answered
  when it is over. Measured with Debian's 1:0.76-8.1: lives of 0, 0.4 and 0.9 s are followed by a start 1.03 to 1.05 s
  after the one before, a life of 1.5 s at once.
* runit: runsv(8) of runit 2.1.2 waits a second where a process ended at once, counted from its death, "at once" being
  within a second of its start. Measured with Debian's: lives of 0.4 and 0.9 s are followed by a start 1.0 to 1.3 s
  after the death.
* systemd: RestartSec 100 ms, StartLimitIntervalSec 10 s, StartLimitBurst 5 are the defaults (systemd.service(5),
  systemd.unit(5); the comments of system.conf in Debian's systemd 252). Restart=always is assumed, for the default is
  not to restart. The window is counted as its rate limit does it (src/basic/ratelimit.c), the first start included.
"""


def policy_of(name: PolicyName, restart_delay_s: float) -> RestartPolicy:
    """The preset of that name; ``fixed`` waits ``restart_delay_s`` after every death, whatever came before."""
    return RestartPolicy(delay_s=restart_delay_s) if name == "fixed" else PRESETS[name]
