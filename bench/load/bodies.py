"""Which bodies a spec asks for: the kinds by name.

Invariant: a body has exactly the size that it is asked for.
"""

from collections.abc import Callable

from bench.load.exchange import body_of
from bench.load.spec import LoadSpec
from bench.load.transfers import drawn
from common.bank.transfer import body

BodyOf = Callable[[bytes, int], bytes]
"""From a transaction's id and a size in bytes to its body."""


def bodies(spec: LoadSpec) -> BodyOf:
    """What makes the spec's bodies."""
    return BODIES[spec.body](spec)


def transfers(spec: LoadSpec) -> BodyOf:
    """Money to be moved between the spec's accounts."""
    return lambda id, size: body(drawn(spec.seed, id, spec.accounts), size)


BODIES: dict[str, Callable[[LoadSpec], BodyOf]] = {
    "id": lambda spec: body_of,
    "transfer": transfers,
}
