"""How a part's process is started: its spec in a file, its command line, its environment.

Invariant: a command line names the part's role and its name and nothing that changes from run to run but paths; no
front's or broker's contains the word of the role that works, so that processes can be told apart by it.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.part import PartSpec

ROOT = Path(__file__).parents[1]
"""Where our packages are."""


def command(spec: PartSpec, folder: Path) -> Sequence[str]:
    """Write the spec to ``folder/<part>.json``; returns what starts the part."""
    path = folder / f"{spec.part.name}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(spec), indent=2))
    return [sys.executable, "-P", "-m", "bench.part", spec.part.role, spec.part.name, str(path)]


def environment() -> dict[str, str]:
    """Ours, and our packages first: a child never runs another ``bench`` or ``common`` than we do."""
    there = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(there)}
