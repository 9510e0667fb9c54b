"""A simulated deployment under load, and the laws that hold for whatever happens to it."""

from collections import defaultdict
from collections.abc import Iterable
from itertools import count

from bench.simulator import Arrival, Execution, Record, Simulation
from common.settings import Settings
from common.topology import Deployment, Topology
from common.transaction import Fate, Frames, Transaction

SERVICE_S = 0.010
TIMEOUT_S = 1.0
FAILING = b"fail-"
"""Ids that begin so are refused by the service."""
HOLDING = {"queued", "outstanding", "waiting", "executing"}
"""Gauges of places where a transaction can be."""
TIMER_S = 1e-6
"""What rounding may add to an instant."""


def service(transaction: Transaction) -> tuple[Fate, Frames]:
    """Answers with the transaction's id and body, so that nobody's answer passes for another's."""
    fate = Fate.FAILED if transaction.id.startswith(FAILING) else Fate.COMPLETED
    return fate, (transaction.id, *transaction.body)


def simulate(
    topology: Topology,
    *,
    workers: int = 4,
    fronts: int = 2,
    brokers: int = 1,
    settings: Settings | None = None,
    latency_s: float = 50e-6,
    service_s: float = SERVICE_S,
    seed: int = 0,
) -> Simulation:
    """A deployment whose service takes always the same time, 10 ms."""
    return Simulation(
        topology, Deployment(workers=workers, fronts=fronts, brokers=brokers), settings or Settings(),
        lambda id: service_s, service=service, latency_s=latency_s, seed=seed,
    )  # fmt: skip


def transaction(id: bytes, at: float, *, retry: bool, timeout_s: float = TIMEOUT_S) -> Transaction:
    return Transaction(id, (b"body of " + id,), at + timeout_s, retry)


def load(
    simulation: Simulation, rate_per_s: float, begin: float, end: float, *, timeout_s: float = TIMEOUT_S
) -> Iterable[Arrival]:
    """A constant rate, dealt to the fronts in turn; PUT and POST alternate at each front, and every seventh is
    refused by the service.
    """
    fronts = simulation.names("front")
    for i in count():
        at = begin + i / rate_per_s
        if at >= end:
            return
        turn, front = divmod(i, len(fronts))
        id = (FAILING if i % 7 == 3 else b"") + (b"put" if turn % 2 else b"post") + b"-%d" % i
        yield Arrival(at, fronts[front], transaction(id, at, retry=bool(turn % 2), timeout_s=timeout_s))


class Accounts:
    """Transactions joined with executions."""

    def __init__(self, simulation: Simulation) -> None:
        self.transactions = simulation.transactions
        self.executions: dict[bytes, list[Execution]] = defaultdict(list)
        for execution in simulation.executions:
            self.executions[execution.transaction.id].append(execution)

    def of(self, outcome: str) -> list[Record]:
        return [record for record in self.transactions if record.outcome == outcome]

    def count(self) -> dict[str, int]:
        counts: dict[str, int] = defaultdict(int)
        for record in self.transactions:
            counts[record.outcome] += 1
        return dict(counts)


def check_laws(
    simulation: Simulation, settings: Settings | None = None, *, fronts_sleep: bool = False
) -> Accounts:
    """The laws of design.md, for a simulation that has run past its last deadline. ``fronts_sleep``: a front was
    paused, and can't have answered meanwhile.
    """
    limits = (settings or Settings()).limits
    accounts = Accounts(simulation)
    assert simulation.open == 0, [record for record in accounts.transactions if record.outcome == "open"]
    assert sum(accounts.count().values()) == len(accounts.transactions)
    for record in accounts.transactions:
        executions = accounts.executions[record.transaction.id]
        _check_answer(record, executions)
        if record.outcome in ("rejected", "refused"):
            assert not executions, f"phantom: {record} {executions}"
        if not record.transaction.retry:
            assert len(executions) <= 1, f"duplicate: {record} {executions}"
        if not fronts_sleep:
            assert record.resolved <= record.transaction.deadline + limits.grace_s + TIMER_S, record
    return accounts


def _check_answer(record: Record, executions: list[Execution]) -> None:
    """Completed or failed: in time, by an execution that ended so, with the transaction's own answer."""
    if record.outcome not in ("completed", "failed"):
        return
    assert record.answer is not None
    assert record.answer.body == (record.transaction.id, *record.transaction.body), f"lost: {record}"
    assert record.resolved <= record.transaction.deadline, record
    assert any(
        execution.outcome == record.outcome and execution.finished <= record.resolved
        for execution in executions
    ), f"lost: {record} {executions}"


def works_in_full(simulation: Simulation, at: float, credit: int = 1, service_s: float = SERVICE_S) -> None:
    """Every front in turn has one transaction more than all workers have credit: all but one are handed on at once,
    every worker takes its share, and nothing is late.
    """
    # several brokers share the workers and do not know of each other: a worker may be asked by each
    brokers = max(1, len(dispatching(simulation)))
    longest_s = (brokers * credit + 1) * service_s + 6 * simulation.latency_s + TIMER_S
    for front in simulation.names("front"):
        _takes_all_credit(simulation, front, at, credit, service_s, longest_s)
        at = simulation.now
    assert_quiet(simulation)


def dispatching(simulation: Simulation) -> list[str]:
    """The brokers that hand on what they are asked: of a binary star the active one."""
    depths = {name: simulation.machine(name).gauges() for name in simulation.names("broker")}
    return [name for name, gauges in depths.items() if gauges.get("active", 1)]


def _takes_all_credit(
    simulation: Simulation, front: str, at: float, credit: int, service_s: float, longest_s: float
) -> None:
    brokers, workers = dispatching(simulation), simulation.names("worker")
    before, credits = len(simulation.transactions), max(1, len(brokers)) * len(workers) * credit
    for i in range(credits + 1):
        id = b"after-%d-%d" % (before, i)
        simulation.submit(at, front, transaction(id, at, retry=False, timeout_s=2 * longest_s))
    simulation.run(at + 2 * simulation.latency_s + service_s / 2)
    depths = [simulation.machine(name).gauges() for name in brokers or [front]]
    outstanding = sum(depth["outstanding"] for depth in depths)
    if "queued" in depths[0]:  # it gives credit at all
        assert outstanding == credits, f"of {credits} credits {outstanding} were there"
        assert sum(depth["queued"] for depth in depths) == 1
    else:
        assert outstanding == credits + 1
    simulation.run(at + 2 * longest_s)
    records = simulation.transactions[before:]
    assert [record.outcome for record in records] == ["completed"] * len(records), records
    assert max(record.response_s for record in records) <= longest_s, records
    assert {execution.worker for execution in simulation.executions if execution.begun >= at} == set(workers)


def assert_quiet(simulation: Simulation) -> None:
    """Nothing is held anywhere any more."""
    for part in simulation.plan.parts:
        gauges = simulation.machine(part.name).gauges()
        held = {place: depth for place, depth in gauges.items() if place in HOLDING and depth}
        assert not held, f"{part.name} still holds {held}"
