"""What a run repeats: the scenario of another as it was played, at the rates that it was offered.

Invariant: loads are fractions of the other's capacity, not of one measured anew: only then are the schedules the same,
and trial i of both a pair.
"""

from pathlib import Path

import msgspec

from bench import inputs, run_record
from bench.comparison.conditions import differing_conditions
from bench.conditions import Conditions, conditions
from bench.errors import BadInput
from bench.results import check_run
from bench.run_record import Repeated
from bench.scenario import Scenario


class Original(msgspec.Struct, frozen=True):
    """The run that is repeated."""

    folder: Path
    """As given, a link followed: ``results/latest`` will lead elsewhere."""
    scenario: Scenario
    conditions: Conditions
    repeated: Repeated

    def said(self) -> list[str]:
        """What a user should know, a line each."""
        lines = [f"repeats {self.folder}" + self._rates()]
        if changed := differing_conditions(self.conditions, conditions()):
            what = "; ".join(f"{each.key}: {each.a}, now {each.b}" for each in changed)
            lines.append(f"conditions are not as they were: {what}")
        return lines

    def _rates(self) -> str:
        per_s = self.repeated.reference_capacity_per_s
        if per_s is not None:
            return f": loads are fractions of its capacity, {per_s:g}/s, as then"
        return (
            ": loads are fractions of its cells' capacities, as then"
            if self.repeated.cell_capacities_per_s
            else ""
        )


def original(folder: Path) -> Original:
    """Raises BadInput: it is not the folder of a run."""
    check_run("--repeat-of", folder)
    try:
        record = run_record.read(folder)
    except (OSError, ValueError) as error:
        raise BadInput(f"--repeat-of must be the folder of a run, got {str(folder)!r}: {error}") from None
    given = folder.parent / folder.readlink() if folder.is_symlink() else folder
    return Original(
        given,
        inputs.found(record.scenario, folder),
        record.conditions,
        Repeated(
            str(given),
            record.conditions.commit,
            record.reference_capacity_per_s,
            dict(record.cell_capacities_per_s),
        ),
    )
