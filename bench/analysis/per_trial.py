"""The figures that topologies are compared by, one a trial: what an estimate over trials was made from."""

from collections.abc import Mapping, Sequence

from bench.analysis.recording import Step
from bench.analysis.throughput import completed_per_s
from bench.analysis.trials import by_trial

Values = Mapping[int, float]
"""By trial; one without the figure is missing."""


def capacities_per_s(steps: Sequence[Step]) -> dict[int, float]:
    """The best of each trial's ladder."""
    found = {}
    for trial in by_trial([step for step in steps if step.closed]):
        rates = [rate for step in trial if (rate := completed_per_s(step)) is not None]
        if rates:
            found[trial[0].trial] = max(rates)
    return found
