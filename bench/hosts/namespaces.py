"""A network of hosts: a bridge in the bench's own network, and a namespace with an address for each host.

Invariant: from ``open`` to ``close`` nobody else's network is touched: addresses come from the range that is set aside
for benchmarks (RFC 2544), where no address or route of this machine is; ``close`` removes all of it, and what a bench
that was killed could not remove, the next one does.

A cut is made of neighbour entries: each of two hosts is given a hardware address for the other that leads into a hole,
a port of the bridge that nobody reads. So both go on sending and hear nothing: no RST, no FIN, no ICMP error.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network

from bench.hosts.commands import CommandFailed, bridge, destinations, inside, ip
from bench.hosts.ownership import INTERFACES, Owner, remove_leftovers
from bench.hosts.placement import BENCH

RANGE = IPv4Network("198.18.0.0/15")
"""RFC 2544: for benchmarks, routed by nobody."""
SUBNETS = tuple(RANGE.subnets(new_prefix=24))
HOLE = "02:00:00:00:00:00"
"""The hardware address that leads nowhere."""

Pair = tuple[str, str]
"""Two hosts, in order of their names."""


class Namespaces:
    """The hosts of one episode."""

    def __init__(self, hosts: Iterable[str]) -> None:
        """``hosts``: their names, beside the bench's own. Makes nothing yet, but chooses the addresses.

        Raises:
            CommandFailed: there are none.
        """
        self._owner = Owner.myself()
        self._bridge = f"bb{self._owner.pid}"  # an interface's name has 15 characters at most
        self._number = {BENCH: 1} | {
            host: number for number, host in enumerate(sorted(set(hosts) - {BENCH}), start=2)
        }
        self._subnet = free_subnet(self._owner.pid)
        self._cuts: Counter[Pair] = Counter()
        self._open = False

    def open(self) -> None:
        """Make all of it.

        Raises:
            CommandFailed: the kernel refused; what was made is removed again.
        """
        remove_leftovers()
        self._open = True
        try:
            self._make_bridge()
            self._make_hole()
            for host in self._hosts():
                self._make_host(host)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Remove all of it; harmless where there is nothing."""
        if not self._open:
            return
        self._open = False
        # The kernel takes its time with a namespace, until the last socket there is gone: links go first, by name.
        ports = ["h", *(str(self._number[host]) for host in self._hosts())]
        lines = [f"link del {self._port(port)}" for port in ports] + [f"link del {self._bridge}"]
        lines += [f"netns del {self._namespace(host)}" for host in self._hosts()]
        for line in lines:
            with suppress(CommandFailed):  # it was not made yet
                ip([line])

    def address(self, host: str) -> str:
        """Where the host is; the bench's own is on the bridge."""
        return str(IPv4Address(int(self._subnet.network_address) + self._number[host]))

    def inside(self, host: str) -> tuple[str, ...]:
        """What a command line begins with to be run on the host."""
        return () if host == BENCH else inside(self._namespace(host))

    def cut(self, pairs: Sequence[Pair]) -> None:
        """Let nothing through between the hosts of each pair, either way. Raises CommandFailed."""
        self._cuts.update(pairs)
        self._point([pair for pair in pairs if self._cuts[pair] == 1], hole=True)

    def heal(self, pairs: Sequence[Pair]) -> None:
        """Take back one ``cut`` of each. Raises CommandFailed."""
        self._cuts.subtract(pairs)
        self._point([pair for pair in pairs if not self._cuts[pair]], hole=False)

    def swallowed(self) -> int:
        """Frames that went into the hole so far, of all cuts together."""
        return int((INTERFACES / self._port("x") / "statistics" / "rx_packets").read_text())

    def _point(self, pairs: Sequence[Pair], *, hole: bool) -> None:
        """Tell each host of the pairs where the other is, or that it is in the hole."""
        lines: dict[str, list[str]] = {}
        for one, other in pairs:
            for at, peer in ((one, other), (other, one)):
                to = (
                    f"lladdr {HOLE} nud permanent" if hole else f"lladdr {self._hardware(peer)} nud reachable"
                )
                device = self._bridge if at == BENCH else "eth0"
                lines.setdefault(at, []).append(f"neigh replace {self.address(peer)} dev {device} {to}")
        for at, each in lines.items():
            ip(each, "" if at == BENCH else self._namespace(at))

    def _make_bridge(self) -> None:
        name = self._bridge
        ip(
            [
                f"link add name {name} address {self._hardware(BENCH)} type bridge",
                f"link set dev {name} alias {self._owner.name}",
                f"link set dev {name} addrgenmode none",
                f"address add {self.address(BENCH)}/{self._subnet.prefixlen} dev {name}",
                f"link set dev {name} up",
            ]
        )

    def _make_hole(self) -> None:
        port, end = self._port("h"), self._port("x")
        ip(
            [
                f"link add name {port} type veth peer name {end}",
                f"link set dev {port} alias {self._owner.name}",
                *(f"link set dev {each} addrgenmode none" for each in (port, end)),
                f"link set dev {port} master {self._bridge}",
                *(f"link set dev {each} up" for each in (port, end)),
            ]
        )
        bridge(
            [
                f"link set dev {port} flood off mcast_flood off bcast_flood off learning off",
                f"fdb add {HOLE} dev {port} master static",
            ]
        )

    def _make_host(self, host: str) -> None:
        namespace, port = self._namespace(host), self._port(str(self._number[host]))
        hardware = self._hardware(host)
        ip(
            [
                f"netns add {namespace}",
                f"link add name {port} type veth peer name eth0 address {hardware} netns {namespace}",
                f"link set dev {port} alias {self._owner.name}",
                f"link set dev {port} addrgenmode none",
                f"link set dev {port} master {self._bridge}",
                f"link set dev {port} up",
            ]
        )
        ip(
            [
                "link set dev lo up",
                "link set dev eth0 addrgenmode none",
                f"address add {self.address(host)}/{self._subnet.prefixlen} dev eth0",
                "link set dev eth0 up",
            ],
            namespace,
        )

    def _hosts(self) -> list[str]:
        return [host for host in self._number if host != BENCH]

    def _namespace(self, host: str) -> str:
        return f"{self._owner.name}-{self._number[host]}"

    def _port(self, word: str) -> str:
        return f"{self._bridge}-{word}"

    def _hardware(self, host: str) -> str:
        return f"02:00:00:00:01:{self._number[host]:02x}"


def refused() -> str:
    """Try it with one host: why the kernel will not have it; empty where it will."""
    try:
        namespaces = Namespaces(["probe"])
        namespaces.open()
    except CommandFailed as failure:
        return str(failure)
    namespaces.close()
    return ""


def pairs(links: Iterable[tuple[str, str]], host: Mapping[str, str]) -> set[Pair]:
    """The pairs of hosts that links between parts go over, ``host`` telling where each part is."""
    return {(min(ends), max(ends)) for one, other in links if len(set(ends := (host[one], host[other]))) == 2}


def free_subnet(pid: int) -> IPv4Network:
    """One where this machine has nothing; benches that start at once look in different places first.

    Raises:
        CommandFailed: there is none.
    """
    taken = [IPv4Network(each) for each in destinations()]
    for number in range(len(SUBNETS)):
        subnet = SUBNETS[(pid + number) % len(SUBNETS)]
        if not any(subnet.overlaps(other) for other in taken):
            return subnet
    raise CommandFailed(f"hosts: no free network in {RANGE}")
