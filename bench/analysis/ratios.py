"""How near a topology's closed-loop throughput comes to its baseline's: trial by trial, since only a run's own
neighbours share its machine's mood.

Invariant: a ratio pairs steps of the same phase, concurrency and trial; where either trial is invalid there is none.
"""

from collections.abc import Mapping

from bench.analysis.trials import over_trials
from bench.run_record import RunRecord
from bench.statistics import Estimate

BASELINE_OF = {"paranoid-pirate": "bare-proxy", "freelance": "bare-dealer"}
"""Topology to the baseline (bench/baselines/) that does its job with the least."""


def ratios(record: RunRecord, invalid: set[tuple[str, int]]) -> dict[str, Estimate]:
    """Completed per second over the baseline's: {``freelance/bare-dealer``: estimate over trials and steps}."""
    rates = {
        (episode.topology, episode.trial, episode.phase, step.name): step.completed_per_s
        for episode in record.episodes
        if (episode.topology, episode.trial) not in invalid
        for step in episode.steps
        if step.concurrency and not step.rate_per_s
    }
    found: dict[str, Estimate] = {}
    for topology, baseline in BASELINE_OF.items():
        estimate = over_trials(_paired(rates, topology, baseline))
        if estimate is not None:
            found[f"{topology}/{baseline}"] = estimate
    return found


def _paired(rates: Mapping[tuple[str, int, str, str], float], topology: str, baseline: str) -> list[float]:
    return [
        rate / rates[baseline, trial, phase, step]
        for (name, trial, phase, step), rate in rates.items()
        if name == topology and rates.get((baseline, trial, phase, step))
    ]
