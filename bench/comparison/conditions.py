"""What differs between the conditions of two runs.

Invariant: what is the same, and what always differs (the load average before a run, times, endpoints), is not told.
"""

from collections.abc import Mapping
from itertools import starmap
from typing import NamedTuple

import msgspec

from bench.comparison.sockets import differing_options
from bench.conditions import Conditions
from bench.leaves import leaves
from bench.run_record import RunRecord

NOTHING = "–"
ALWAYS_DIFFERS = "machine.load_average"


class Differing(NamedTuple):
    """One condition, as text; ``NOTHING`` where a run has no such thing."""

    key: str
    a: str
    b: str


def differing(a: RunRecord, b: RunRecord) -> list[Differing]:
    """Conditions, scenario, what the loads are fractions of, and socket options, in this order."""
    return [*_differing(_of_run(a), _of_run(b)), *starmap(Differing, differing_options(a, b))]


def differing_conditions(a: Conditions, b: Conditions) -> list[Differing]:
    """Of commit, versions and machine only."""
    return _differing(_flat(a), _flat(b))


def _differing(a: Mapping[str, str], b: Mapping[str, str]) -> list[Differing]:
    pairs = ((key, a.get(key, NOTHING), b.get(key, NOTHING)) for key in dict.fromkeys((*a, *b)))
    return [Differing(*pair) for pair in pairs if pair[1] != pair[2]]


def _of_run(record: RunRecord) -> dict[str, str]:
    found = {**_flat(record.conditions), **_flat(record.scenario)}
    if record.reference_capacity_per_s is not None:
        found["reference_capacity_per_s"] = f"{record.reference_capacity_per_s:g}"
    found |= {f"inputs.{name}": f"SHA-256 {digest[:12]}" for name, digest in record.inputs.items()}
    for cell, per_s in record.cell_capacities_per_s.items():
        found[f"reference_capacity_per_s.{cell}"] = f"{per_s:g}"
    return found


def _flat(struct: msgspec.Struct) -> dict[str, str]:
    flat = dict(leaves(msgspec.to_builtins(struct)))
    return {key: text for key, text in flat.items() if key != ALWAYS_DIFFERS}
