"""Connections between processes, from the kernel's tables as they were captured, and from real ones."""

import os
import socket

import pytest

from bench.connections import Connections, between, count, established, planned
from bench.registry import TOPOLOGIES
from common.settings import Settings
from common.topology import Deployment

HEAD = (
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
    "                                                     \n"
)
# captured: a listener, both ends of a connection, one in TIME_WAIT, a connection of which we have one end only
TCP = (
    HEAD
    + """\
   0: 0100007F:5DC0 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1594 1 000000000eea021c 100 0 0 10 0
   1: 0100007F:5DC0 0100007F:AEC4 01 00000000:00000000 02:000000D7 00000000     0        0 1601 2 00000000eaf3bca3 20 4 30 10 -1
   2: 0100007F:AEC4 0100007F:5DC0 01 00000000:00000000 00:00000000 00000000  1000        0 1602 1 00000000eaf3bcb7 20 4 30 10 -1
   3: 0100007F:CE7F 0100007F:5DC0 06 00000000:00000000 03:000005C7 00000000     0        0 0 3 000000003bc5498a
   4: 0100007F:1F90 0100007F:B001 01 00000000:00000000 00:00000000 00000000     0        0 1603 1 00000000eaf3bcc1 20 4 30 10 -1
"""
)
TCP6 = (
    HEAD
    + """\
   0: 0000000000000000FFFF00000100007F:5DC1 0000000000000000FFFF00000100007F:B002 01 00000000:00000000 00:00000000 00000000     0        0 1604 1 00000000eaf3bcd1 20 4 30 10 -1
"""
)
V4_SIDE = (
    HEAD
    + "   0: 0100007F:B002 0100007F:5DC1 01 00000000:00000000 00:00000000 00000000     0        0 1605 1 0 20 4 30 10 -1\n"
)


def test_only_established_ends_are_read():
    assert [end.inode for end in established([TCP])] == [1601, 1602, 1603]


def test_a_connection_is_counted_once_and_has_two_owners():
    assert [set(pair) for pair in between([TCP], {1601: 11, 1602: 12, 1603: 11})] == [{11, 12}]


def test_a_connection_to_a_stranger_is_none():
    assert list(between([TCP], {1601: 11, 1603: 11})) == []


def test_an_address_of_ipv4_is_the_same_in_both_tables():
    assert [set(pair) for pair in between([TCP6, V4_SIDE], {1604: 11, 1605: 12})] == [{11, 12}]


def plan(endpoint="tcp://{}"):
    return TOPOLOGIES["freelance"].plan(Deployment(3, 2), Settings(), endpoint.format)


def test_links_of_a_part_that_does_not_run_are_not_expected():
    names = [part.name for part in plan().parts]
    assert planned(plan(), names) == 6
    assert planned(plan(), [name for name in names if name != "worker-3"]) == 4


@pytest.mark.parametrize("endpoint", ["ipc://{}", "inproc://{}"])
def test_links_that_are_not_tcp_are_not_expected(endpoint):
    assert planned(plan(endpoint), [part.name for part in plan().parts]) == 0


def test_a_link_through_the_relay_is_one_link():
    assert Connections(planned=2, between_parts=0, at_relay=4).links == 2
    assert Connections(planned=2, between_parts=0, at_relay=3).links == 1.5


def process(proc, pid, inodes, namespace="net:[1]", table=TCP):
    folder = proc / str(pid)
    for name in ("fd", "ns", "net"):
        (folder / name).mkdir(parents=True)
    (folder / "ns" / "net").symlink_to(namespace)
    (folder / "net" / "tcp").write_text(table)
    for number, inode in enumerate(inodes):
        (folder / "fd" / str(number)).symlink_to(f"socket:[{inode}]")


def test_processes_of_one_namespace_are_counted_together(tmp_path):
    process(tmp_path, 11, [1601, 1603])
    process(tmp_path, 12, [1602])
    assert count(plan(), {"front-1": 11, "worker-1": 12}, proc=tmp_path) == Connections(1, 1)


def test_both_ends_may_be_in_namespaces_of_their_own(tmp_path):
    one, other = (HEAD + TCP.splitlines()[number] + "\n" for number in (2, 3))
    process(tmp_path, 11, [1601], "net:[1]", one)
    process(tmp_path, 12, [1602], "net:[2]", other)
    assert count(plan(), {"front-1": 11, "worker-1": 12}, proc=tmp_path) == Connections(1, 1)


def test_what_goes_to_the_relay_is_counted_apart(tmp_path):
    process(tmp_path, 11, [1601])
    process(tmp_path, 12, [1602])
    assert count(plan(), {"front-1": 11}, relay=12, proc=tmp_path) == Connections(0, 0, 1)


def test_where_the_kernel_does_not_tell_nothing_is_known(tmp_path):
    assert count(plan(), {"front-1": 11}, proc=tmp_path) is None


def test_a_connection_within_a_process_is_none_between_parts():
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
        server.accept()[0] as accepted,
    ):
        assert client.getpeername() == accepted.getsockname()
        assert count(plan(), {"front-1": os.getpid()}).between_parts == 0
