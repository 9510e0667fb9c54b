"""Every topology by its name: the one place where the bench meets them. Add one here, or by an entry point.

Light on purpose: every process of a run imports it.
"""

import difflib
from functools import cache
from importlib.metadata import entry_points

from bench.baselines.proxy import BareProxy
from bench.baselines.window import BareDealer
from brokered.topology import BinaryStar, ParanoidPirate
from brokerless.topology import Direct, Freelance
from common.topology import Topology

TOPOLOGIES: dict[str, Topology] = {
    topology.name: topology for topology in (ParanoidPirate(), BinaryStar(), Freelance(), Direct())
}

BASELINES: dict[str, Topology] = {
    baseline.name: baseline
    for baseline in (BareProxy(TOPOLOGIES["paranoid-pirate"]), BareDealer(TOPOLOGIES["direct"]))
}
"""What speed is held against; by name in scenarios only."""

ENTRY_POINTS = "brokerbench.topologies"
"""Group of entry points whose objects are topologies of third parties; their names must be new."""


@cache
def third_party() -> dict[str, Topology]:
    """Topologies that other installed packages bring.

    Raises:
        ValueError: one takes the name of a built-in, or cannot be loaded.
    """
    found: dict[str, Topology] = {}
    for entry in entry_points(group=ENTRY_POINTS):
        if entry.name in TOPOLOGIES | BASELINES:
            raise ValueError(f"topology {entry.name!r} of {entry.value} takes the name of a built-in")
        try:
            found[entry.name] = entry.load()
        except (ImportError, AttributeError) as error:
            raise ValueError(f"topology {entry.name!r} of {entry.value} cannot be loaded: {error}") from error
    return found


def topology(name: str) -> Topology:
    """The topology of that name; third parties are only asked for names that are not built in.

    Raises:
        ValueError: with the nearest and all known names.
    """
    if name in TOPOLOGIES:
        return TOPOLOGIES[name]
    if name in BASELINES:
        return BASELINES[name]
    known = TOPOLOGIES | third_party()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise ValueError(f"topology must be one of {', '.join(known)}, got {name!r}{hint}")
