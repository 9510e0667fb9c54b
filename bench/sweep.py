"""A sweep: the same phases under several conditions, each a *cell* of a grid.

Invariant: cells have names of their own, in one order, and a name is a function of what the sweep names; an axis that
it does not name is in no cell.

Topologies are compared at equal outstanding per worker, credit times dispatchers, where the dispatchers are the fronts
of a brokerless topology and the brokers of a brokered one: at equal credit, four fronts could have four transactions
at a worker where one broker has one, and what is compared is the queue in the worker.
"""

from functools import cache
from itertools import product
from math import prod
from typing import Any, TypeVar

import msgspec

from bench.phases import check_list
from common.services import ServiceSpec
from common.settings import Settings
from common.topology import ROLES, Deployment, Part, Plan, Role

T = TypeVar("T", bound=msgspec.Struct)

CELLS_MAX = 1000
SEPARATOR = "."
"""Between a phase's name and its cell's, where both are told in one: ``latency.f4-k1``; in no phase's own name."""

LETTERS = {"fronts": "f", "brokers": "b", "workers": "w", "credit": "k", "outstanding": "o", "mean_ms": "m"}
"""What begins a number in a cell's name; a distribution is told by its first three letters."""

_WORDS = {
    "fronts": "{} front{s}",
    "brokers": "{} broker{s}",
    "workers": "{} worker{s}",
    "credit": "credit {}",
    "outstanding": "{} outstanding",
    "mean_ms": "{} ms",
}


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """What is different here from the scenario as it is written; None: nothing."""

    fronts: int | None = None
    brokers: int | None = None
    workers: int | None = None
    credit: int | None = None
    outstanding: int | None = None
    mean_ms: float | None = None
    distribution: str | None = None

    @property
    def name(self) -> str:
        """``f4-k1-exp``."""
        words = [f"{LETTERS[axis]}{value:g}" for axis, value in self.numbers.items()]
        return "-".join((*words, self.distribution[:3]) if self.distribution else words)

    def __str__(self) -> str:
        """``4 fronts, credit 1, exponential``, the credit being a front's."""
        words = [
            _WORDS[axis].format(f"{value:g}", s="s"[: value != 1]) for axis, value in self.numbers.items()
        ]
        return ", ".join((*words, self.distribution) if self.distribution else words)

    def place(self, sweep: "Sweep | None") -> tuple[float, ...]:
        """To sort cells for people: by the last axis first; a distribution keeps its place in the sweep."""
        kinds = sweep.distribution if sweep else ()
        kind = kinds.index(self.distribution) if self.distribution in kinds else 0
        return (kind, *reversed(self.numbers.values()))

    @property
    def numbers(self) -> dict[str, float]:
        """Each axis but the distribution, as far as it is named here."""
        return {axis: value for axis in LETTERS if (value := getattr(self, axis)) is not None}

    @property
    def conditions(self) -> dict[str, float | str]:
        """Each axis that is named here, and its value."""
        more: dict[str, float | str] = {"distribution": self.distribution} if self.distribution else {}
        return {**self.numbers, **more}

    def deployment(self, written: Deployment) -> Deployment:
        """How many of each. Raises ValueError."""
        return _changed(written, fronts=self.fronts, brokers=self.brokers, workers=self.workers)

    def service(self, written: ServiceSpec) -> ServiceSpec:
        """How long it takes. Raises ValueError."""
        return _changed(written, mean_ms=self.mean_ms, distribution=self.distribution)

    def settings(self, written: Settings) -> Settings:
        """With the credit of a front. Raises ValueError."""
        return _changed(written, credit=self.credit)


class Sweep(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The axes of the grid, each a list of values; an axis without values is none, and the scenario's value holds."""

    fronts: tuple[int, ...] = ()
    brokers: tuple[int, ...] = ()
    workers: tuple[int, ...] = ()
    credit: tuple[int, ...] = ()
    """Of a front at a worker; as many are outstanding there as it times the fronts, and a broker's credit follows."""
    outstanding: tuple[int, ...] = ()
    """Or how many are outstanding at a worker altogether: every topology's credit follows."""
    mean_ms: tuple[float, ...] = ()
    distribution: tuple[str, ...] = ()
    one_at_a_time: bool = False
    """Not every combination, but the first value of each axis together, and then each further value of one axis, with
    the first of all others."""

    def __post_init__(self) -> None:
        if not self.axes:
            raise ValueError(f"sweep must have at least one axis with values: {', '.join(_AXES)}")
        for axis, values in self.axes.items():
            check_list(f"sweep.{axis}", values)
        if self.credit and self.outstanding:
            raise ValueError("sweep must have credit or outstanding, not both: each follows from the other")
        for outstanding in self.outstanding:
            if not 1 <= outstanding <= 1024:
                raise ValueError(f"sweep.outstanding must be 1 to 1024 transactions, got {outstanding}")
        count = prod(map(len, self.axes.values()))
        if count > CELLS_MAX:  # before they are made
            raise ValueError(f"sweep must have at most {CELLS_MAX} combinations, got {count}")
        check_list("names of sweep's cells", [cell.name for cell in cells(self)])

    @property
    def axes(self) -> dict[str, tuple[Any, ...]]:
        """Those with values."""
        return {axis: values for axis in _AXES if (values := getattr(self, axis))}


_AXES = (*LETTERS, "distribution")


@cache
def cells(sweep: Sweep) -> tuple[Cell, ...]:
    """In the order of the axes, the last one varied first."""
    axes = sweep.axes
    if not sweep.one_at_a_time:
        return tuple(Cell(**dict(zip(axes, values, strict=True))) for values in product(*axes.values()))
    base = {axis: values[0] for axis, values in axes.items()}
    others = (Cell(**{**base, axis: value}) for axis, values in axes.items() for value in values[1:])
    return (Cell(**base), *others)


def in_cell(phase: str, cell: str) -> str:
    """What a phase is called where it is played in a cell; its own name where there are none."""
    return f"{phase}{SEPARATOR}{cell}" if cell else phase


def phase_and_cell(name: str) -> tuple[str, str]:
    """The two that a name of ``in_cell`` is made from."""
    phase, _, cell = name.partition(SEPARATOR)
    return phase, cell


def plan_in(cell: Cell, plan: Plan) -> Plan:
    """What is deployed in a cell, from a plan that has as many of each part as any cell: the first parts of each role,
    and the sockets that link these.
    """
    most = {"front": cell.fronts, "broker": cell.brokers, "worker": cell.workers}
    there = [part for role in ROLES for part in _of_role(plan, role)[: most[role]]]
    bound = {end for part in there for socket in part.sockets if socket.bind for end in socket.endpoints}
    parts = (_linked(part, bound) for part in plan.parts if part in there)
    return msgspec.structs.replace(plan, parts=tuple(parts))


def dispatchers(plan: Plan) -> int:
    """How many hand out transactions at a time; who stands by for another does not."""
    brokers = {part.name for part in plan.parts if part.role == "broker"}
    standing_by = {link.connector for link in plan.links if {link.connector, link.binder} <= brokers}
    return len(brokers - standing_by) or sum(part.role == "front" for part in plan.parts)


def credited(plan: Plan) -> bool:
    """Whether its dispatchers count what they have outstanding; one that deals in turn does not, and has no credit."""
    return plan.policy != "in-turn"


def credit(outstanding: int, plan: Plan) -> int | None:
    """What each dispatcher may have at a worker, that all together have ``outstanding`` there; None where it does not
    divide.
    """
    each, rest = divmod(outstanding, dispatchers(plan))
    return None if rest else each


def _of_role(plan: Plan, role: Role) -> list[Part]:
    return [part for part in plan.parts if part.role == role]


def _linked(part: Part, bound: set[str]) -> Part:
    """The same with its connections to ``bound`` endpoints only."""
    ends = [(socket, tuple(end for end in socket.endpoints if end in bound)) for socket in part.sockets]
    sockets = (msgspec.structs.replace(socket, endpoints=left) for socket, left in ends if left)
    return msgspec.structs.replace(part, sockets=tuple(sockets))


def _changed(written: T, **values: object) -> T:
    known = {name: value for name, value in values.items() if value is not None}
    return msgspec.structs.replace(written, **known)
