"""Faults come when they are due, as often as they were asked for, and each is on record."""

import asyncio
import time
from collections.abc import Sequence

from bench.faults.fault import Deployed, Fault
from bench.faults.injection import Injection


class Nudge(Fault, frozen=True, forbid_unknown_fields=True, tag="nudge", kw_only=True):
    """Touches a part and does nothing."""

    does = "nothing"

    async def apply(self, deployed: Deployed, part: str) -> str:
        return "nudged"


class Workers:
    """Eight, of which nothing is asked but their names."""

    def parts(self, role: str) -> Sequence[str]:
        return [f"{role}-{number}" for number in range(1, 9)]


class Pages:
    """A notebook in memory."""

    def __init__(self) -> None:
        self.kinds: list[tuple[str, str]] = []

    def add(self, kind: str, subject: str = "", detail: str = "", t_ns: int | None = None) -> None:
        self.kinds.append((kind, subject))


async def play(*faults: Fault, seed: str = "1"):
    pages = Pages()
    injection = Injection(faults, Workers(), pages, seed)
    begin_ns = time.monotonic_ns()
    injection.begin("0.5", begin_ns)
    done, doubts = await asyncio.wait_for(injection.outcome(), 10)
    assert doubts == []
    return begin_ns, sorted(done, key=lambda each: each.planned_ns), pages.kinds


async def nudge_six_times(seed: str = "1"):
    return await play(Nudge(role="worker", at_s=0.01, repeat=6, every_s=0.02), seed=seed)


def test_a_repeated_fault_comes_each_time_and_each_time_at_its_own_instant():
    begin_ns, done, kinds = asyncio.run(nudge_six_times())
    assert [each.planned_ns - begin_ns for each in done] == [round((10 + 20 * n) * 1e6) for n in range(6)]
    assert all(each.t_ns >= each.planned_ns for each in done)
    assert kinds == [("fault", each.part) for each in done]


def test_whom_it_hits_is_drawn_anew_each_time_from_the_seed():
    parts = [[each.part for each in asyncio.run(nudge_six_times(seed))[1]] for seed in ("1", "1", "2")]
    assert parts[0] == parts[1] != parts[2]
    assert len(set(parts[0])) > 1
