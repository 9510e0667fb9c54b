"""How the bench's processes are started: what they are told in a file, and their command line.

Invariant: a command line names a part's role and its name, and nothing that differs from run to run: no path, for a
path may hold any word (``raw/kill-worker-freelance-1``), and processes are told apart by theirs. So the file with the
spec is the process's standard input.
"""

import sys
from pathlib import Path

import msgspec

from bench.child import Launch
from bench.load.spec import LoadSpec
from bench.part import PartSpec
from bench.relay.orders import RelaySpec

STDIN = "/dev/stdin"


def part(spec: PartSpec, folder: Path) -> Launch:
    """What starts a part; its spec is written to ``folder/<part>.json``."""
    path = folder / f"{spec.part.name}.json"
    return _launch(spec, path, "bench.part", spec.part.role, spec.part.name)._replace(holds_sigterm=True)


def load(spec: LoadSpec, path: Path) -> Launch:
    """What starts the load; its spec is written to ``path``."""
    return _launch(spec, path, "bench.load")


def relay(spec: RelaySpec, path: Path) -> Launch:
    """What starts the relay; its spec is written to ``path``, and its end of the control socket is inherited."""
    return _launch(spec, path, "bench.relay")._replace(inherited=(spec.control,))


def _launch(spec: msgspec.Struct, path: Path, module: str, *words: str) -> Launch:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(spec), indent=2))
    return Launch((sys.executable, "-P", "-m", module, *words, STDIN), path)
