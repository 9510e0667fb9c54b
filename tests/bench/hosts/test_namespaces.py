"""Namespaces on a bridge: real addresses, a cut that nobody is told of, and nothing left over, whatever happens."""

import ctypes
import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from bench.hosts.commands import CommandFailed, ip, why_not
from bench.hosts.namespaces import RANGE, Namespaces, free_subnet
from bench.hosts.ownership import INTERFACES, NAMESPACES, WORD, Owner, remove_leftovers

ROOT = Path(__file__).parents[3]
PORT = 20_000
IP_RECVERR = 11  # linux/in.h: every ICMP error is told, also those that TCP takes lightly
BOUND_S = 5.0
QUIET_S = 0.7
"""Longer than a first SYN's or segment's repetition, and than an ARP request without an answer takes to fail twice."""

pytestmark = pytest.mark.skipif(bool(why_not()), reason=f"making network namespaces {why_not()}")


@contextmanager
def opened(*hosts: str) -> Iterator[Namespaces]:
    namespaces = Namespaces(hosts)
    try:
        namespaces.open()
    except CommandFailed as failure:
        pytest.skip(f"this kernel has no network namespaces for us: {failure}")
    try:
        yield namespaces
    finally:
        namespaces.close()
        assert left_of(Owner.myself()) == []


def left_of(owner: Owner) -> list[str]:
    spaces = [path.name for path in NAMESPACES.iterdir() if path.name.startswith(owner.name)]
    return spaces + [path.name for path in INTERFACES.iterdir() if path.name.startswith(f"bb{owner.pid}")]


def socket_in(namespaces: Namespaces, host: str, *kind: int) -> socket.socket:
    """A socket that lives on a host: the thread that makes it has gone there, and ends."""
    made: list[socket.socket] = []

    def make() -> None:
        with (NAMESPACES / namespaces.inside(host)[-1]).open() as there:
            assert ctypes.CDLL(None, use_errno=True).setns(there.fileno(), 0) == 0, os.strerror(
                ctypes.get_errno()
            )
        made.append(socket.socket(*(kind or (socket.AF_INET, socket.SOCK_STREAM))))

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    return made[0]


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + BOUND_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def nothing(end: socket.socket, flags: int = 0) -> bool:
    """Whether nothing has come: no bytes, no end, no error."""
    end.setblocking(False)
    with pytest.raises(BlockingIOError):
        end.recv(1, flags)
    return end.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def connected(namespaces: Namespaces, stack: ExitStack) -> tuple[socket.socket, socket.socket]:
    """A connection from host a to host b, which both ask for every ICMP error."""
    listener = stack.enter_context(socket_in(namespaces, "b"))
    listener.bind((namespaces.address("b"), PORT))
    listener.listen()
    near = stack.enter_context(socket_in(namespaces, "a"))
    near.settimeout(BOUND_S)
    near.connect((namespaces.address("b"), PORT))
    far, (address, _) = listener.accept()
    stack.enter_context(far)
    assert address == namespaces.address("a")
    for end in (near, far):
        end.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    return near, far


def test_a_cut_is_silent_both_ways_no_end_no_reset_no_icmp_and_heals():
    with opened("a", "b") as namespaces, ExitStack() as stack:
        near, far = connected(namespaces, stack)
        icmp = [
            stack.enter_context(socket_in(namespaces, host, socket.AF_INET, socket.SOCK_RAW, 1))
            for host in "ab"
        ]
        before = namespaces.swallowed()
        namespaces.cut([("a", "b")])
        near.send(b"ping")
        far.send(b"pong")
        late = stack.enter_context(socket_in(namespaces, "a"))
        late.setblocking(False)
        assert late.connect_ex((namespaces.address("b"), PORT)) == errno.EINPROGRESS
        time.sleep(QUIET_S)  # what must not come has had its time
        for end in (near, far):
            assert nothing(end)
            assert nothing(end, socket.MSG_ERRQUEUE)
        assert all(map(nothing, icmp))
        assert late.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
        assert namespaces.swallowed() >= before + 3
        namespaces.heal([("a", "b")])
        far.settimeout(BOUND_S)
        near.settimeout(BOUND_S)
        assert far.recv(4) == b"ping"
        assert near.recv(4) == b"pong"
        until(lambda: late.connect_ex((namespaces.address("b"), PORT)) == errno.EISCONN)
        assert all(map(nothing, icmp))


def test_a_cut_separates_its_pair_only_and_the_bench_still_reaches_both():
    with opened("a", "b", "c") as namespaces, ExitStack() as stack:
        namespaces.cut([("a", "b")])
        for host in "abc":
            listener = stack.enter_context(socket_in(namespaces, host))
            listener.bind((namespaces.address(host), PORT))
            listener.listen()
            with socket.create_connection((namespaces.address(host), PORT), BOUND_S):
                pass
        for one, other in (("a", "c"), ("c", "b")):
            with socket_in(namespaces, one) as free:
                free.settimeout(BOUND_S)
                free.connect((namespaces.address(other), PORT))


def test_two_cuts_of_a_pair_must_both_be_healed():
    with opened("a", "b") as namespaces, ExitStack() as stack:
        near, far = connected(namespaces, stack)
        namespaces.cut([("a", "b")])
        namespaces.cut([("a", "b")])
        namespaces.heal([("a", "b")])
        near.send(b"ping")
        time.sleep(0.1)
        assert nothing(far)
        namespaces.heal([("a", "b")])
        far.settimeout(BOUND_S)
        assert far.recv(4) == b"ping"


def test_a_command_is_run_on_its_host_as_the_very_process_that_was_started():
    with opened("a") as namespaces:
        code = (
            "import os, subprocess; print(os.getpid(), subprocess.getoutput('ip -br -4 address show eth0'))"
        )
        process = subprocess.Popen(
            [*namespaces.inside("a"), sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
        )
        said, _ = process.communicate(timeout=BOUND_S)
        assert said.startswith(f"{process.pid} ")
        assert f"{namespaces.address('a')}/24" in said


def test_addresses_lie_where_this_machine_has_nothing_and_are_another_benchs_never():
    subnet = free_subnet(os.getpid())
    assert subnet.subnet_of(RANGE)
    with opened("a") as namespaces:
        assert free_subnet(os.getpid()) != subnet
        assert namespaces.address("bench") == str(subnet[1])


def test_what_a_killed_bench_left_is_removed_and_nothing_of_one_that_lives():
    code = (
        "from bench.hosts.namespaces import Namespaces; import time\n"
        "Namespaces(['a']).open(); print('open', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with other, opened("a") as ours:
        assert other.stdout is not None
        try:
            if other.stdout.readline() != "open\n":
                pytest.fail("the other bench could not open its hosts")
            theirs = [name.name for name in NAMESPACES.iterdir() if f"{WORD}-{other.pid}-" in name.name]
            assert len(theirs) == 1
            assert not [line for line in remove_leftovers() if str(other.pid) in line]
        finally:
            other.send_signal(signal.SIGKILL)
            other.wait()
        removed = remove_leftovers()
        assert f"netns del {theirs[0]}" in removed
        assert f"link del bb{other.pid}" in removed
        assert not (INTERFACES / f"bb{other.pid}").exists()
        assert (NAMESPACES / ours.inside("a")[-1]).exists(), "ours lives"


def test_what_the_kernel_refuses_is_told_and_what_was_made_is_removed():
    namespaces = Namespaces(["a", "b"])
    ip([f"netns add {namespaces.inside('b')[-1]}"])  # the name is taken
    with pytest.raises(CommandFailed, match="hosts: ip failed"):
        namespaces.open()
    assert left_of(Owner.myself()) == []
