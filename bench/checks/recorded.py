"""What the checks of what an episode left look at."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bench.analysis.little import Law
from bench.analysis.recording import Step
from bench.ledger import Books
from bench.run_record import Episode
from bench.scenario import Scenario


class Recorded(NamedTuple):
    """One episode, from the tables."""

    scenario: Scenario
    episode: Episode
    books: Books | None
    """None: nothing was recorded of it."""
    steps: Sequence[Step]
    """Those that have begun."""
    queues: Mapping[str, Law]
    """{step: its queues, as sampled and as told}; only those that can be judged."""
