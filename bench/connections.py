"""Counts the TCP connections between the processes of a deployment, as the kernel has them, to hold a plan's links
against.

Invariant: a connection counts if both its ends are established and belong to two processes of the deployment, also
where these are in network namespaces of their own. Heartbeats and monitors go over the same connection as transactions,
so that a link is one; a link through the relay is two; one that is not TCP (``ipc``, ``inproc``) is none.

The tables are ``/proc/<pid>/net/tcp`` and ``tcp6`` (proc_pid_net(5)), the owners the sockets in ``/proc/<pid>/fd``.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from common.topology import Plan

PROC = Path("/proc")
ESTABLISHED = "01"
V4_IN_V6 = "0000000000000000FFFF0000"
"""What ``tcp6`` has before an address that is one of IPv4."""


class End(NamedTuple):
    """One end of an established connection, addresses and ports as the kernel writes them."""

    local: str
    remote: str
    inode: int


class Connections(msgspec.Struct, frozen=True):
    """Of one episode, when its load was about to begin."""

    planned: int
    """Links of the plan over TCP both of whose ends had a process."""
    between_parts: int
    at_relay: int = 0
    """Between a part and the relay: two a link."""

    @property
    def links(self) -> float:
        """How many links were found to be connected; a half where the relay has one side alone."""
        return self.between_parts + self.at_relay / 2


def count(
    plan: Plan, processes: Mapping[str, int], relay: int | None = None, proc: Path = PROC
) -> Connections | None:
    """``processes``: part to pid, of those that run; ``relay``: its pid. None where the kernel does not tell."""
    pids = {*processes.values(), *([relay] if relay else [])}
    owner = {inode: pid for pid in pids for inode in _inodes(proc / str(pid))}
    tables = list(_tables(proc, pids))
    if not tables:
        return None
    found = [pair for pair in between(tables, owner) if pair[0] != pair[1]]
    relayed = sum(relay in pair for pair in found)
    return Connections(planned(plan, processes), len(found) - relayed, relayed)


def planned(plan: Plan, running: Iterable[str]) -> int:
    """How many links over TCP there are between parts that run."""
    there = set(running)
    return sum(
        link.endpoint.startswith("tcp://") and {link.connector, link.binder} <= there for link in plan.links
    )


def between(tables: Iterable[str], owner: Mapping[int, int]) -> Iterator[tuple[int, int]]:
    """The two owners of each connection of whose both ends the owner is known. ``owner``: {inode: pid}."""
    ends = {(end.local, end.remote): owner[end.inode] for end in established(tables) if end.inode in owner}
    for (local, remote), pid in ends.items():
        if local < remote and (remote, local) in ends:  # each is seen from both ends
            yield pid, ends[remote, local]


def established(tables: Iterable[str]) -> Iterator[End]:
    """The ends in the text of such tables; what is not established is left out."""
    for table in tables:
        for line in table.splitlines()[1:]:
            _, local, remote, state, *_, inode = line.split()[:10]
            if state == ESTABLISHED:
                yield End(local.removeprefix(V4_IN_V6), remote.removeprefix(V4_IN_V6), int(inode))


def _inodes(process: Path) -> Iterator[int]:
    """Of its sockets; none where it has gone."""
    try:
        names = os.listdir(process / "fd")
    except OSError:
        return
    for name in names:
        try:
            target = os.readlink(process / "fd" / name)
        except OSError:  # closed meanwhile
            continue
        if target.startswith("socket:["):
            yield int(target[8:-1])


def _tables(proc: Path, pids: Iterable[int]) -> Iterator[str]:
    """One of each kind for each network namespace that a process is in."""
    seen = set()
    for pid in pids:
        try:
            namespace = os.readlink(proc / str(pid) / "ns" / "net")
            if namespace not in seen:
                yield (proc / str(pid) / "net" / "tcp").read_text()
                seen.add(namespace)
                yield (proc / str(pid) / "net" / "tcp6").read_text()
        except OSError:  # the process has gone, or there is no IPv6
            continue
