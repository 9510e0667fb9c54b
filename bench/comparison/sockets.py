"""Which socket options differ between two runs, compactly: a line for each option of each kind of socket.

Invariant: only topologies that both runs have are looked at, and sockets that are alike are told once, however many
parts have them. What names a single endpoint is left out: it differs from run to run and says nothing.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from bench.run_record import RunRecord

OF_ONE_ENDPOINT = ("routing_id",)
NOT_SET = "not set"
_NUMBERED = re.compile(r"-\d+$")


class _Place(NamedTuple):
    """An option of sockets that have the same place in a topology."""

    kind: str
    option: str
    where: str
    """``freelance front worker``: topology, role, what the socket is called, without a number."""


def differing_options(a: RunRecord, b: RunRecord) -> Iterator[tuple[str, str, str]]:
    """(``sockets.DEALER.sndhwm (freelance front worker)``, value in A, value in B) of each that differs."""
    both = [name for name in a.plans if name in b.plans]
    one, other = _options(a, both), _options(b, both)
    alike: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for place in dict.fromkeys((*one, *other)):
        was, now = one.get(place, NOT_SET), other.get(place, NOT_SET)
        if was != now:
            alike[place.kind, place.option, was, now].append(place.where)
    for (kind, option, was, now), where in alike.items():
        yield f"sockets.{kind}.{option} ({', '.join(where)})", was, now


def _options(record: RunRecord, topologies: list[str]) -> dict[_Place, str]:
    """Several values, of sockets that differ in one place, stand side by side."""
    found: dict[_Place, set[str]] = defaultdict(set)
    for name in topologies:
        read_back = record.options_read_back.get(name, {})
        for part in record.plans[name].parts:
            for socket in part.sockets:
                where = f"{name} {part.role} {_NUMBERED.sub('', socket.name)}"
                said = _said(socket.options, read_back.get(part.name, {}).get(socket.name))
                for option, value in said.items():
                    found[_Place(socket.kind, option, where)].add(value)
    return {place: ", ".join(sorted(values)) for place, values in found.items()}


def _said(asked: Mapping[str, object], read_back: Mapping[str, object] | None) -> dict[str, str]:
    """As read back from libzmq where the run has that, as asked of it else."""
    every = {**asked, **(read_back or {})}
    return {option: str(value) for option, value in every.items() if option not in OF_ONE_ENDPOINT}
