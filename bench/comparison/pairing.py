"""Whether the trials of two runs pair: trial i of both was offered the very same schedule.

A schedule is a function of the seed, the trial, and each step's place, length and rate (``bench.load.schedule``). So
they pair where seed and phases, recorded arrivals among them, are equal and every step that both played was offered the
same rate.
"""

from bench.run_record import RunRecord


def why_unpaired(a: RunRecord, b: RunRecord) -> str:
    """For people; empty where they pair."""
    if a.scenario.seed != b.scenario.seed:
        return f"seed {a.scenario.seed} in A, {b.scenario.seed} in B"
    if a.scenario.phases != b.scenario.phases:
        return "their phases differ"
    if a.scenario.sweep != b.scenario.sweep:
        return "their sweeps differ"
    if a.inputs != b.inputs:
        names = sorted({name for name, _ in a.inputs.items() ^ b.inputs.items()})
        return f"{' and '.join(names)} of A and of B differ"
    one, other = _rates(a), _rates(b)
    for step in one:
        if step in other and one[step] != other[step]:
            return (
                f"{step[0]}, step {step[1]} was offered {one[step]:g}/s in A, {other[step]:g}/s in B"
                " (run --repeat-of offers the same)"
            )
    return ""


def _rates(record: RunRecord) -> dict[tuple[str, str], float]:
    return {
        (episode.phase, step.name): step.rate_per_s for episode in record.episodes for step in episode.steps
    }
