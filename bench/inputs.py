"""The files that a scenario names, recorded arrivals and service times: found, read, kept with what a run leaves.

Invariant: a scenario that is played names files in its run's folder only, as ``inputs/...`` in ``run.json``, so that
the folder is enough to repeat the run.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from bench.errors import BadInput
from bench.load.spec import BODY_BYTES_MAX
from bench.load.trace import Trace, read_trace
from bench.load.transfers import body_bytes_min
from bench.phases import WARMUP_S, Open, Phase
from bench.scenario import Scenario
from bench.tables import Table
from common.recorded import read_times
from common.services import FROM_FILE

FOLDER = "inputs"


def anchor(table: Table, base: Path) -> None:
    """Let the files that a scenario's table names be found from anywhere: ``base`` is where relative ones begin."""
    for place, key in _named(table):
        place[key] = os.path.join(os.path.abspath(base), place[key])


def _named(table: Table) -> Iterator[tuple[Table, str]]:
    """Where a table has the name of a file. What is not of the right type is told later, where it is converted."""
    places = [(table.get("service"), "times"), *((phase, "trace") for phase in _phases(table))]
    for place, key in places:
        if isinstance(place, dict) and isinstance(place.get(key), str) and place[key]:
            yield place, key


def _phases(table: Table) -> list[Any]:
    phases = table.get("phase")
    return phases if isinstance(phases, list) else []


def complete(table: Table) -> None:
    """Give what is left out the value that is on record: ``mean_ms``, ``rates_per_s`` and ``duration_s``.

    Raises:
        BadInput: a file is not as it should be.
    """
    for place, key in _named(table):
        if key == "trace":
            _complete_phase(place)
        elif place.get("distribution") == FROM_FILE and "mean_ms" not in place:
            place["mean_ms"] = _read("service.times", read_times, Path(place[key])).mean_ms


def _complete_phase(phase: Table) -> None:
    where = f"phase.{phase.get('name')}.trace"
    trace: Trace = _read(where, read_trace, Path(phase["trace"]))
    if not phase.get("loads") and not phase.get("rates_per_s"):
        phase["rates_per_s"] = [trace.rate_per_s]
    rates = phase.get("rates_per_s")
    if "duration_s" in phase or not isinstance(rates, list) or len(rates) != 1:
        return
    warmup_s, rate = phase.get("warmup_s", WARMUP_S), rates[0]
    if not isinstance(warmup_s, int | float) or not isinstance(rate, int | float) or not rate > 0:
        return
    once_s = len(trace.offsets_s) / rate
    if once_s < warmup_s + 0.1:
        raise BadInput(
            f"{where}: expected a trace that lasts 0.1 s longer than warmup_s {warmup_s:g}, got {once_s:g} s;"
            " with duration_s it is played again and again"
        )
    phase["duration_s"] = once_s - warmup_s


def check(scenario: Scenario) -> None:
    """Whether the files hold what this scenario can play.

    Raises:
        BadInput: a body is too large for the deployment, or too small for a transfer.
    """
    least = body_bytes_min(scenario.service.bank.accounts) if scenario.service.keeps_bank else 0
    most = min(scenario.settings.limits.body_bytes, BODY_BYTES_MAX)
    for phase in _played_from_trace(scenario):
        _read(f"phase.{phase.name}.trace", read_trace, Path(phase.trace), least, most)


def _played_from_trace(scenario: Scenario) -> list[Open]:
    return [phase for phase in scenario.phases if isinstance(phase, Open) and phase.trace]


def _read(where: str, read: Callable[..., Any], *arguments: object) -> Any:
    try:
        return read(*arguments)
    except ValueError as error:
        raise BadInput(f"{where}: {error}") from None


def keep(scenario: Scenario, run: Path) -> Scenario:
    """Copy what it names into the folder of a run; returns the scenario that names the copies, from that folder on."""

    def copied(file: str, name: str) -> str:
        to = Path(FOLDER, name)
        (run / FOLDER).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, run / to)
        return str(to)

    return _renamed(scenario, copied)


def digests(run: Path) -> dict[str, str]:
    """{name: SHA-256} of the files that a run keeps: what tells two runs apart whose files only have the same names."""
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted((run / FOLDER).glob("*"))
    }


def found(scenario: Scenario, run: Path) -> Scenario:
    """The scenario of a ``run.json`` with the names of its files as seen from anywhere."""
    return _renamed(scenario, lambda file, name: os.path.join(os.path.abspath(run), file))


def _renamed(scenario: Scenario, to: Callable[[str, str], str]) -> Scenario:
    """The same with each file's name turned into another; ``to`` is given the old one and what it may be called."""
    service = scenario.service
    if service.times:
        service = replace(service, times=to(service.times, "service-times.csv"))

    def of_phase(phase: Phase) -> Phase:
        if not isinstance(phase, Open) or not phase.trace:
            return phase
        return replace(phase, trace=to(phase.trace, f"arrivals-{phase.name}.csv"))

    return replace(scenario, service=service, phases=tuple(map(of_phase, scenario.phases)))
