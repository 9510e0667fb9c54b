"""What a transaction costs in processor time, by role.

Invariant: time is counted over the same stretch as the transactions, the measured part of a step; what a role
burns while it idles (beats, polling) is in it, so the figure falls as the load rises.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bench.analysis.recording import NS_PER_MS, FloatArray, Instants, Step, key_of
from bench.analysis.trials import by_trial, over_trials
from bench.ledger import EpisodeKey
from bench.parquet import Database
from bench.scenario import Scenario
from bench.statistics import Estimate
from common.topology import ROLES

GAP_NS = 250 * NS_PER_MS
"""Samples are 100 ms apart; a part without one this near to both ends of the step was not watched all
along."""


class Part(NamedTuple):
    """One part's use over an episode."""

    role: str
    t_ns: Instants
    cpu_s: FloatArray
    """Cumulative, over the part's processes: never falls."""


class Cost(NamedTuple):
    """What one step used. Costs add up."""

    cpu_us: dict[str, float]
    """By role."""
    completed: int

    def per_transaction(self) -> dict[str, float]:
        """Microseconds by role; empty where nothing was completed."""
        if not self.completed:
            return {}
        return {role: used / self.completed for role, used in self.cpu_us.items()}


_CPU = """
SELECT phase, topology, trial, part, any_value(role), list(t_ns ORDER BY t_ns), list(value ORDER BY t_ns)
FROM samples WHERE name = 'cpu_s'
GROUP BY phase, topology, trial, part ORDER BY ALL
"""


def parts(database: Database) -> dict[EpisodeKey, list[Part]]:
    """The processor time of every part over every episode."""
    found: dict[EpisodeKey, list[Part]] = defaultdict(list)
    for phase, topology, trial, _, role, t_ns, cpu_s in database.execute(_CPU).fetchall():
        found[EpisodeKey(phase, topology, trial)].append(Part(role, np.array(t_ns), np.array(cpu_s)))
    return found


def cost(step: Step, watched: list[Part]) -> Cost:
    """What the parts used in the measured part of a step, and what they completed in it."""
    begin_ns, end_ns = step.played.warm_ns, step.played.end_ns
    used: dict[str, float] = defaultdict(float)
    for part in watched:
        if watched_all_along(part, step):
            before, after = np.interp((begin_ns, end_ns), part.t_ns.astype(np.float64), part.cpu_s)
            used[part.role] += float(after - before) * 1e6
    return Cost(dict(used), step.completions)


def watched_all_along(part: Part, step: Step) -> bool:
    """Whether there are samples of it from about the begin to about the end of the step's measured part."""
    begin_ns, end_ns = step.played.warm_ns, step.played.end_ns
    return bool(part.t_ns[0] <= begin_ns + GAP_NS and part.t_ns[-1] >= end_ns - GAP_NS)


def total(costs: list[Cost]) -> Cost:
    """Several steps as one."""
    used: dict[str, float] = defaultdict(float)
    for each in costs:
        for role, cpu_us in each.cpu_us.items():
            used[role] += cpu_us
    return Cost(dict(used), sum(each.completed for each in costs))


class CostOverTrials(NamedTuple):
    """Microseconds of processor time for one completed transaction."""

    by_role: dict[str, Estimate]
    together: Estimate | None


def over_steps(
    steps: Sequence[Step], watched: Mapping[EpisodeKey, list[Part]], roles: Sequence[str]
) -> CostOverTrials:
    """Over trials: all steady open steps of one together; without such, the closed ones. Of ``roles`` only."""
    chosen = [step for step in steps if step.steady] or [step for step in steps if step.closed]
    trials = [
        total([cost(step, watched.get(key_of(step.episode), [])) for step in trial]).per_transaction()
        for trial in by_trial(chosen)
    ]
    found = {role: over_trials(trial.get(role) for trial in trials) for role in roles}
    together = [
        sum(trial[role] for role in roles if role in trial) for trial in trials if set(roles) & set(trial)
    ]
    return CostOverTrials(
        {role: estimate for role, estimate in found.items() if estimate}, over_trials(together)
    )


def roles_measured(scenario: Scenario) -> tuple[str, ...]:
    """Whose use a transaction costs. At level client the load process does the front's work."""
    return ROLES if scenario.level == "rest" else (*ROLES, "load")
