"""For each check what it is shown where all is well, and what makes it fail.

Invariant: both are made the way the real thing is: a stream of samples through ``watched``, rows of tables through
``books``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from bench.analysis.little import Law
from bench.checks.played import Played
from bench.checks.recorded import Recorded
from bench.checks.watched import watched
from bench.ledger import books
from bench.run_record import Doubt, Episode, Injected, PlayedStep
from bench.sampler import Sample
from bench.scenario_file import load
from tests.bench.analysis import steps as made
from tests.bench.facts import EPISODE, MS, Facts, S

QUICK = load("quick")
BANK = load("quick", ["service.name=transfer"])
STEP = PlayedStep(
    "0.5", 0.5, 4, begin_ns=100 * S, warm_ns=100 * S + 500 * MS, end_ns=104 * S + 500 * MS, done_ns=105 * S,
    sent=100, lag_p99_us=900, load_cpu_s=0.2,
)  # fmt: skip
CLOSED = replace(STEP, name="16", concurrency=16)
TICK_NS = 100 * MS
WALL_S = 1.76e9

Ticks = Callable[[int], dict[str, Any]]


def samples(
    waits: Mapping[str, float | None] = {},
    late: Sequence[range] = (),
    clocks: Ticks = lambda tick: {},
) -> Iterator[Sample]:
    """Ten a second from the step's begin to its end, of one part of each kind, the load and the bench.

    ``waits``: for what share of the time each waits, 0.02 where it is not told, None: the kernel does not say;
    ``late``: the ticks that were never sampled.
    """
    for tick in range(46):
        if any(tick in missed for missed in late):
            continue
        t_ns = STEP.begin_ns + tick * TICK_NS
        for part in ("front-1", "broker-1", "worker-1", "load", "bench"):
            share = waits.get(part, 0.02)
            delay_s = None if share is None else 7 + share * tick * TICK_NS / S
            bench = part == "bench"
            ahead = {"wall_ahead_s": WALL_S, "boot_ahead_s": 0.0, **clocks(tick)} if bench else {}
            yield Sample(
                t_ns, part, part.partition("-")[0], 100, 1.0, 1 << 25, 3, 20, run_delay_s=delay_s, **ahead
            )


def played(step: PlayedStep = STEP, stream: Iterator[Sample] | None = None) -> Played:
    return Played(QUICK, [step], watched(stream or samples(), [step]))


def recorded(facts: Facts | None = None, **changes: Any) -> Recorded:
    """An episode of one transaction, or of what ``facts`` has."""
    if facts is None:
        facts = Facts()
        facts.executed("t-0")
    episode = Episode(*EPISODE, 1, 0, 0, 0, (STEP,), (KILL,), ())
    return Recorded(QUICK, replace(episode, **changes), books(facts.database())[EPISODE], [], {})


def of_records(sent: int) -> Recorded:
    """An episode whose load says that it sent so many, with records of three."""
    step = made.step(made.transactions([0, 10, 20], [5, 15, 25]))
    step = step._replace(played=replace(step.played, sent=sent))
    return recorded()._replace(steps=[step])


def of_queue(sampled: float, implied: float = 4.0) -> Recorded:
    """An episode whose queues were sampled at so many, while others waited, by their waits."""
    return recorded()._replace(queues={"0.5": Law(sampled, implied, 0.1, 1000)})


KILL = Injected("kill-worker", "0.5", "worker-1", 102 * S, 102 * S + 3 * MS, "SIGKILL", 102 * S + 20 * MS)


def _facts(*tell: Callable[[Facts], None]) -> Recorded:
    facts = Facts()
    for each in tell:
        each(facts)
    return recorded(facts)


def _doubted(cause: str) -> Recorded:
    return recorded(doubts=(Doubt(cause, "it was"),))


WELL: Mapping[str, Callable[[], Played | Recorded]] = {
    "audit": lambda: recorded()._replace(scenario=BANK),
    "records-missing": lambda: of_records(3),
    "little": lambda: of_queue(4.3),
}
"""What a check that needs more than others is shown where all is well."""

PROVOKED: Mapping[str, Callable[[], Played | Recorded]] = {
    "load-lag": lambda: played(replace(STEP, lag_p99_us=10_500)),
    "load-dropped": lambda: played(replace(STEP, dropped=3)),
    "load-busy": lambda: played(replace(STEP, load_cpu_s=4.75)),
    "load-starved": lambda: played(stream=samples({"load": 0.45})),
    "part-starved": lambda: played(stream=samples({"worker-1": 0.6})),
    "samples-missing": lambda: played(stream=samples(late=[range(10, 22)])),
    "clock-stepped": lambda: played(
        stream=samples(clocks=lambda tick: {"wall_ahead_s": WALL_S - 0.5 * (tick > 20)})
    ),
    "suspended": lambda: played(stream=samples(clocks=lambda tick: {"boot_ahead_s": 3.0 * (tick > 20)})),
    "law-lost": lambda: _facts(lambda facts: facts.transaction("t-0")),
    "law-phantom": lambda: _facts(lambda facts: facts.executed("t-0", "rejected")),
    "law-duplicate": lambda: _facts(
        lambda facts: facts.executed("t-0", method="POST"), lambda facts: facts.execution("t-0")
    ),
    "law-fateless": lambda: _facts(lambda facts: facts.executed("t-0", "vanished")),
    "law-repeated": lambda: _facts(
        lambda facts: facts.executed("t-0"), lambda facts: facts.transaction("t-0", "unknown")
    ),
    "law-unasked": lambda: _facts(
        lambda facts: facts.executed("t-0"), lambda facts: facts.execution("t-of-nobody")
    ),
    "law-balance": lambda: _facts(
        lambda facts: facts.executed("t-0"), lambda facts: facts.executed("t-2", index=2)
    ),
    "fault-late": lambda: recorded(faults=(replace(KILL, planned_ns=KILL.t_ns - 300 * MS),)),
    "fault-outlasting": lambda: recorded(faults=(replace(KILL, healed_ns=STEP.end_ns + 900 * MS),)),
    "records-missing": lambda: of_records(4),
    "little": lambda: of_queue(2.0),
    "fault-without-effect": lambda: _doubted("fault"),
    "part-ended": lambda: _doubted("part"),
    "load-failed": lambda: _doubted("load"),
    "audit": lambda: _doubted("audit")._replace(scenario=BANK),
}
"""By the check that is to fail; no other may."""


def well(name: str) -> Played | Recorded:
    """What a check is shown where all is well."""
    made_well = WELL.get(name)
    if made_well:
        return made_well()
    return played() if isinstance(PROVOKED[name](), Played) else recorded()
