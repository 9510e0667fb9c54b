"""Whether the load process did what its schedule says, and with room to spare.

Latency counts from the scheduled instant, so the load's own lag is in every figure.
"""

from collections.abc import Iterator

from bench.checks.check import Check, Figure, told
from bench.checks.played import Played


def _lags(played: Played) -> Iterator[Figure]:
    for step in played.at_rate:
        lag_ms = step.lag_p99_us / 1e3
        says = f"the load process sent late by {told(lag_ms, 'ms')} at the 99th percentile"
        yield Figure(f"step {step.name}", lag_ms, says)


def _dropped(played: Played) -> Iterator[Figure]:
    for step in played.begun:
        says = f"the load process could not send {step.dropped} transactions of {step.sent}, none may be left out"
        yield Figure(f"step {step.name}", step.dropped, says)


def _busy(played: Played) -> Iterator[Figure]:
    if played.scenario.level != "rest":
        return  # the topology's own client works in the load process: that one is busy is the measurement
    for step in played.begun:
        share = step.load_cpu_s / max((step.done_ns - step.begin_ns) / 1e9, 1e-9)
        says = f"the load process used {told(share, 'share')} of a processor"
        yield Figure(f"step {step.name}", share, says)


LAG = Check(
    title="how late the load process sent, 99th percentile",
    why="latency counts from the scheduled instant, so the load's own lag is in it",
    judges="steps at a rate",
    unit="ms",
    setting="lag_p99_ms_max",
    figures=_lags,
)
DROPPED = Check(
    title="transactions that the load process could not send",
    why="what was not sent is missing where the system was at its worst",
    judges="steps",
    unit="",
    setting="",
    figures=_dropped,
)
BUSY = Check(
    title="how busy the load process was, of one processor",
    why="a load process at its limit is what was measured",
    judges="steps at level rest",
    unit="share",
    setting="load_cpu_share_max",
    figures=_busy,
)
