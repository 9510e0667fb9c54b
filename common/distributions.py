"""Service times as a function of (seed, transaction id), and of nothing else.

A transaction takes as long on whichever worker it lands, in whichever topology, in whichever order, and again
when it is sent twice: so trials of different topologies do the same work and can be paired. No generator,
hence no state.

The id is hashed to a uniform number in (0, 1), which the distribution's inverse cumulative function turns
into a multiple of the mean. Imports no numpy: workers draw from here. What ``statistics`` costs to import, 13
ms, the lognormal alone pays.
"""

import math
from collections.abc import Callable
from functools import cache
from hashlib import blake2b

import msgspec


class Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the distributions that have a choice spread around the mean; the others ignore it."""

    cv: float = 2.0
    """lognormal: standard deviation over mean. 2 is much longer-tailed than the exponential: median
    0.45 x the mean and p99 8.6 x, where the exponential has 0.69 x and 4.6 x."""

    slow_share: float = 0.1
    """bimodal: the fraction of transactions that is slow, in (0, 1)."""

    slow_ratio: float = 10.0
    """bimodal: how many times longer a slow transaction takes than a quick one, at least 1."""

    def __post_init__(self) -> None:
        if not 0 <= self.cv < math.inf:
            raise ValueError(f"cv must be at least 0 and finite, got {self.cv}")
        if not 0 < self.slow_share < 1:
            raise ValueError(f"slow_share must be above 0 and below 1, got {self.slow_share}")
        if not 1 <= self.slow_ratio < math.inf:
            raise ValueError(f"slow_ratio must be at least 1 and finite, got {self.slow_ratio}")


DEFAULT_SHAPE = Shape()


def constant(u: float, shape: Shape) -> float:
    """Always the mean."""
    return 1.0


def exponential(u: float, shape: Shape) -> float:
    """Memoryless, cv 1: the service of the closed forms. Median 0.69 x the mean, p99 4.6 x."""
    return -math.log1p(-u)


def lognormal(u: float, shape: Shape) -> float:
    """Long-tailed, coefficient of variation ``shape.cv``: sigma^2 = ln(1 + cv^2), mu = -sigma^2 / 2."""
    variance = math.log1p(shape.cv**2)
    return math.exp(math.sqrt(variance) * _normal_quantile()(u) - variance / 2)


def bimodal(u: float, shape: Shape) -> float:
    """Quick, or for a fraction ``slow_share`` of transactions ``slow_ratio`` times as long; scaled to mean 1.

    With the default shape 90 % take 0.526 x the mean and 10 % take 5.26 x; cv 1.42.
    """
    quick = 1 / (1 - shape.slow_share + shape.slow_share * shape.slow_ratio)
    return quick if u < 1 - shape.slow_share else quick * shape.slow_ratio


# Each maps a uniform number in (0, 1) to a multiple of the mean, never decreasing.
DISTRIBUTIONS: dict[str, Callable[[float, Shape], float]] = {
    "constant": constant,
    "exponential": exponential,
    "lognormal": lognormal,
    "bimodal": bimodal,
}


def service_time(kind: str, mean_s: float, seed: int, id: bytes, shape: Shape = DEFAULT_SHAPE) -> float:
    """How long the transaction ``id`` takes, in the unit of ``mean_s`` (seconds), >= 0.

    ``kind`` is a key of DISTRIBUTIONS, ``mean_s`` at least 0, ``seed`` in [0, 2^64); else ValueError.
    """
    if kind not in DISTRIBUTIONS:
        known = ", ".join(sorted(DISTRIBUTIONS))
        raise ValueError(f"unknown distribution {kind!r}, expected one of: {known}")
    if not 0 <= mean_s < math.inf:
        raise ValueError(f"mean_s must be at least 0 and finite, got {mean_s}")
    return mean_s * DISTRIBUTIONS[kind](uniform(seed, id), shape)


def uniform(seed: int, id: bytes) -> float:
    """A number in (0, 1), both ends excluded, that looks random and depends on the arguments alone.

    The upper 52 bits of a keyed BLAKE2b of the id, and half a step: the most that a double holds without
    rounding to 1.
    """
    if not 0 <= seed < 1 << 64:
        raise ValueError(f"seed must be at least 0 and below 2^64, got {seed}")
    digest = blake2b(id, digest_size=8, key=seed.to_bytes(8, "big"), person=b"service time").digest()
    return ((int.from_bytes(digest, "big") >> 12) + 0.5) * 2.0**-52


@cache
def _normal_quantile() -> Callable[[float], float]:
    from statistics import NormalDist

    return NormalDist().inv_cdf
