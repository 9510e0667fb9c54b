"""Everything that is known of a run, derived once: the summary, the charts and the page are made from this.

Invariant: figures are over valid trials only; accounts (fates, ledger) are over all of them, so that a loss is
never left out together with the trial that it spoils. The cells of a sweep are told apart: what stands with a topology
as such was measured in none of them, but for the accounts, which are over all.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

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
from bench.analysis.membership import Membership, membership, started
from bench.analysis.omission import Omission, omissions
from bench.analysis.per_core import Yield, yields
from bench.analysis.places import LateWork, Places
from bench.analysis.stability import Slowed, slowed
from bench.analysis.steady import LoadPoint, load_points
from bench.analysis.stuck import Missing, missing
from bench.analysis.throughput import Rung, capacities, capacity, ladder
from bench.analysis.validity import Reason
from bench.audit import Audit
from bench.checks import little
from bench.checks.check import Checked
from bench.ledger import Books
from bench.parquet import open_run
from bench.run_record import RunRecord
from bench.statistics import Estimate


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
        invalid = validity.invalid_trials(reasons)
        starts = started(database)
        watched, spent = cpu.parts(database), costs.spent(database)
        held = depths.held(database) if any(step.faults for step in steps) else {}
        heard = Heard(recovery.notes(database), absences(database), held)
        seen, late = places.places(database), places.late_work(database)
        topologies = []
        for name in played(record):
            mine = [step for step in steps if step.episode.topology == name]
            valid = [step for step in mine if (name, step.trial) not in invalid and not step.episode.cell]
            trials = {episode.trial for episode in record.episodes if episode.topology == name}
            plan = record.plans[name]
            topologies.append(
                Topology(
                    name=name,
                    family="brokered" if any(part.role == "broker" for part in plan.parts) else "brokerless",
                    books=ledger.total(kept for key, kept in books.items() if key.topology == name),
                    audit=audit.total(
                        episode.audit
                        for episode in record.episodes
                        if episode.topology == name and episode.audit
                    ),
                    trials=sum((name, trial) not in invalid for trial in trials),
                    trials_invalid=sum((name, trial) in invalid for trial in trials),
                    capacity_per_s=capacity(valid),
                    capacities_per_s=capacities(valid),
                    ladder=ladder(valid),
                    loads=load_points(database, _as_played_by(name, record), valid),
                    faults=faults(valid, heard, plan, record.scenario),
                    slowed=slowed(valid, plan, record.reference_capacity_per_s),
                    missing=missing(database, valid, plan),
                    places=places.together(kept for key, kept in seen.items() if key.topology == name),
                    late_work=places.total(kept for key, kept in late.items() if key.topology == name),
                    cpu_us=cpu.over_steps(valid, watched, cpu.roles_measured(record.scenario)),
                    omissions=omissions(valid),
                    membership=membership(plan, valid, starts, heard),
                    yields=yields(valid, watched, cpu.roles_measured(record.scenario)),
                    costs=costs.costs(valid, spent, name, record.scenario),
                )
            )
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


def _as_played_by(topology: str, record: RunRecord) -> RunRecord:
    """With the deployment of that topology."""
    return replace(record, scenario=record.scenario.of_topology(topology))


def played(record: RunRecord) -> list[str]:
    """The topologies of which anything was played, in the scenario's order."""
    seen = {episode.topology for episode in record.episodes}
    return [name for name in record.scenario.topologies if name in seen]
