"""The article's own case: what a connect() without a bind takes, is late, and how many that are."""

from collections import Counter

import pytest

from bench.registry import TOPOLOGIES
from bench.simulator import Simulation
from tests.contract.deployment import check_laws, simulate, transaction

WORKERS = 4
UP_S = 0.5
SENT_S = 1.5
"""Time in which every front sends its transactions, one by one, so that no worker has two at once."""
TIMEOUT_S = 3.0
RESTARTED_S = UP_S + SENT_S + 0.5


def scenario(fronts: int, dead: int, restarted: bool) -> Simulation:
    """Every front has three rounds of transactions for workers of which the first ``dead`` are not there."""
    simulation = simulate(TOPOLOGIES["direct"], workers=WORKERS, fronts=fronts)
    for number in range(1, dead + 1):
        simulation.kill(f"worker-{number}", UP_S / 2)
        if restarted:
            simulation.start(f"worker-{number}", RESTARTED_S)
    total = 3 * WORKERS * fronts
    for i in range(total):
        at = UP_S + SENT_S * i / total
        simulation.submit(
            at, f"front-{i % fronts + 1}", transaction(b"t-%d" % i, at, retry=i % 2 == 0, timeout_s=TIMEOUT_S)
        )
    simulation.run(UP_S + SENT_S + TIMEOUT_S + 1)
    return simulation


@pytest.mark.parametrize("fronts", [1, 2, 8])
@pytest.mark.parametrize("dead", [0, 1, 3])
def test_fronts_times_dead_endpoints_are_stuck_and_unknown_at_their_deadline(fronts: int, dead: int):
    simulation = scenario(fronts, dead, restarted=False)
    accounts = check_laws(simulation)
    stuck = accounts.of("unknown")
    assert accounts.count() == {"completed": len(accounts.transactions) - fronts * dead} | (
        {"unknown": fronts * dead} if dead else {}
    )
    assert (
        Counter(record.front for record in stuck) == dict.fromkeys(simulation.names("front"), dead)
        if dead
        else 1
    )
    assert all(record.resolved == pytest.approx(record.transaction.deadline) for record in stuck)
    assert not any(accounts.executions[record.transaction.id] for record in stuck)


@pytest.mark.parametrize("fronts", [1, 2, 8])
@pytest.mark.parametrize("dead", [1, 3])
def test_they_are_late_but_done_where_a_supervisor_restarts_the_worker_in_time(fronts: int, dead: int):
    simulation = scenario(fronts, dead, restarted=True)
    accounts = check_laws(simulation)
    assert accounts.count() == {"completed": len(accounts.transactions)}
    late = [record for record in accounts.transactions if record.resolved > RESTARTED_S]
    assert len(late) == fronts * dead
    for record in late:
        [execution] = accounts.executions[record.transaction.id]
        assert execution.worker in {f"worker-{number}" for number in range(1, dead + 1)}


def test_with_all_endpoints_dead_each_pipe_takes_one_and_the_rest_is_rejected():
    simulation = scenario(fronts=2, dead=WORKERS, restarted=False)
    accounts = check_laws(simulation)
    assert accounts.count() == {"unknown": 2 * WORKERS, "rejected": 2 * 2 * WORKERS}
