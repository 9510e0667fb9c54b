"""Whether a process was ready to run and got no processor, by the kernel's own account.

Only steps at a rate are judged: a closed loop takes whatever there is, and that the processors run out in it may be
what it finds.
"""

from collections.abc import Callable, Iterator

from bench.checks.check import Check, Figure, told
from bench.checks.played import Played

NO_ACCOUNT = "the kernel keeps no account of it (/proc/<pid>/schedstat)"
NOT_SAMPLED = "it was not sampled"


def _waits(chosen: Callable[[str], bool]) -> Callable[[Played], Iterator[Figure]]:
    """Of the processes whose role is chosen."""

    def figures(played: Played) -> Iterator[Figure]:
        for step in played.at_rate:
            seen = played.watched.get(step.name)
            mine = [part for part, role in seen.roles.items() if chosen(role)] if seen else []
            if seen is None or not mine:
                yield Figure(f"step {step.name}", None, NOT_SAMPLED)
                continue
            for part in mine:
                share = seen.waited[part]
                says = (
                    NO_ACCOUNT
                    if share is None
                    else f"waited {told(share, 'share')} of the time for a processor"
                )
                yield Figure(f"step {step.name}, {part}", share, says)

    return figures


PARTS = Check(
    title="how long a part waited for a processor, of the time",
    why="what is measured then is the scheduler of a machine that is too small or has other work",
    judges="processes of the deployment, and the bench, in steps at a rate",
    unit="share",
    setting="run_delay_share_max",
    figures=_waits(lambda role: role != "load"),
)
LOAD = Check(
    title="how long the load process waited for a processor, of the time",
    why="an answer that waits to be read is slow by the bench's fault",
    judges="steps at a rate",
    unit="share",
    setting="load_run_delay_share_max",
    figures=_waits(lambda role: role == "load"),
)
