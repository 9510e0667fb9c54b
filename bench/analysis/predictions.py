"""What theory says of two faults, from how a topology chooses a worker and a few numbers of the deployment.

Invariant: nothing here knows a measurement; ``bench.analysis.stability`` and ``bench.analysis.stuck`` hold one
against it. A topology's plan says its policy; where it says none there is no prediction.

*Load* is a fraction of the nominal load, which is what all workers together can do at their usual speed.
"""

from common.topology import Policy


def stable_below(policy: Policy | None, workers: int, times: float) -> float | None:
    """Up to which load the system keeps up while one of ``workers`` (c) takes ``times`` (k) as long as usual.

    In turn, every worker is dealt 1 / c of the load, whatever it can do: the slow one, which can do 1 / k of its share
    of the nominal load, has a queue that grows without end above a load of 1 / k, also while all others are idle.

    When free, nobody is idle while something waits, so the limit is what all can do together: c - 1 at their usual
    speed and one at 1 / k of it, (c - 1 + 1 / k) / c.

    Neither depends on how arrivals or service times are spread, nor on how many dispatchers there are: a queue is
    stable where less arrives than can be served (Loynes, The stability of a queue with non-independent inter-arrival
    and service times, 1962).
    """
    match policy:
        case "in-turn":
            return 1 / times
        case "when-free":
            return (workers - 1 + 1 / times) / workers
        case None:
            return None


def stuck_per_front(policy: Policy | None, endpoints: int) -> int | None:
    """How many transactions of each front wait for workers that nobody has started, at ``endpoints``.

    In turn, with a high-water mark of 1: a connection that was asked for has a pipe, whether or not somebody is at its
    other end; at its first turn it takes one transaction, at the next it is full and passed over. One an endpoint.

    When free, nothing is handed to who has never said a word: none.
    """
    match policy:
        case "in-turn":
            return endpoints
        case "when-free":
            return 0
        case None:
            return None
