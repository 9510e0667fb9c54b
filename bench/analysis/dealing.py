"""Who deals what to whom, as far as a recorded path tells: where each dispatcher began, and in which order it dealt.

Arrays are by transaction, shape (n,), in any order; workers are numbered from 0.
"""

from collections.abc import Sequence
from math import inf

import numpy as np

from bench.analysis.recording import FloatArray, Instants
from bench.theory.dispatch import Use

TOGETHER_NS = 15_000_000
"""What the load sent within this time of each other a front may take up in any order: it reads its connections as its
poll returns them, and a turn of the processor may lie between two of them. The longest seen was 14 ms."""


def uses(
    dispatcher_of: Instants, worker_of: Instants, given_s: FloatArray, back_s: FloatArray
) -> dict[int, list[Use]]:
    """{dispatcher: whom it used, in the order of time}. ``given_s``, ``back_s``: when each transaction went to its
    worker, and came back. Before all of them stands in which order each was used first, which tells how they stood.
    """
    found: dict[int, list[Use]] = {}
    for index in np.argsort(given_s, kind="stable").tolist():
        mine, worker = found.setdefault(int(dispatcher_of[index]), []), int(worker_of[index])
        if worker not in {use.worker for use in mine}:
            mine.append(Use(-inf, worker))
    for at_s in (given_s, back_s):
        for dispatcher, at, worker in zip(
            dispatcher_of.tolist(), at_s.tolist(), worker_of.tolist(), strict=True
        ):
            found[dispatcher].append(Use(at, worker))
    return {dispatcher: sorted(mine, key=lambda use: use.at) for dispatcher, mine in found.items()}


def in_turn(front_of: Instants, sent_ns: Instants, worker_of: Instants, workers: int) -> Instants:
    """The worker that each transaction goes to when each front deals in turn, from where its first recorded one went.

    The order is that of sending. Of those sent together, whose order at the front is not recorded, the one comes next
    that went to the worker whose turn it is; where none did, the oldest.
    """
    dealt_to = np.zeros_like(worker_of)
    order = np.argsort(sent_ns, kind="stable")
    for front in np.unique(front_of):
        mine = order[front_of[order] == front].tolist()
        _deal(mine, sent_ns, worker_of, workers, dealt_to)
    return dealt_to


def _deal(
    mine: Sequence[int], sent_ns: Instants, worker_of: Instants, workers: int, dealt_to: Instants
) -> None:
    turn = int(worker_of[mine[0]])
    left = list(mine)
    while left:
        dealt_to[left.pop(_next(left, turn, sent_ns, worker_of))] = turn
        turn = (turn + 1) % workers


def _next(left: Sequence[int], turn: int, sent_ns: Instants, worker_of: Instants) -> int:
    """Where in ``left``, which is in the order of sending, the one stands that was dealt next."""
    latest_ns = sent_ns[left[0]] + TOGETHER_NS
    for at, index in enumerate(left):
        if sent_ns[index] > latest_ns:
            break
        if worker_of[index] == turn:
            return at
    return 0
