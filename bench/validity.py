"""Reasons not to believe an episode, from what the bench itself can see; the ledger's laws come later, from the tables.

Invariant: every threshold is a setting of the scenario, and every doubt names the figure and the threshold.
"""

from collections.abc import Iterator, Sequence

from bench.run_record import Doubt, PlayedStep
from bench.scenario import Scenario


def doubts(scenario: Scenario, steps: Sequence[PlayedStep]) -> list[Doubt]:
    """Every measurement's reason to doubt these steps."""
    return [
        Doubt("measurement", f"step {step.name}: {text}") for step in steps for text in _of(scenario, step)
    ]


def _of(scenario: Scenario, step: PlayedStep) -> Iterator[str]:
    limits = scenario.validity
    if step.dropped:
        yield f"the load process could not send {step.dropped} transactions of {step.sent}, none may be left out"
    lag_ms = step.lag_p99_us / 1e3
    if lag_ms > limits.lag_p99_ms_max:
        yield (
            f"the load process sent late by {lag_ms:.1f} ms at the 99th percentile,"
            f" validity.lag_p99_ms_max is {limits.lag_p99_ms_max:g} ms"
        )
    share = step.load_cpu_s / max((step.done_ns - step.begin_ns) / 1e9, 1e-9)
    # At level client the topology's own client works in the load process: that one is busy is the measurement.
    if scenario.level == "rest" and share > limits.load_cpu_share_max:
        yield (
            f"the load process used {share:.0%} of a processor,"
            f" validity.load_cpu_share_max is {limits.load_cpu_share_max:.0%}"
        )
