"""Whole topologies wired in memory, under load and every fault: each transaction has one fate, and a true one."""

from random import Random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from brokered.topology import BinaryStar, ParanoidPirate
from brokerless.topology import Direct, Freelance
from common.settings import Retries, Settings
from common.topology import Deployment
from common.transaction import Fate, Transaction
from tests.common.world import NOTICED_S, World, answer_to

SPAN_S = 2.0
"""Submissions and faults come within it."""

TOPOLOGIES = [
    pytest.param(ParanoidPirate(), Deployment(workers=3, fronts=2, brokers=1), id="one broker"),
    pytest.param(ParanoidPirate(), Deployment(workers=3, fronts=2, brokers=2), id="two brokers"),
    pytest.param(Freelance(), Deployment(workers=3, fronts=2), id="freelance"),
    pytest.param(Direct(), Deployment(workers=3, fronts=2), id="direct"),
    pytest.param(BinaryStar(), Deployment(workers=3, fronts=2), id="binary star"),
]

loads = st.lists(
    st.tuples(
        st.floats(0, SPAN_S),  # when
        st.booleans(),  # may it be retried
        st.floats(0.02, 1.5),  # how long it lives, s
        st.sampled_from([0.0, 0.002, 0.05, 0.6]),  # how long the service works on it, s
    ),
    min_size=1,
    max_size=25,
)
faults = st.lists(
    st.tuples(
        st.floats(0, SPAN_S),
        st.sampled_from(["cut", "kill", "sleep", "drain"]),
        st.integers(0, 50),  # which part or connection
        st.floats(0.01, 0.8),  # for how long
    ),
    max_size=8,
)


def play(topology, deployment, credit, load, troubles, seed):
    """A load and a timeline of faults, and then time enough for everything to end."""
    settings = Settings(credit=credit, retries=Retries(burst=8, ratio=0.1))
    plan = topology.plan(deployment, settings, lambda name: f"tcp://{name}")
    works = {b"t%d" % number: works for number, (*_, works) in enumerate(load)}
    world = World(topology, plan, settings, Random(seed), works.__getitem__)
    fronts = [part.name for part in plan.parts if part.role == "front"]
    others = [world.processes[part.name] for part in plan.parts if part.role != "front"]
    world.run(0.3)
    begun = world.now
    submitted = []
    for number, (at, retry, ttl_s, _) in enumerate(load):
        id = b"t%d" % number
        transaction = Transaction(id, (id,), begun + at + ttl_s, retry)
        submitted.append(transaction)
        world.after(at, world.submit, fronts[number % len(fronts)], transaction)
    for at, kind, which, seconds in troubles:
        everybody = list(world.processes.values())
        match kind:
            case "cut":
                world.after(
                    at,
                    lambda n: (
                        (w := world.wires_of(everybody[n % len(everybody)])) and world.cut(w[n % len(w)])
                    ),
                    which,
                )
            case "kill":
                world.after(at, world.kill, others[which % len(others)])
            case "sleep":
                world.after(at, world.sleep, everybody[which % len(everybody)], seconds)
            case "drain":
                world.after(at, world.drain, others[which % len(others)])
    world.run(SPAN_S + 8)
    return world, submitted


def check(world, submitted, troubles):
    slept_s = sum(seconds for _, kind, _, seconds in troubles if kind == "sleep")
    for transaction in submitted:
        (told, answer), *more = world.answers[transaction.id]
        assert not more, f"{transaction.id!r} was answered twice"
        assert told <= transaction.deadline + 0.05 + NOTICED_S + slept_s
        executed = world.executions[transaction.id]
        if not transaction.retry:
            assert executed <= 1, f"{transaction.id!r} may run at most once, and ran {executed} times"
        if answer.fate is Fate.REJECTED:
            assert executed == 0, f"{transaction.id!r} was rejected for {answer.reason!r}, and ran"
        if answer.fate is Fate.COMPLETED:
            assert executed >= 1
            assert answer.body == answer_to(transaction)
    assert set(world.answers) == {transaction.id for transaction in submitted}
    for process in world.processes.values():
        gauges = process.machine.gauges()
        places = {place: gauges.get(place, 0) for place in ("queued", "outstanding", "waiting", "executing")}
        assert not any(places.values()), f"{process!r} still holds something: {places}"


@pytest.mark.parametrize(("topology", "deployment"), TOPOLOGIES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([1, 3]), loads, faults, st.integers(0, 1000))
@example(1, [(0.0, False, 1.0, 0.05)] * 20, [(0.01, "kill", 0, 0.1), (0.02, "kill", 1, 0.1)], 7)
def test_every_transaction_gets_exactly_one_fate_and_a_true_one(
    topology, deployment, credit, load, troubles, seed
):
    world, submitted = play(topology, deployment, credit, load, troubles, seed)
    check(world, submitted, troubles)


@pytest.mark.parametrize(("topology", "deployment"), TOPOLOGIES)
def test_without_faults_and_with_time_everything_completes_and_nothing_twice(topology, deployment):
    load = [(number / 100, number % 2 == 0, 5.0, 0.01) for number in range(150)]
    world, submitted = play(topology, deployment, 1, load, [], 7)
    check(world, submitted, [])
    assert {answer.fate for ((_, answer),) in world.answers.values()} == {Fate.COMPLETED}
    assert set(world.executions.values()) == {1}
    assert world.notes["peer-lost"] == 0


@pytest.mark.parametrize(("topology", "deployment"), TOPOLOGIES[:3])
@pytest.mark.parametrize("fault", ["kill", "sleep", "drain"])
def test_of_a_worker_s_end_a_put_sees_nothing_and_at_most_credit_posts_are_unknown(
    topology, deployment, fault
):
    load = [(number / 100, number % 2 == 0, 5.0, 0.01) for number in range(150)]
    broker_count = deployment.brokers if topology.family == "brokered" else 0
    troubles = [(0.75, fault, broker_count, 1.5)]
    world, submitted = play(topology, deployment, 1, load, troubles, 7)
    check(world, submitted, troubles)
    fates = {transaction.id: world.answers[transaction.id][0][1].fate for transaction in submitted}
    puts = [fates[transaction.id] for transaction in submitted if transaction.retry]
    posts = [fates[transaction.id] for transaction in submitted if not transaction.retry]
    dispatchers = broker_count or deployment.fronts
    assert set(puts) == {Fate.COMPLETED}
    assert posts.count(Fate.UNKNOWN) <= (0 if fault == "drain" else dispatchers)
    assert posts.count(Fate.COMPLETED) == len(posts) - posts.count(Fate.UNKNOWN)
    assert fault == "drain" or world.notes["peer-lost"] > 0
