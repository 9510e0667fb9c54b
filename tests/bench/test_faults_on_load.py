"""Faults made by the load: what the load is told, and that a burst which did not come about is no fault."""

import asyncio
import time
from typing import Any, cast

import msgspec
import pytest

from bench.faults import injection as injection_module
from bench.faults.fault import Deployed, NoEffect
from bench.faults.injection import Injection
from bench.faults.on_load import bursts_of, retrying_of
from bench.faults.overload import Overload
from bench.faults.registry import AnyFault
from bench.faults.storm import Storm
from bench.load.spec import Burst, Retrying
from bench.phases import Open
from bench.registry import topology
from bench.running_order import running_order
from bench.scenario_file import load
from common.settings import Retries
from common.topology import Deployment

BUDGET = Retries(burst=5, ratio=0.2)


def test_a_scenario_names_it_without_a_role():
    [fault] = msgspec.json.decode(
        b'[{"kind": "storm", "at_s": 1, "for_s": 2, "times": 3}]', type=tuple[AnyFault, ...]
    )
    assert isinstance(fault, Storm)
    assert (fault.label, fault.end_s, fault.retries, fault.budget) == ("storm-load", 3, 3, True)


def test_the_load_is_told_of_bursts_in_the_order_of_time():
    late, early = Overload(at_s=3, for_s=1, times=2), Storm(at_s=0.5, for_s=1, times=4)
    assert bursts_of((late, early)) == (Burst(at_s=0.5, for_s=1, times=4), Burst(at_s=3, for_s=1, times=2))


def test_a_repeated_burst_is_told_as_so_many():
    twice = Overload(at_s=1, for_s=1, times=3, repeat=2, every_s=4)
    assert bursts_of((twice,)) == (Burst(at_s=1, for_s=1, times=3), Burst(at_s=5, for_s=1, times=3))
    assert twice.describe() == "overload at 1 s, 2 times, every 4 s, for 1 s: 3 times the rate"


def test_the_clients_of_a_storm_have_the_deployments_budget_or_none():
    storm = Storm(at_s=0, for_s=1, times=2, retries=2, retry_after_s=0.3)
    assert retrying_of((storm,), BUDGET) == Retrying(retries=2, after_s=0.3, budget=BUDGET)
    without = msgspec.structs.replace(storm, budget=False)
    assert retrying_of((without,), BUDGET) == Retrying(retries=2, after_s=0.3, budget=None)
    assert retrying_of((Overload(at_s=0, for_s=1, times=2),), BUDGET) is None


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: Overload(at_s=0, for_s=1, times=1), "times must be above 1 and at most 1000, got 1"),
        (lambda: Overload(at_s=0, for_s=1, times=2, which=1), "which is of no use with overload"),
        (lambda: Storm(at_s=0, for_s=1, times=2, retries=0), "retries must be 1 to 9 retries, got 0"),
        (lambda: Storm(at_s=0, for_s=1, times=2, retry_after_s=0), "after_s must be 0.001 to 3600 s, got 0"),
        (
            lambda: phase(Overload(at_s=1, for_s=2, times=2), Storm(at_s=2, for_s=1, times=2)),
            "must not begin before the burst until 3 s is over",
        ),
        (
            lambda: phase(Storm(at_s=1, for_s=1, times=2), Storm(at_s=2, for_s=1, times=2)),
            "a phase may have one storm",
        ),
        (lambda: phase(Overload(at_s=9, for_s=2, times=2)), "a fault must be over by duration_s 10, got"),
    ],
)
def test_what_one_load_cannot_do_is_refused(make, complaint):
    with pytest.raises(ValueError, match=complaint):
        make()


def phase(*faults: Any) -> Open:
    return Open(name="burst", duration_s=10, rates_per_s=(100,), faults=faults)


def test_every_topology_can_be_overloaded():
    scenario = load("storm")
    plans = {name: topology(name).plan(Deployment(), scenario.settings, lambda name: f"inproc://{name}")
             for name in scenario.topologies}  # fmt: skip
    assert running_order(scenario, lambda _: plans).skipped == ()


def test_the_scenarios_with_and_without_a_budget_differ_in_nothing_else():
    storm, without = load("storm"), load("storm-unbudgeted")
    alike = ("topologies", "trials", "timeout_s", "deployment", "settings", "service", "validity", "method")
    assert {name: getattr(storm, name) for name in alike} == {name: getattr(without, name) for name in alike}
    [fault] = without.phase("storm").faults
    assert msgspec.structs.replace(fault, budget=True) == storm.phase("storm").faults[0]


# --- injected ------------------------------------------------------------------------------------------------


class Noted:
    """A notebook."""

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.begun = asyncio.Event()

    def add(self, kind: str, subject: str = "", detail: str = "", t_ns: int | None = None) -> None:
        assert subject == "load"
        self.kinds.append(kind)
        self.begun.set()


def injecting(noted: Noted) -> Injection:
    fault = Overload(at_s=0, for_s=0.02, times=3)
    injection = Injection((fault,), cast(Deployed, None), noted, "1")
    injection.begin("100/s", time.monotonic_ns())
    return injection


async def test_a_burst_is_a_fault_once_the_load_has_sent_it():
    noted = Noted()
    injection = injecting(noted)
    await noted.begun.wait()
    injection.offered("100/s", 0, 100, 296)
    [injected], doubts = await injection.outcome()
    assert doubts == []
    assert (injected.label, injected.part) == ("overload-load", "load")
    assert injected.seen == "296/s sent instead of 100/s"
    assert injected.healed_ns - injected.t_ns >= 0.02e9
    assert noted.kinds == ["fault", "healed"]


async def test_a_load_that_did_not_rise_is_a_doubt():
    injection = injecting(Noted())
    injection.offered("100/s", 0, 100, 150)
    faults, [doubt] = await injection.outcome()
    assert faults == []
    assert doubt.text == "overload was to raise the load from 100/s to 300/s, but 150/s were sent"


async def test_a_load_that_says_nothing_is_a_doubt(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(injection_module, "TOLD_WITHIN_S", 0.02)
    injection = injecting(Noted())
    injection.offered("another step", 0, 100, 300)
    _, [doubt] = await injection.outcome()
    assert "the load did not say what it sent" in doubt.text


def test_half_of_the_rise_is_one():
    fault = Overload(at_s=0, for_s=1, times=2)
    assert fault.seen(100, 150)
    with pytest.raises(NoEffect):
        fault.seen(100, 149)
