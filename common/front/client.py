"""What the front knows of a topology: the way in, and three questions about its state."""

from collections.abc import Callable, Mapping
from typing import Protocol

from common.transaction import Answer, Transaction

Answered = Callable[[Answer], None]
"""Takes the answer to one transaction. Called exactly once, in the loop's thread."""


class Client(Protocol):
    """A topology's client side, running in the same event loop. Whoever made it drains and closes it."""

    def submit(self, transaction: Transaction, answered: Answered) -> None:
        """Take in ``transaction``, never blocking. ``answered`` is called exactly once, by its deadline or
        soon after, possibly before this returns. It is the client that bounds how much it holds: too much
        is answered with ``Fate.REJECTED``.
        """

    @property
    def ready(self) -> bool:
        """Whether a live worker is known, as far as this topology can know."""

    def gauges(self) -> Mapping[str, int]:
        """Depths right now, by place: ``{"queued": 3}``."""
