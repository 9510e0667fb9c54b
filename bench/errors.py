"""What can go wrong for reasons that a user can act on, each with its exit status; a bug is none of these.

Invariant: the message is one line that names the value and what was expected; ``bench.cli`` prints it and nothing else.
"""

from collections.abc import Collection
from difflib import get_close_matches


class BenchError(Exception):
    """A problem that the message explains."""

    exit_status = 1


class BadInput(BenchError):
    """What was asked for cannot be: an unknown name, a wrong value, a port in use."""

    exit_status = 2


class PartFailed(BenchError):
    """A part could not be started, or a process of the bench's own ended badly."""


def unknown(kind: str, got: str, known: Collection[str]) -> BadInput:
    """The answer to an unknown name: near matches first, then all that is known."""
    near = get_close_matches(got, known, n=2, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return BadInput(f"unknown {kind} {got!r}: {hint}expected one of {', '.join(sorted(known))}")
