"""What the checks of when an episode was played look at."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from bench.checks.watched import Watched
from bench.run_record import PlayedStep
from bench.scenario import Scenario


class Played(NamedTuple):
    """One episode, just over."""

    scenario: Scenario
    steps: Sequence[PlayedStep]
    watched: Mapping[str, Watched]
    """By step; one that is not there was not watched."""

    @property
    def begun(self) -> Iterator[PlayedStep]:
        """The steps that it got to."""
        return (step for step in self.steps if step.begin_ns)

    @property
    def at_rate(self) -> Iterator[PlayedStep]:
        """Those in which a rate is offered, and not as much as there is room for."""
        return (step for step in self.begun if step.rate_per_s or not step.concurrency)
