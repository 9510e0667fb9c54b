"""Whatever is killed, stopped, frozen or hung, in whatever order: the laws hold, and all of it works again after."""

from typing import NamedTuple

from hypothesis import Phase, given, note
from hypothesis import settings as effort
from hypothesis import strategies as st

from bench.simulator import Simulation
from common.settings import Limits, Retries, Settings
from common.topology import Topology
from tests.contract.applies import claims
from tests.contract.deployment import (
    SERVICE_S,
    assert_quiet,
    check_laws,
    load,
    simulate,
    works_in_full,
)

UP_S = 0.5
LOAD_S = 2.0
HEALED_S = 4.0
"""After the load: the longest fault is over, and silence at the RFC's own cadence (3 s) has been noticed."""


BACKLOG_S = 8.0
"""What a worker may still have to execute then, for nobody: direct's queue, whose deadlines are past, ends at once."""


class Fault(NamedTuple):
    """What happens to one part: ``lasts_s`` until it is restarted or goes on."""

    kind: str
    part: int
    at: float
    lasts_s: float


class Shape(NamedTuple):
    """A deployment and its load (a fraction of the capacity)."""

    workers: int
    fronts: int
    brokers: int
    credit: int
    latency_s: float
    service_s: float
    load: float
    timeout_s: float
    queue: int
    retries: int

    @property
    def settings(self) -> Settings:
        return Settings(
            credit=self.credit, limits=Limits(queue=self.queue), retries=Retries(burst=self.retries)
        )


INSTANTS = st.floats(UP_S, UP_S + LOAD_S).map(lambda at: round(at, 4))
DURATIONS = st.sampled_from([0.01, 0.05, 0.1, 0.25, 0.5, 1.5])

shapes = st.builds(
    Shape,
    workers=st.sampled_from([1, 2, 4]),
    fronts=st.sampled_from([1, 2, 3]),
    brokers=st.sampled_from([1, 1, 2]),
    credit=st.sampled_from([1, 1, 2, 4]),
    latency_s=st.sampled_from([50e-6, 0.0, 0.001, 0.005]),
    service_s=st.sampled_from([0.01, 0.1, 0.4]),
    load=st.sampled_from([0.3, 0.6, 1.1]),
    timeout_s=st.sampled_from([1.0, 0.3, 0.05]),
    queue=st.sampled_from([1000, 16]),
    retries=st.sampled_from([256, 2, 0]),
)


def faults(*kinds: str) -> st.SearchStrategy[list[Fault]]:
    one = st.builds(
        Fault, kind=st.sampled_from(kinds), part=st.integers(0, 63), at=INSTANTS, lasts_s=DURATIONS
    )
    return st.lists(one, min_size=1, max_size=12)


def inflict(simulation: Simulation, fault: Fault, parts: list[str]) -> None:
    kind, part, at, lasts_s = fault
    name = parts[part % len(parts)]
    match kind:
        case "kill":
            simulation.kill(name, at, lasts_s)
        case "kill, last words lost":
            simulation.kill(name, at, lasts_s, last_words=False)
        case "stop":
            simulation.stop(name, at, lasts_s)
        case "freeze" | "hang":
            simulation.pause(name, at, at + lasts_s, hung=kind == "hang")


def storm(topology: Topology, shape: Shape, script: list[Fault], roles: tuple[str, ...]) -> None:
    note(f"{shape}\n{script}")
    settings = shape.settings
    simulation = simulate(
        topology, workers=shape.workers, fronts=shape.fronts, brokers=shape.brokers, settings=settings,
        latency_s=shape.latency_s, service_s=shape.service_s,
    )  # fmt: skip
    rate_per_s = shape.load * shape.workers / shape.service_s
    simulation.play(load(simulation, rate_per_s, UP_S, UP_S + LOAD_S, timeout_s=shape.timeout_s))
    parts = [part.name for part in simulation.plan.parts if part.role in roles]
    for fault in script:
        inflict(simulation, fault, parts)
    simulation.run(UP_S + LOAD_S + shape.timeout_s + HEALED_S)
    check_laws(simulation, settings, fronts_sleep="front" in roles)
    simulation.run(simulation.now + BACKLOG_S)
    assert_quiet(simulation)
    works_in_full(simulation, simulation.now, shape.credit, shape.service_s)


ANY = ("kill", "kill, last words lost", "stop", "freeze", "hang")
WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
"""It may take minutes, and a storm of a dozen faults can be read as it is."""
thorough = effort(max_examples=40, derandomize=True, database=None, phases=WITHOUT_SHRINKING)


@thorough
@given(shape=shapes, script=faults(*ANY))
def test_storm_over_workers_and_brokers(topology: Topology, shape: Shape, script: list[Fault]):
    storm(topology, shape, script, ("worker", "broker"))


@thorough
@given(shape=shapes, script=faults(*ANY))
def test_storm_over_everything(topology: Topology, shape: Shape, script: list[Fault]):
    storm(topology, shape, script, ("worker", "broker", "front"))


def watch(simulation: Simulation, credit: int) -> None:
    """Look every 3 ms: nothing waits while a worker that a dispatcher believes in has credit."""

    def look() -> None:
        for name in simulation.names("broker") or simulation.names("front"):
            depths = simulation.machine(name).gauges()
            assert not depths["queued"] or depths["outstanding"] == credit * depths["workers"], (name, depths)
        simulation.call(simulation.now + 0.003, look)

    look()


@claims("kill-worker")
@thorough
@given(
    shape=shapes.map(
        lambda shape: shape._replace(
            workers=4, load=0.6, timeout_s=1.0, brokers=1, service_s=0.01, queue=1000, retries=256
        )
    ),
    script=faults("kill", "kill, last words lost"),
)
def test_killed_workers_one_by_one_cost_no_put(topology: Topology, shape: Shape, script: list[Fault]):
    note(f"{shape}\n{script}")
    settings = shape.settings
    simulation = simulate(
        topology, workers=4, fronts=shape.fronts, settings=settings, latency_s=shape.latency_s
    )  # fmt: skip
    simulation.play(load(simulation, shape.load * 4 / SERVICE_S, UP_S, UP_S + LOAD_S))
    for fault in script:
        # two of the four never die
        inflict(simulation, fault._replace(lasts_s=min(fault.lasts_s, 0.1)), ["worker-1", "worker-2"])
    watch(simulation, shape.credit)
    simulation.run(UP_S + LOAD_S + HEALED_S)
    accounts = check_laws(simulation, settings)
    kills = sum(mark.kind == "kill" for mark in simulation.marks)
    dispatchers = simulation.names("broker") or simulation.names("front")
    assert {record.outcome for record in accounts.transactions if record.transaction.retry} <= {
        "completed",
        "failed",
    }
    assert len(accounts.of("unknown")) <= kills * shape.credit * len(dispatchers)
    works_in_full(simulation, simulation.now, shape.credit)
