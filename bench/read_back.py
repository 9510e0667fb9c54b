"""What the sockets of an episode said they are set to: every part writes it into its first note.

Invariant: a part that said nothing is missing, it is not invented.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from common.observer import NoteLine

Options = Mapping[str, int | str]
"""Option to value, as libzmq reports it."""


def read_back(notes: Path) -> dict[str, dict[str, Options]]:
    """Part to socket to options, from a folder of notes."""
    found = {}
    for path in sorted(notes.glob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            note = msgspec.json.decode(line, type=NoteLine)
            if note.kind == "started":
                found[note.part] = msgspec.json.decode(note.detail, type=dict[str, Options])
                break
    return found
