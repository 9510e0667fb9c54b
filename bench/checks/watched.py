"""What the sampler saw of each step of an episode: who waited for a processor, which samples are missing, which clock
was stepped.

Invariant: only samples of a step's measured part count; what was not sampled there is None, never 0. Reads a sample at
a time: an episode may be hours long.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.run_record import PlayedStep
from bench.sampler import INTERVAL_S, Sample

Share = float | None


class Watched(NamedTuple):
    """One step."""

    waited: Mapping[str, Share]
    """{part: for what share of the time it waited for a processor}; more than 1, where several of its threads did."""
    roles: Mapping[str, str]
    """{part: role}."""
    missing: Share
    """What share of the samples that were due was never taken; None: too short a step for any to be due."""
    wall_step_ms: float | None
    """The largest change of CLOCK_REALTIME against CLOCK_MONOTONIC from one sample to the next."""
    suspended_ms: float | None
    """The same of CLOCK_BOOTTIME: how long the machine was suspended."""


def watched(samples: Iterable[Sample], steps: Sequence[PlayedStep]) -> dict[str, Watched]:
    """By step; of steps that were played. ``samples`` are in the order of time."""
    watchers = [_Watcher(step) for step in steps if step.begin_ns]
    ahead = sorted(watchers, key=lambda watcher: watcher.step.begin_ns, reverse=True)
    for sample in samples:
        while ahead and ahead[-1].step.end_ns < sample.t_ns:
            ahead.pop()
        if not ahead:
            break
        ahead[-1].take(sample)
    return {watcher.step.name: watcher.seen() for watcher in watchers}


def read(path: Path) -> Iterator[Sample]:
    """The samples in a file, if it is there; a torn last line is left out."""
    if not path.exists():
        return
    decoder = msgspec.json.Decoder(Sample)
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield decoder.decode(line)


class _Wait(NamedTuple):
    """One part's account, at its first sample and its last."""

    first_ns: int
    first_s: float
    last_ns: int
    last_s: float

    def share(self, least_ns: float) -> Share:
        """Of the time between them, or of ``least_ns`` where that is longer; None where there was but one."""
        if self.last_ns == self.first_ns:
            return None
        return (self.last_s - self.first_s) * 1e9 / max(self.last_ns - self.first_ns, least_ns)


class _Change:
    """The largest change of something from one sample to the next."""

    def __init__(self) -> None:
        self._last: float | None = None
        self.most_ms: float | None = None

    def take(self, value_s: float | None) -> None:
        if value_s is None:
            return
        if self._last is not None:
            self.most_ms = max(self.most_ms or 0.0, abs(value_s - self._last) * 1e3)
        self._last = value_s


class _Watcher:
    """Of one step."""

    def __init__(self, step: PlayedStep) -> None:
        self.step = step
        self._waits: dict[str, _Wait] = {}
        self._roles: dict[str, str] = {}
        self._taken = 0
        self._wall, self._boot = _Change(), _Change()

    def take(self, sample: Sample) -> None:
        if sample.t_ns < self.step.warm_ns:
            return
        self._roles[sample.part] = sample.role
        if sample.role == "bench":
            self._taken += 1
            self._wall.take(sample.wall_ahead_s)
            self._boot.take(sample.boot_ahead_s)
        if sample.run_delay_s is not None:
            first = self._waits.get(sample.part, (sample.t_ns, sample.run_delay_s))[:2]
            self._waits[sample.part] = _Wait(*first, sample.t_ns, sample.run_delay_s)

    def seen(self) -> Watched:
        lasted_ns = self.step.end_ns - self.step.warm_ns
        due = int(lasted_ns / 1e9 / INTERVAL_S + 1e-6) - 1  # one may fall just outside
        return Watched(
            # Who was there for a moment only, as one that was started late, is held to half of the step.
            {part: self._share(part, lasted_ns / 2) for part in sorted(self._roles)},
            self._roles,
            max(1 - self._taken / due, 0.0) if due > 0 else None,
            self._wall.most_ms,
            self._boot.most_ms,
        )

    def _share(self, part: str, least_ns: float) -> Share:
        return self._waits[part].share(least_ns) if part in self._waits else None
