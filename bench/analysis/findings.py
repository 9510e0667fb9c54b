"""Everything that is known of a run, derived once: the summary, the charts and the page are made from this.

Invariant: figures are over valid trials only; accounts (fates, ledger) are over all of them, so that a loss is
never left out together with the trial that it spoils. The cells of a sweep are told apart: what stands with a topology
as such was measured in none of them, but for the accounts, which are over all.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from bench import audit, ledger, run_record
from bench.analysis import costs, cpu, depths, growth, places, recording, recovery, validity
from bench.analysis.absences import absences
from bench.analysis.cells import CellFindings, cells
from bench.analysis.costs import Costs
from bench.analysis.cpu import CostOverTrials
from bench.analysis.crossover import Verdict, crossover
from bench.analysis.faults import Fault, Heard, faults
from bench.analysis.growth import Life
from bench.analysis.membership import Membership, Started, membership, started
from bench.analysis.omission import Omission, omissions
from bench.analysis.per_core import Yield, yields
from bench.analysis.places import LateWork, Places
from bench.analysis.recording import Step
from bench.analysis.stability import Slowed, slowed
from bench.analysis.steady import LoadPoint, load_points
from bench.analysis.stuck import Missing, missing
from bench.analysis.throughput import Rung, capacities, capacity, ladder
from bench.analysis.validity import Reason
from bench.audit import Audit
from bench.checks import little
from bench.checks.check import Checked
from bench.ledger import Books, EpisodeKey
from bench.parquet import Database, open_run
from bench.run_record import RunRecord
from bench.statistics import Estimate

T = TypeVar("T")


class Topology(NamedTuple):
    """All that is known of one topology."""

    name: str
    family: str
    books: Books
    places: Places
    """Where what has no answer was seen last; as the books, over all trials."""
    late_work: LateWork
    audit: Audit | None
    trials: int
    """Valid ones."""
    trials_invalid: int
    capacity_per_s: Estimate | None
    capacities_per_s: dict[int, float]
    """By trial, to be paired with another topology's."""
    ladder: list[Rung]
    loads: list[LoadPoint]
    faults: list[Fault]
    slowed: list[Slowed]
    missing: list[Missing]
    cpu_us: CostOverTrials
    """Processor time for one completed transaction, over the open steps without faults (without such: the closed)."""
    costs: Costs
    """What it takes beside that, over the same steps."""
    yields: list[Yield]
    omissions: list[Omission]
    membership: Membership


class Findings(NamedTuple):
    """All that is known of a run."""

    record: RunRecord
    reasons: list[Reason]
    topologies: list[Topology]
    lives: list[Life]
    """Of a soak's processes, as far as they are long enough to be judged for growth."""
    checked: dict[str, Checked]
    """What each check of ``bench.checks.registry`` found in all episodes."""
    cells: Sequence[CellFindings] = ()
    """Of a sweep, as the next."""
    crossover: Sequence[Verdict] = ()

    @property
    def valid(self) -> bool:
        """Whether something was played and nothing speaks against it."""
        return bool(self.record.episodes) and not self.reasons


def analyse(folder: Path) -> Findings:
    """Derive everything from a run folder. Reads ``run.json`` and the tables, writes nothing.

    Raises:
        OSError: there is no ``run.json``, or a table cannot be read.
        ValueError: ``run.json`` is not the record of a run.
    """
    record = run_record.read(folder)
    with open_run(folder) as database:
        books = ledger.books(database)
        steps = recording.steps(database, record)
        lives = growth.lives(database, record)
        looked = validity.look(record, books, steps, little.queues(database, steps))
        reasons = [*looked.reasons, *growth.reasons(lives, record)]
        held = depths.held(database) if any(step.faults for step in steps) else {}
        shared = _Shared(
            database=database,
            record=record,
            steps=steps,
            invalid=validity.invalid_trials(reasons),
            books=books,
            places=places.places(database),
            late_work=places.late_work(database),
            heard=Heard(recovery.notes(database), absences(database), held),
            starts=started(database),
            watched=cpu.parts(database),
            spent=costs.spent(database),
        )
        topologies = [_topology(name, shared) for name in played(record)]
        in_cells = cells(database, record, steps, reasons)
    return Findings(
        record,
        reasons,
        topologies,
        lives,
        looked.together(),
        in_cells,
        crossover(in_cells, record.scenario),
    )


class _Shared(NamedTuple):
    """What is read once for all topologies."""

    database: Database
    record: RunRecord
    steps: list[Step]
    invalid: set[tuple[str, int]]
    """Topology and trial."""
    books: Mapping[EpisodeKey, Books]
    places: Mapping[EpisodeKey, Places]
    late_work: Mapping[EpisodeKey, LateWork]
    heard: Heard
    starts: dict[EpisodeKey, list[Started]]
    watched: Mapping[EpisodeKey, list[cpu.Part]]
    spent: costs.Spent


def _topology(name: str, shared: _Shared) -> Topology:
    database, record, plan = shared.database, shared.record, shared.record.plans[name]
    valid = [
        step
        for step in shared.steps
        if step.episode.topology == name
        and (name, step.trial) not in shared.invalid
        and not step.episode.cell
    ]
    episodes = [episode for episode in record.episodes if episode.topology == name]
    trials = {episode.trial for episode in episodes}
    trials_invalid = sum((name, trial) in shared.invalid for trial in trials)
    roles = cpu.roles_measured(record.scenario)
    return Topology(
        name=name,
        family="brokered" if any(part.role == "broker" for part in plan.parts) else "brokerless",
        books=ledger.total(_of(name, shared.books)),
        places=places.together(_of(name, shared.places)),
        late_work=places.total(_of(name, shared.late_work)),
        audit=audit.total(episode.audit for episode in episodes if episode.audit),
        trials=len(trials) - trials_invalid,
        trials_invalid=trials_invalid,
        capacity_per_s=capacity(valid),
        capacities_per_s=capacities(valid),
        ladder=ladder(valid),
        loads=load_points(database, _as_played_by(name, record), valid),
        faults=faults(valid, shared.heard, plan, record.scenario),
        slowed=slowed(valid, plan, record.reference_capacity_per_s),
        missing=missing(database, valid, plan),
        cpu_us=cpu.over_steps(valid, shared.watched, roles),
        costs=costs.costs(valid, shared.spent, name, record.scenario),
        yields=yields(valid, shared.watched, roles),
        omissions=omissions(valid),
        membership=membership(plan, valid, shared.starts, shared.heard),
    )


def _of(topology: str, by_episode: Mapping[EpisodeKey, T]) -> list[T]:
    return [found for key, found in by_episode.items() if key.topology == topology]


def _as_played_by(topology: str, record: RunRecord) -> RunRecord:
    """With the deployment of that topology."""
    return replace(record, scenario=record.scenario.of_topology(topology))


def played(record: RunRecord) -> list[str]:
    """The topologies of which anything was played, in the scenario's order."""
    seen = {episode.topology for episode in record.episodes}
    return [name for name in record.scenario.topologies if name in seen]
