"""What each part of an episode is told, as ``bench.load_orders`` is for the load.

Invariant: a function of the task and of where things are: a part that is started again is told the same.
"""

import os
from pathlib import Path

from msgspec.structs import replace

from bench.folders import EpisodeFolder
from bench.part import PartSpec
from bench.task import Task
from common.bank.settings import BankSpec
from common.front.settings import HttpSettings
from common.topology import Part


def part_spec(
    task: Task,
    part: Part,
    http: tuple[str, int] | None,
    hindrance: Path | None,
    its_bank: BankSpec | None,
    folder: EpisodeFolder,
) -> PartSpec:
    """``part``: with the endpoints that it really has; ``http``: where a front listens, None of any other part;
    ``hindrance``: what a worker shares with the faults that hinder it, None where none does; ``its_bank``: the
    episode's, None where the service keeps none.
    """
    scenario = task.scenario
    service = replace(
        scenario.service,
        seed=scenario.service.seed or scenario.seed,
        bank=its_bank or scenario.service.bank,
    )
    return PartSpec(
        topology=task.topology,
        part=part,
        settings=scenario.settings,
        seed=scenario.seed,
        folder=str(folder.raw),
        service=service if part.role == "worker" else None,
        hindrance=str(hindrance) if hindrance else None,
        http=HttpSettings(*http) if http else None,
        guard_pid=os.getpid(),
    )
