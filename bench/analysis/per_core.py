"""What a deployment gives back for the processor time that it takes, and whether it does so fast enough.

Invariant: goodput over processor time counts all parts of the deployment, the broker with its own, and never the load
generator. A load meets the target where p99 from the scheduled instant, its median over trials, is at most the target;
one without a p99 (it falls among the unanswered) does not. So a broker's processor is not free: who has none can put
it into a further front, and is held to the same measure.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bench.analysis import cpu
from bench.analysis.cpu import Part
from bench.analysis.latency import latencies_ms, percentiles
from bench.analysis.recording import Step, key_of
from bench.analysis.steady import by_load
from bench.analysis.trials import over_trials, over_trials_or_never
from bench.ledger import EpisodeKey
from bench.statistics import Estimate


class Yield(NamedTuple):
    """One load, over trials."""

    key: str
    """As in ``latency_ms`` of the summary."""
    load: float
    rate_per_s: float
    per_cpu_s: Estimate
    """Completed transactions for one second of processor time."""
    per_s: Estimate
    """Completed per second."""
    cores: Estimate
    """Processors busy on average."""
    p99_ms: Estimate | None

    def meets(self, target_ms: float | None) -> bool:
        """Whether it was fast enough; without a target nothing is."""
        return target_ms is not None and self.p99_ms is not None and self.p99_ms.median <= target_ms


def yields(
    steps: Sequence[Step], watched: Mapping[EpisodeKey, list[Part]], roles: Sequence[str]
) -> list[Yield]:
    """Of the steady open steps whose processor time is known, in the order of the offered rate."""
    found = [_yield(key, trials, watched, roles) for key, trials in by_load(steps).items()]
    return sorted((each for each in found if each), key=lambda each: each.rate_per_s)


def best(every: Sequence[Yield], target_ms: float | None) -> Yield | None:
    """The one with the most completed per second among those that meet the target."""
    return max(
        (each for each in every if each.meets(target_ms)), key=lambda each: each.per_s.median, default=None
    )


def _yield(
    key: str, trials: list[Step], watched: Mapping[EpisodeKey, list[Part]], roles: Sequence[str]
) -> Yield | None:
    spent = [(step, _cpu_s(step, watched.get(key_of(step.episode), []), roles)) for step in trials]
    known = [(step, cpu_s) for step, cpu_s in spent if cpu_s]
    per_cpu_s = over_trials(step.completions / cpu_s for step, cpu_s in known)
    per_s = over_trials(step.completions / step.measured_s for step, _ in known)
    cores = over_trials(cpu_s / step.measured_s for step, cpu_s in known)
    if not (per_cpu_s and per_s and cores):
        return None
    p99_ms = over_trials_or_never(percentiles(latencies_ms(step.measured)).p99 for step in trials)
    played = trials[0].played
    return Yield(key, played.load, played.rate_per_s, per_cpu_s, per_s, cores, p99_ms)


def _cpu_s(step: Step, watched: list[Part], roles: Sequence[str]) -> float:
    """Of all parts together; 0 where one was not watched all along, for then it is not known."""
    ours = [part for part in watched if part.role in roles]
    if not all(cpu.watched_all_along(part, step) for part in ours):
        return 0.0
    used = cpu.cost(step, ours).cpu_us
    return sum(used.values()) / 1e6
