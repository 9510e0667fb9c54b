"""What the checks of what an episode left look at."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bench.analysis.recording import Step
from bench.ledger import Books
from bench.run_record import Episode
from bench.scenario import Scenario


class Sampled(NamedTuple):
    """One step's queues, as sampled in its measured part."""

    waiting: float
    """How many waited on average, in all queues of all parts."""
    samples: int
    """Of the gauge with the fewest."""


class Recorded(NamedTuple):
    """One episode, from the tables."""

    scenario: Scenario
    episode: Episode
    books: Books | None
    """None: nothing was recorded of it."""
    steps: Sequence[Step]
    """Those that have begun."""
    queues: Mapping[str, Sampled]
    """{step: its queues as sampled}; one without samples is left out."""
