"""How many bytes one transaction puts on each link, by playing one on the topology's own machines.

Invariant: counted from the messages that carry the transaction, as they go over the wire, with ZMTP's framing
(23/ZMTP: a byte of flags and one or eight of length for each frame): no beat, no ping, no retry, and nothing of TCP or
IP. No system counts a process's bytes on loopback at no cost, and what one transaction takes follows from the protocol,
so it is derived and not measured. The front's HTTP was counted by the load and is told apart.
"""

from collections import defaultdict
from collections.abc import Sequence

from bench import registry
from bench.scenario import Scenario
from bench.simulator.simulation import Simulation
from common.topology import Deployment
from common.transaction import Transaction

SUBMITTED_S = 5.0
"""Everybody knows everybody by then."""
LASTS_S = 1.0
FRAME_LENGTH_MAX = 255
"""Above, ZMTP writes a length of eight bytes."""


def framed(frames: Sequence[bytes]) -> int:
    """Bytes of a message on the wire."""
    return sum(len(frame) + (2 if len(frame) <= FRAME_LENGTH_MAX else 9) for frame in frames)


def wire_bytes(name: str, scenario: Scenario, id: bytes) -> dict[str, int]:
    """Of a transaction with that id and the scenario's body, answered by a body as long: {``front-broker``: bytes there
    and back}. Empty for a topology that this installation lacks, or one that does not answer in virtual time.
    """
    if name not in registry.TOPOLOGIES:
        return {}
    found: dict[str, int] = defaultdict(int)
    simulation = Simulation(
        registry.TOPOLOGIES[name], Deployment(workers=1, fronts=1), scenario.settings, lambda _: 0.001
    )
    roles = {part.name: part.role for part in simulation.plan.parts}

    def told(sender: str, receiver: str, frames: Sequence[bytes]) -> None:
        if any(id in frame for frame in frames):
            ends = {roles[sender], roles[receiver]}
            found["-".join(role for role in ("front", "broker", "worker") if role in ends)] += framed(frames)

    simulation.run(SUBMITTED_S)
    simulation.overhear(told)
    body = bytes(scenario.body_bytes)
    deadline = SUBMITTED_S + scenario.timeout_s
    simulation.submit(
        SUBMITTED_S,
        simulation.names("front")[0],
        Transaction(id, (body,), deadline, scenario.method == "PUT"),
    )
    simulation.run(SUBMITTED_S + LASTS_S)
    return dict(found) if not simulation.open else {}
