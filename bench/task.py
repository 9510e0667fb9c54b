"""One episode as it is asked for: one topology, one trial, one phase, every rate known.

Invariant: what tells episodes of a run apart is here, and nothing that is found out while one is played.
"""

from typing import NamedTuple

from bench.phases import Phase
from bench.run_record import PlayedStep, episode_name
from bench.scenario import Scenario
from bench.sweep import in_cell


class Task(NamedTuple):
    """What is to be played."""

    scenario: Scenario
    phase: Phase
    topology: str
    trial: int
    """From 1."""
    steps: tuple[PlayedStep, ...]
    """The phase's, with every rate known."""
    attempt: int = 1
    cell: str = ""
    """Of a sweep: where ``scenario`` holds."""

    @property
    def phase_in_cell(self) -> str:
        """What the episode's phase is called."""
        return in_cell(self.phase.name, self.cell)

    @property
    def name(self) -> str:
        """Its folder's name."""
        return episode_name(self.phase_in_cell, self.topology, self.trial)

    @property
    def id_prefix(self) -> str:
        """Of its transactions. Without the topology's name, and without the cell's: what is asked for, and for how long
        it takes, are functions of the id, so that topologies do the same work, and cells the same multiples of it.
        """
        return f"{self.phase.name}.{self.trial}"
