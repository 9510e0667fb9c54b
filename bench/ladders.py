"""The capacity, from what each trial completed at each number of users: its *ladder*.

It is taken at one number of users for all trials: that whose median over trials is the largest, of those that more than
half of the trials played. The best step of each trial would be the largest of several figures that scatter, and lie
above what a pool can do: a recorded sweep had 822/s for eight workers of 10 ms, which can do 800 at most.
"""

from collections.abc import Collection, Mapping
from statistics import median

Ladder = Mapping[int, float]
"""{users: completed per second}, of one trial."""


def best_users(trials: Collection[Ladder]) -> int | None:
    """At how many users the capacity is taken; None where no trial has a step."""
    played = sorted({users for ladder in trials for users in ladder})
    rates = {users: [ladder[users] for ladder in trials if users in ladder] for users in played}
    most = max(map(len, rates.values()), default=0)
    common = {users: median(found) for users, found in rates.items() if len(found) * 2 > most}
    return max(common, key=lambda users: (common[users], -users), default=None)


def capacities(trials: Mapping[int, Ladder]) -> dict[int, float]:
    """{trial: its capacity}; of a trial whose search had ended before, with the most users that it had."""
    ladders = {trial: ladder for trial, ladder in trials.items() if ladder}
    users = best_users(ladders.values())
    if users is None:
        return {}
    return {
        trial: ladder[max((each for each in ladder if each <= users), default=min(ladder))]
        for trial, ladder in ladders.items()
    }
