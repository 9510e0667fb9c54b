"""Whether a clock was stepped or the machine suspended while an episode was played: see ``bench.clocks``."""

from collections.abc import Callable, Iterator

from bench.checks.check import Check, Figure, told
from bench.checks.played import Played
from bench.checks.watched import Watched

NOT_READ = "the clocks were not read twice"


def _changes(of: Callable[[Watched], float | None], clause: str) -> Callable[[Played], Iterator[Figure]]:
    def figures(played: Played) -> Iterator[Figure]:
        for step in played.begun:
            seen = played.watched.get(step.name)
            ms = of(seen) if seen else None
            yield Figure(f"step {step.name}", ms, NOT_READ if ms is None else clause.format(told(ms, "ms")))

    return figures


STEPPED = Check(
    title="the largest step of the clock that shows the time of day",
    why="a service or a database that times anything by it took part with a wrong length",
    judges="steps",
    unit="ms",
    setting="clock_step_ms_max",
    figures=_changes(lambda seen: seen.wall_step_ms, "the time of day was stepped by {}"),
)
SUSPENDED = Check(
    title="how long the machine was suspended",
    why="the clock that everything is timed by stood still meanwhile, and the world did not",
    judges="steps",
    unit="ms",
    setting="suspended_ms_max",
    figures=_changes(lambda seen: seen.suspended_ms, "the machine was suspended for {}"),
)
