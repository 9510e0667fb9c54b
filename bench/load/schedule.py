"""When each transaction of a phase is due: an open-loop schedule, drawn whole before the first one is sent.

Nothing that the system under test does can move or drop an entry (the generator that waits hides a stall:
Tene, How NOT to Measure Latency). The same scenario seed gives the same schedule, whatever the topology, so
trials can be paired. A burst adds to it: what is due before or after one is due at the same instant as without it.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from bench.load.trace import Trace
from common.transaction import check_id

FloatArray = npt.NDArray[np.float64]

# The first word of every spawn key drawn from here. Other uses of a scenario's seed (faults, say) take
# another word, and are then independent of the arrivals.
ARRIVALS_STREAM = 0
# Of what a burst adds, so that the arrivals themselves are the same with it and without it.
BURSTS_STREAM = 1

# An hour at 2,500/s, and 80 MB: a mistyped rate fails instead of filling the memory.
SCHEDULE_LENGTH_MAX = 10_000_000


def constant(rate_per_s: float, duration_s: float, generator: np.random.Generator) -> FloatArray:
    """One every 1/rate seconds, the first at 0; each is index/rate, so that no rounding piles up."""
    offsets = np.arange(np.ceil(rate_per_s * duration_s), dtype=np.float64) / rate_per_s
    return offsets[offsets < duration_s]


def poisson(rate_per_s: float, duration_s: float, generator: np.random.Generator) -> FloatArray:
    """Independent exponential gaps with mean 1/rate, one also before the first: users who do not coordinate.

    A longer duration only appends: what it shares with a shorter one is the same.
    """
    expected = rate_per_s * duration_s
    batch = int(expected + 4 * np.sqrt(expected)) + 16
    gaps = np.empty(0)
    offsets = np.empty(0)
    while not (offsets.size and offsets[-1] >= duration_s):
        gaps = np.concatenate([gaps, generator.exponential(1 / rate_per_s, batch)])
        offsets = np.cumsum(gaps)
    return offsets[offsets < duration_s]


ARRIVALS: dict[str, Callable[[float, float, np.random.Generator], FloatArray]] = {
    "constant": constant,
    "poisson": poisson,
}


def arrivals(
    kind: str, rate_per_s: float, duration_s: float, seed: int, stream: tuple[int, ...] = ()
) -> FloatArray:
    """When transactions are due, in seconds after the phase's start: shape (n,), sorted, in [0, duration_s).

    ``kind`` is a key of ARRIVALS. ``seed`` (>= 0) is the scenario's; ``stream`` tells apart the phases and
    trials that share it, ``(trial, phase)`` for instance: ``SeedSequence(seed, spawn_key=(ARRIVALS_STREAM,
    *stream))`` feeds ``default_rng``, so that two streams are independent and none depends on which were
    drawn before it.

    Raises ValueError where a value is unknown or out of range.
    """
    if kind not in ARRIVALS:
        raise ValueError(f"unknown arrivals {kind!r}, expected one of: {', '.join(sorted(ARRIVALS))}")
    if not 0 < rate_per_s < np.inf:
        raise ValueError(f"rate_per_s must be above 0 and finite, got {rate_per_s}")
    if not 0 < duration_s < np.inf:
        raise ValueError(f"duration_s must be above 0 and finite, got {duration_s}")
    if rate_per_s * duration_s > SCHEDULE_LENGTH_MAX:
        raise ValueError(
            f"rate_per_s x duration_s must be at most {SCHEDULE_LENGTH_MAX} transactions,"
            f" got {rate_per_s} x {duration_s}"
        )
    if seed < 0 or any(word < 0 for word in stream):
        raise ValueError(f"seed and stream must hold no negative number, got {seed} and {stream}")
    spawned = np.random.SeedSequence(seed, spawn_key=(ARRIVALS_STREAM, *stream))
    return ARRIVALS[kind](rate_per_s, duration_s, np.random.default_rng(spawned))


def replayed(trace: Trace, rate_per_s: float, duration_s: float) -> FloatArray:
    """When the arrivals of a trace are due, its time stretched so that its mean rate is ``rate_per_s``; as often as it
    takes, from its beginning: the i-th is row i modulo the trace's length. Shape and range as of ``arrivals``.

    Raises ValueError where that is too many.
    """
    length = len(trace.offsets_s)
    if rate_per_s * duration_s + length > SCHEDULE_LENGTH_MAX:
        raise ValueError(
            f"rate_per_s x duration_s must be at most {SCHEDULE_LENGTH_MAX - length} transactions with this trace,"
            f" got {rate_per_s} x {duration_s}"
        )
    once_s = np.frombuffer(trace.offsets_s) * (trace.rate_per_s / rate_per_s)
    rounds = int(np.ceil(rate_per_s * duration_s / length))
    offsets: FloatArray = np.concatenate([once_s + number * length / rate_per_s for number in range(rounds)])
    # To the nanosecond: a trace that lasts exactly as long as the step does not begin again for a rounding error.
    within: FloatArray = offsets[np.rint(offsets * 1e9) < np.rint(duration_s * 1e9)]
    return within


def with_bursts(
    offsets: FloatArray,
    kind: str,
    rate_per_s: float,
    bursts: Sequence[tuple[float, float, float]],
    seed: int,
    stream: tuple[int, ...] = (),
) -> FloatArray:
    """``offsets``, as ``arrivals`` drew them, with more in each burst ``(begin_s, end_s, times)``: sorted.

    A burst offers ``times`` (above 1) the rate. Poisson: arrivals of their own are laid over those that are there, and
    the sum of two Poisson streams is one again. Constant: one every 1/(rate x times) seconds takes their place.
    Outside of bursts nothing changes.
    """
    for number, (begin_s, end_s, times) in enumerate(bursts):
        if kind == "constant":
            added = arrivals(kind, rate_per_s * times, end_s - begin_s, seed)
            offsets = offsets[(offsets < begin_s) | (offsets >= end_s)]
        else:
            spawned = np.random.SeedSequence(seed, spawn_key=(BURSTS_STREAM, *stream, number))
            more_per_s = rate_per_s * (times - 1)
            added = ARRIVALS[kind](more_per_s, end_s - begin_s, np.random.default_rng(spawned))
        added = begin_s + added
        offsets = np.sort(np.concatenate([offsets, added[added < end_s]]))
    return offsets


def transaction_id(prefix: str, index: int, retry: int = 0) -> str:
    """The id of a phase's ``index``-th transaction, ``{prefix}-{index}``: 1 to 64 of ``[A-Za-z0-9._~-]``; of its
    ``retry``-th retry, ``{prefix}-{index}~{retry}``.

    Unique over a run as long as the prefix is unique to the phase. Raises ValueError where no valid id comes
    out.
    """
    if index < 0:
        raise ValueError(f"index must be at least 0, got {index}")
    suffix = f"~{retry}" if retry else ""
    return check_id(f"{prefix}-{index}{suffix}".encode()).decode()
