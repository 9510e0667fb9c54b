"""iproute2's commands, and whether this machine lets us use them.

Invariant: a command that fails says so in its own words; none is left running.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence

from bench.errors import PartFailed

COMMAND_S = 10.0
"""How long one batch may take: 80 hosts take 2 s on two busy cores."""


class CommandFailed(PartFailed):
    """iproute2 or the kernel refused."""


def why_not() -> str:
    """Why this process cannot make network namespaces; empty where it can, as far as can be told without trying."""
    if os.geteuid() != 0:
        return f"needs root, got user id {os.geteuid()}"
    missing = [command for command in ("ip", "bridge") if not shutil.which(command)]
    return f"needs iproute2, got no command {missing[0]!r}" if missing else ""


def ip(lines: Sequence[str], namespace: str = "") -> None:
    """Run ``ip`` on each line, in order, up to the first that fails.

    Raises:
        CommandFailed: which, and why.
    """
    where = ["-netns", namespace] if namespace else []
    _run(["ip", *where, "-batch", "-"], "\n".join(lines))


def bridge(lines: Sequence[str]) -> None:
    """The same for ``bridge``. Raises CommandFailed."""
    _run(["bridge", "-batch", "-"], "\n".join(lines))


def destinations() -> list[str]:
    """What this machine has IPv4 routes to, its own addresses too, the default left out. Raises CommandFailed."""
    routes = json.loads(_run(["ip", "-4", "-json", "route", "show", "table", "all"]) or "[]")
    return [route["dst"] for route in routes if route["dst"] not in ("default", "0.0.0.0/0")]


def inside(namespace: str) -> tuple[str, ...]:
    """What a command line begins with to be run there; it becomes that very process (execve), with the same pid."""
    return (shutil.which("ip") or "ip", "netns", "exec", namespace)


def _run(command: Sequence[str], text: str = "") -> str:
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=COMMAND_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandFailed(f"hosts: {command[0]}: {error}") from None
    if done.returncode:
        said = " ".join(done.stderr.split())
        raise CommandFailed(f"hosts: {command[0]} failed: {said or f'status {done.returncode}'}")
    return done.stdout
