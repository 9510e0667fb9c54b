"""Under which conditions a run was made: without them a number says nothing to anybody else."""

import os
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
import psutil
import zmq

PACKAGES = ("tornado", "pyzmq", "msgspec", "httptools", "numpy", "duckdb", "psutil", "click")
"""Whose version can move a number."""


class Machine(msgspec.Struct, frozen=True):
    """The host."""

    cpu: str
    cores: int
    """Logical processors that this process may use."""
    memory_bytes: int
    kernel: str
    load_average: tuple[float, float, float]
    """Before the run: what else kept the machine busy."""


class Conditions(msgspec.Struct, frozen=True):
    """The whole."""

    commit: str
    """Of the checkout, ``-dirty`` where it had changes; empty without git."""
    versions: Mapping[str, str]
    machine: Machine
    supervisor: str = "brokerbench"
    """Who restarts parts."""


def conditions() -> Conditions:
    """As they are now."""
    return Conditions(_commit(), _versions(), _machine())


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "libzmq": zmq.zmq_version()}
    for package in ("brokerbench", *PACKAGES):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _machine() -> Machine:
    return Machine(
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=psutil.virtual_memory().total,
        kernel=platform.release(),
        load_average=os.getloadavg(),
    )


def _cpu() -> str:
    """The processor's name; the architecture where the kernel does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
