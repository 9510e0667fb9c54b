"""How the parts of one episode reach each other: directly or through the relay, on loopback or on hosts of their own.

Invariant: a phase whose faults break links has the same mechanism and the same way for all topologies, from start to
end; any other phase has nothing in the way. ``close`` leaves no process and no namespace.
"""

from collections.abc import Callable, Mapping
from typing import Literal

from bench.child import Launch
from bench.faults.fault import Fault
from bench.faults.links import OnLinks
from bench.faults.network import Mechanism, Network
from bench.folders import EpisodeFolder
from bench.hosts.divided import Divided, divisible
from bench.hosts.namespaces import Namespaces
from bench.hosts.placement import BENCH, place
from bench.phases import Phase, Soak
from bench.ports import HOST, Ports
from bench.registry import topology
from bench.relay_process import RelayProcess
from bench.relayed import Lines, Relayed
from bench.run_record import Doubt
from bench.scenario import Scenario
from bench.supervisor import Usage
from common.topology import Part, Plan


class Wiring:
    """What lies between an episode's parts. ``plan`` is as the topology made it: a relay is in no plan."""

    def __init__(
        self, scenario: Scenario, phase: Phase, name: str, ports: Ports, folder: EpisodeFolder
    ) -> None:
        self._scenario = scenario
        self._ports = ports
        self._folder = folder
        self.mechanism = mechanism(scenario, phase, ports)
        self.plan = plan_of(scenario, name, ports.endpoint)
        self._host = place(self.plan.parts, scenario.hosts, scenario.level)
        self._namespaces = Namespaces(self._host.values()) if scenario.hosts.placed else None
        if self._namespaces:
            self._binder = binders(self.plan)
            self.plan = plan_of(scenario, name, self._endpoint)
        relayed = self.mechanism == "relay"
        self._lines = Lines(self.plan, self._address(BENCH), ports.port) if relayed else None
        self._relay: RelayProcess | None = None

    async def open(self) -> Network | None:
        """Make all that the parts need to reach each other; returns what can break their links.

        Raises:
            PartFailed: it cannot be made.
        """
        if self._namespaces:
            self._namespaces.open()
            if self.mechanism == "namespaces":
                return Divided(self.plan, self._host, self._namespaces)
        if not self._lines:
            return None
        spec = self._lines.spec(str(self._scenario.seed))
        self._relay = RelayProcess(spec, self._folder.relay, self._folder.logs / "relay.log")
        await self._relay.listening()
        return Relayed(self._lines, self._relay)

    def close(self) -> None:
        """Remove all of it at once; harmless where there is nothing. The parts must have ended."""
        if self._relay:
            self._relay.kill()
        if self._namespaces:
            self._namespaces.close()

    def part(self, part: Part) -> Part:
        """The part as it is started: where links are relayed, it connects to the relay."""
        return self._lines.part(part) if self._lines else part

    def launch(self, part: str, launch: Launch) -> Launch:
        """The same on the part's host."""
        if not self._namespaces:
            return launch
        return launch._replace(arguments=(*self._namespaces.inside(self._host[part]), *launch.arguments))

    def http(self, front: str) -> tuple[str, int]:
        """Where a front's HTTP is, which no fault of links touches."""
        return self._address(self._host[front]), self._ports.port(f"{front}/http")

    def usage(self) -> Mapping[str, Usage]:
        """The relay, for the sampler."""
        running = self._relay and self._relay.child.running
        return {"relay": Usage("relay", self._relay.child.pid, 0.0)} if self._relay and running else {}

    def doubts(self) -> list[Doubt]:
        """What makes the episode doubtful, while the relay is still needed."""
        if self._relay and not self._relay.child.running:
            return [Doubt("part", f"the relay ended by itself with {self._relay.child.end}")]
        return []

    def _endpoint(self, name: str) -> str:
        host = self._host[self._binder[self._ports.endpoint(name)]]
        return f"tcp://{self._address(host)}:{self._ports.port(name)}"

    def _address(self, host: str) -> str:
        return self._namespaces.address(host) if self._namespaces else HOST


def plan_of(scenario: Scenario, name: str, endpoint: Callable[[str], str]) -> Plan:
    """The parts of the topology ``name`` under a scenario."""
    scenario = scenario.of_topology(name)
    return topology(name).plan(scenario.deployment, scenario.settings, endpoint)


def binders(plan: Plan) -> dict[str, str]:
    """Endpoint to the part that binds it."""
    bound = [(part, socket) for part in plan.parts for socket in part.sockets if socket.bind]
    return {endpoint: part.name for part, socket in bound for endpoint in socket.endpoints}


def mechanism(scenario: Scenario, phase: Phase, ports: Ports) -> Mechanism | Literal[""]:
    """What is to break the phase's links, for every topology of the scenario alike; empty where no fault does."""
    if isinstance(phase, Soak):
        return "relay"  # any link of any part may be drawn
    faults = [fault for fault in phase.faults if fault.mechanisms]
    if not faults:
        return ""
    plans = [plan_of(scenario, name, ports.endpoint) for name in scenario.topologies]
    by_hosts = all(_by_hosts(scenario, fault, plan) for fault in faults for plan in plans)
    return "namespaces" if scenario.hosts.placed and by_hosts else "relay"


def _by_hosts(scenario: Scenario, fault: Fault, plan: Plan) -> bool:
    """Whether keeping hosts from each other does it, and nothing else, whomever it hits."""
    if not isinstance(fault, OnLinks) or "namespaces" not in fault.mechanisms:
        return False
    host = place(plan.parts, scenario.hosts, scenario.level)
    return all(divisible(plan, host, part, peers) for part, peers in fault.outcomes(plan))
