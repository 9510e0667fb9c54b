"""What the load process is told of an episode.

Invariant: a function of the task and of where its parts are: trials of one number are told the same of every topology.
"""

import os
from collections.abc import Sequence

from bench.errors import BadInput
from bench.faults.on_load import bursts_of, retrying_of
from bench.folders import EpisodeFolder
from bench.load.spec import ClientSpec, ClosedStep, LoadSpec, OpenStep, PacedStep
from bench.load.spec import Step as LoadStep
from bench.phases import Open, Paced, Search, Soak
from bench.run_record import PlayedStep
from bench.task import Task
from common.bank.settings import BankSpec
from common.topology import Part

ECHOES = ("echo", "sleep", "spin")
"""Services that return the body they were given, so that an answer can be checked against its request."""


def orders(
    task: Task, front: Part, targets: Sequence[str], its_bank: BankSpec | None, folder: EpisodeFolder
) -> LoadSpec:
    """``front``: whose client the load drives at level client; ``targets``: ``host:port`` of each front's HTTP,
    none at level client; ``its_bank``: the episode's, None where the service keeps none.

    Raises:
        BadInput: it is more than a load process plays: loads turned out to be too many transactions.
    """
    try:
        return _spec(task, front, targets, its_bank, folder)
    except ValueError as error:
        raise BadInput(f"phase {task.phase.name}: {error}") from None


def _spec(
    task: Task, front: Part, targets: Sequence[str], its_bank: BankSpec | None, folder: EpisodeFolder
) -> LoadSpec:
    scenario = task.scenario
    rest = scenario.level == "rest"
    return LoadSpec(
        level=scenario.level,
        method=scenario.method,
        targets=tuple(targets),
        client=None if rest else ClientSpec(task.topology, front, scenario.settings, str(folder.raw)),
        timeout_s=scenario.timeout_s,
        body_bytes=scenario.body_bytes,
        body="transfer" if its_bank else "id",
        accounts=its_bank.accounts if its_bank else 0,
        check="echo" if scenario.service.name in ECHOES else "none",
        id_prefix=task.id_prefix,
        seed=scenario.seed,
        stream=(task.trial, scenario.phases.index(task.phase)),
        steps=tuple(_step(task, step) for step in task.steps),
        search_gain_min=task.phase.gain_min if isinstance(task.phase, Search) else None,
        record_file=str(folder.records),
        report_file=str(folder.report),
        guard_pid=os.getpid(),
    )


def _step(task: Task, step: PlayedStep) -> LoadStep:
    phase = task.phase
    if isinstance(phase, Paced):
        return PacedStep(
            name=step.name,
            phase=phase.name,
            duration_s=step.duration_s,
            warmup_s=step.warmup_s,
            users=step.concurrency,
            rate_per_s=step.rate_per_s,
        )
    if step.concurrency:
        return ClosedStep(
            name=step.name,
            phase=phase.name,
            duration_s=step.duration_s,
            warmup_s=step.warmup_s,
            concurrency=step.concurrency,
        )
    assert isinstance(phase, Open | Soak)
    return OpenStep(
        name=step.name,
        phase=phase.name,
        duration_s=step.duration_s,
        warmup_s=step.warmup_s,
        arrivals=phase.arrivals,
        trace=phase.trace if isinstance(phase, Open) else "",
        rate_per_s=step.rate_per_s,
        bursts=bursts_of(phase.faults),
        retrying=retrying_of(phase.faults, task.scenario.settings.retries),
    )
