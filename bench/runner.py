"""Plays a whole scenario: every episode in order, each written down in ``run.json`` as soon as it is over.

Invariant: whatever ends a run, ``run.json`` says what is whole, and no process is left. An episode that is invalid
for a measurement's reason is repeated once, and the repetition counts.
"""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median

from msgspec.structs import astuple, replace

from bench import inputs, ladders
from bench.capacity import completed_per_s
from bench.conditions import conditions
from bench.episode import play
from bench.errors import BadInput, BenchError
from bench.folders import EpisodeFolder
from bench.phases import ClosedLoop
from bench.ports import Ports
from bench.progress import Progress
from bench.read_back import read_back
from bench.run_record import Episode, PlayedStep, Repeated, RunRecord, episode_name, planned
from bench.running_order import OVERHEAD_S, RunningOrder, Turn, running_order, seconds
from bench.scenario import Scenario
from bench.task import Task
from bench.wiring import plan_of
from common.topology import Deployment, Plan


class Runner:
    """One run."""

    def __init__(
        self,
        scenario: Scenario,
        folder: Path,
        command: Sequence[str],
        progress: Progress,
        repeats: Repeated | None = None,
    ) -> None:
        kept = inputs.keep(scenario, folder)
        self._scenario = scenario = inputs.found(kept, folder)
        self._folder = folder
        self._progress = progress
        self._order = order_of(scenario)
        self.record = RunRecord(
            scenario=kept,
            command=tuple(command),
            conditions=conditions(),
            plans=plans_of(largest(scenario)),
            inputs=inputs.digests(folder),
            skipped=list(self._order.skipped),
            repeats=repeats,
        )
        if repeats:  # which leaves nothing for ``_take_capacity`` to find out
            self.record.reference_capacity_per_s = repeats.reference_capacity_per_s
            self.record.cell_capacities_per_s = dict(repeats.cell_capacities_per_s)

    async def run(self) -> RunRecord:
        """Play it to its end.

        Raises:
            PartFailed: a part cannot be started; what was played before is on record.
        """
        self.record.write(self._folder)
        for skipped in self._order.skipped:
            self._progress.say(f"{skipped.phase} is not played on {skipped.topology}: {skipped.why}")
        try:
            await self._play_all()
        except BaseException as end:
            self.record.interrupted = _why(end)
            self.record.write(self._folder)
            raise
        self.record.complete = True
        self.record.write(self._folder)
        return self.record

    async def _play_all(self) -> None:
        turns = self._order.turns
        for number, turn in enumerate(turns, 1):
            what = f"{turn.phase_in_cell}, {turn.topology}, trial {turn.trial}"
            self._progress.begin(what, number, len(turns), seconds(turns[number - 1 :], self._overhead_s()))
            self.record.episodes.append(await self._play(self._task(turn)))
            self._take_options(turn)
            self._take_capacity(turn)
            self.record.write(self._folder)

    async def _play(self, task: Task) -> Episode:
        folder = EpisodeFolder.of(self._folder, task.name)
        episode = measure(await play(task, folder), folder)
        self._tell(episode)
        if episode.valid or task.attempt > 1 or any(doubt.cause != "measurement" for doubt in episode.doubts):
            return episode
        self._progress.say(f"{episode.name} is repeated once")
        self.record.repeated.append(episode)
        shutil.rmtree(folder.raw)
        return await self._play(task._replace(attempt=2))

    def _task(self, turn: Turn) -> Task:
        reference = self.record.capacity_of(turn.cell)
        steps = []
        for step in map(planned, turn.phase.steps):
            if step.load:
                assert reference is not None, "a scenario with loads has a closed phase first"
                step = replace(step, rate_per_s=round(step.load * reference, 3))
            steps.append(step)
        return Task(turn.scenario, turn.phase, turn.topology, turn.trial, tuple(steps), cell=turn.cell)

    def _take_options(self, turn: Turn) -> None:
        notes = EpisodeFolder.of(
            self._folder, episode_name(turn.phase_in_cell, turn.topology, turn.trial)
        ).notes
        self.record.options_read_back.setdefault(turn.topology, read_back(notes))

    def _take_capacity(self, turn: Turn) -> None:
        """After the last closed episode before the loads: what they are fractions of."""
        if self.record.capacity_of(turn.cell) is None and isinstance(turn.phase, ClosedLoop):
            here = turn.phase_in_cell
            played = [episode for episode in self.record.episodes if episode.phase == here]
            if len(played) == sum(each.phase_in_cell == here for each in self._order.turns):
                self.record.take_capacity(turn.cell, reference_capacity(played))

    def _overhead_s(self) -> float:
        """What an episode takes beside its steps, as far as seen."""
        seen = [_beside_steps_s(episode) for episode in self.record.episodes]
        return mean(seen) if seen else OVERHEAD_S

    def _tell(self, episode: Episode) -> None:
        for doubt in episode.doubts:
            self._progress.say(f"{episode.name} is invalid: {doubt.text}")
        for part in episode.given_up:
            policy = self._scenario.supervision.policy
            self._progress.say(f"{episode.name}: {policy} gave {part} up, which stayed dead to the end")


def _beside_steps_s(episode: Episode) -> float:
    """At least 0: an episode that failed has not played all of its steps."""
    steps_s = sum(step.warmup_s + step.duration_s for step in episode.steps if step.begin_ns)
    return max((episode.ended_ns - episode.started_ns) / 1e9 - steps_s, 0)


def _why(end: BaseException) -> str:
    """What ended a run, for people."""
    if isinstance(end, asyncio.CancelledError | KeyboardInterrupt):
        return "it was told to stop"
    return str(end) if isinstance(end, BenchError) else f"{type(end).__name__}: {end}"


def plans_of(scenario: Scenario) -> dict[str, Plan]:
    """What each topology of the scenario consists of; its endpoints are only an example."""
    plans = {}
    for topology in scenario.topologies:
        with Ports() as ports:
            plans[topology] = plan_of(scenario, topology, ports.endpoint)
    return plans


def largest(scenario: Scenario) -> Scenario:
    """Of a sweep, the deployment with as many of each part as any cell has; else the scenario itself."""
    deployments = [scenario.of(cell).deployment for cell in scenario.cells] or [scenario.deployment]
    return replace(
        scenario,
        deployment=Deployment(*(max(numbers) for numbers in zip(*map(astuple, deployments), strict=True))),
        sweep=None,
    )


def order_of(scenario: Scenario) -> RunningOrder:
    """What a run of the scenario will play.

    Raises:
        BadInput: no topology can play any phase.
    """
    order = running_order(scenario, plans_of)
    if not order.turns:
        why = "; ".join(f"{each.phase} on {each.topology}: {each.why}" for each in order.skipped)
        raise BadInput(f"scenario {scenario.name} must have a phase that a topology can play, got {why}")
    return order


def measure(episode: Episode, folder: EpisodeFolder) -> Episode:
    """The same with what each step completed, from the load's records."""
    rates = (
        completed_per_s(folder.records, episode.steps)
        if folder.records.exists()
        else [0.0] * len(episode.steps)
    )
    steps: list[PlayedStep] = [
        replace(step, completed_per_s=rate) for step, rate in zip(episode.steps, rates, strict=True)
    ]
    return replace(episode, steps=tuple(steps))


def reference_capacity(played: Sequence[Episode]) -> float:
    """The largest median, over trials, of a topology's capacity (``bench.ladders``).

    Raises:
        BenchError: nothing was completed at all, so that no fraction of it means anything.
    """
    trials: dict[str, dict[int, ladders.Ladder]] = {}
    for episode in played:
        ladder = {step.concurrency: step.completed_per_s for step in episode.steps}
        trials.setdefault(episode.topology, {})[episode.trial] = ladder
    found = [ladders.capacities(of_topology).values() for of_topology in trials.values()]
    capacity = max((median(rates) for rates in found if rates), default=0.0)
    if not capacity:
        doubts = [doubt.text for episode in played for doubt in episode.doubts]
        raise BenchError(
            f"no topology completed a transaction in phase {played[0].phase}: {'; '.join(doubts[:1])}"
        )
    return capacity
