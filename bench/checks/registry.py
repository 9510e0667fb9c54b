"""Every check of an episode. To add one: a file with its ``Check`` beside ``load.py``, its line here, its threshold in
``Validity`` of ``bench/scenario.py``, its row in ``docs/validity.md``, and what provokes it in
``tests/bench/checks/provoked.py``.
"""

from collections.abc import Mapping
from typing import Any

from bench.checks import clock, faults, ledger, little, load, sampling, starvation, told
from bench.checks.check import Check
from bench.checks.played import Played
from bench.checks.recorded import Recorded

AS_PLAYED: Mapping[str, Check[Played]] = {
    "load-lag": load.LAG,
    "load-dropped": load.DROPPED,
    "load-busy": load.BUSY,
    "load-starved": starvation.LOAD,
    "part-starved": starvation.PARTS,
    "samples-missing": sampling.MISSING,
    "clock-stepped": clock.STEPPED,
    "suspended": clock.SUSPENDED,
}
"""Of when it was played. An episode that fails one is repeated once: the machine may have been busy with something
else.
"""

LAWS: Mapping[str, Check[Recorded]] = {f"law-{name}": check for name, check in ledger.LAW_CHECKS.items()}

FAULTS: Mapping[str, Check[Recorded]] = {
    "fault-late": faults.LATE,
    "fault-outlasting": faults.OUTLASTING,
}

RECORDS: Mapping[str, Check[Recorded]] = {
    "records-missing": ledger.RECORDS,
    "little": little.LITTLE,
}

TOLD: Mapping[str, Check[Recorded]] = {
    "fault-without-effect": told.NO_EFFECT,
    "part-ended": told.UNASKED_ENDS,
    "load-failed": told.LOAD_FAILED,
    "audit": told.AUDIT,
}
"""Whose reasons were told when it was played."""

CHECKS: Mapping[str, Check[Any]] = {**AS_PLAYED, **LAWS, **FAULTS, **RECORDS, **TOLD}
"""By name, in the order in which the report lists them."""
