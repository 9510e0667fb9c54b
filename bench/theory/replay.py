"""Replays a recorded path through an ideal queue: what each transaction would have waited there.

Given when the transactions arrived and how long each occupied its worker, the waits of a first come first
served queue are an exact recursion, not a random matter. Measured waits of the same path can therefore be
compared with them transaction by transaction, free of the sampling noise that a comparison with a closed form
would carry.

Throughout, for n transactions in order of arrival:

    arrivals      shape (n,), float seconds on any clock, never decreasing
    occupancies   shape (n,), float seconds >= 0: from dispatch until the worker's slot is free again
    returned      shape (n,), float64 seconds >= 0: from arrival to dispatch, in the same order

All workers are free at the first arrival. Arrays that break these rules raise ValueError.

Sources: Kiefer and Wolfowitz, On the theory of queues with many servers (1955), for the central queue;
Lindley, The theory of queues with a single server (1952), for each worker's own. Kept as instants at which
workers fall free, not as remaining work: the same recursion, and no rounding piles up along the path.
"""

import heapq
import math

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def central_queue(arrivals: npt.ArrayLike, occupancies: npt.ArrayLike, workers: int) -> FloatArray:
    """Waits when all share one queue and its head goes to whichever of ``workers`` is free first (G/G/c)."""
    checked_workers(workers)
    due, held = checked_path(arrivals, occupancies)
    free_at = [-math.inf] * workers  # a heap: the instant at which each worker falls free
    waits: list[float] = []
    for arrival, occupancy in zip(due.tolist(), held.tolist(), strict=True):
        start = max(arrival, free_at[0])
        heapq.heapreplace(free_at, start + occupancy)
        waits.append(start - arrival)
    return np.array(waits, dtype=np.float64)


def blind_round_robin(arrivals: npt.ArrayLike, occupancies: npt.ArrayLike, workers: int) -> FloatArray:
    """Waits when one dispatcher deals to ``workers`` in turn, busy or not, and each has a queue of its own.

    Transaction i goes to worker i mod ``workers``; which one is first makes no difference, as all begin free.
    """
    checked_workers(workers)
    return assigned(arrivals, occupancies, np.arange(np.size(arrivals)) % workers)


def assigned(arrivals: npt.ArrayLike, occupancies: npt.ArrayLike, worker_of: npt.ArrayLike) -> FloatArray:
    """Waits when transaction i queues at worker ``worker_of[i]``, whatever the others do.

    ``worker_of``: shape (n,), integers; any numbering, gaps allowed.
    """
    due, held = checked_path(arrivals, occupancies)
    owner = checked_numbers("worker_of", worker_of, due.shape)
    free_at: dict[int, float] = {}  # {worker: the instant at which it falls free}
    waits: list[float] = []
    for arrival, occupancy, worker in zip(due.tolist(), held.tolist(), owner.tolist(), strict=True):
        start = max(arrival, free_at.get(worker, -math.inf))
        free_at[worker] = start + occupancy
        waits.append(start - arrival)
    return np.array(waits, dtype=np.float64)


def checked_path(arrivals: npt.ArrayLike, occupancies: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Both as arrays of floats. Raises ValueError as the module says."""
    due, held = np.asarray(arrivals, dtype=np.float64), np.asarray(occupancies, dtype=np.float64)
    if due.ndim != 1 or due.shape != held.shape:
        raise ValueError(
            f"arrivals and occupancies must have one shape (n,), got {due.shape} and {held.shape}"
        )
    if not (np.isfinite(due).all() and np.isfinite(held).all()):
        raise ValueError("arrivals and occupancies must be finite, got inf or nan")
    if (held < 0).any():
        raise ValueError(f"occupancies must be at least 0, got {held.min()}")
    backwards = np.flatnonzero(np.diff(due) < 0)
    if backwards.size:
        at = int(backwards[0]) + 1
        raise ValueError(f"arrivals must never decrease, got {due[at]} after {due[at - 1]} at index {at}")
    return due, held


def checked_numbers(name: str, values: npt.ArrayLike, shape: tuple[int, ...]) -> npt.NDArray[np.integer]:
    """As an array of integers. Raises ValueError where it is none, or has not the shape of the arrivals."""
    numbers = np.asarray(values)
    if numbers.shape != shape:
        raise ValueError(f"{name} must have the shape of arrivals, {shape}, got {numbers.shape}")
    if numbers.size and not np.issubdtype(numbers.dtype, np.integer):
        raise ValueError(f"{name} must hold integers, got {numbers.dtype}")
    return numbers


def checked_workers(workers: int) -> None:
    """Raises ValueError where there is none."""
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
