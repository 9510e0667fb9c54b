"""Who waits for which transaction at this front. Pure.

Invariant: an id is in flight at most once; whoever repeats it meanwhile, with the same body, gets the same
answer; nothing is kept once that answer is there.
"""

from common.front.client import Answered
from common.transaction import Answer, Frames


class Conflict(Exception):
    """Another body is in flight under this id. The one that came second was not handed on."""

    definite = True


class InFlight:
    """The transactions that were submitted and not answered yet."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, tuple[Frames, list[Answered]]] = {}
        """By id: the body it went out with, and who is to be told."""

    def __len__(self) -> int:
        return len(self._waiting)

    def __repr__(self) -> str:
        return f"<InFlight {len(self)} transactions>"

    def enter(self, id: bytes, body: Frames, answered: Answered) -> bool:
        """Let ``answered`` wait for ``id``. Returns whether it is the first: then the caller submits it.

        Raises:
            Conflict: the first came with another body; nothing changed.
        """
        first = self._waiting.get(id)
        if first is None:
            self._waiting[id] = (body, [answered])
            return True
        if first[0] != body:
            raise Conflict
        first[1].append(answered)
        return False

    def resolve(self, id: bytes, answer: Answer) -> int:
        """Tell ``answer`` to everyone who waits for ``id``, which is free again before the first of them
        hears. Returns how many there were: 0 if they were told something else before.
        """
        _, waiting = self._waiting.pop(id, (None, []))
        for answered in waiting:
            answered(answer)
        return len(waiting)

    def resolve_all(self, answer: Answer) -> None:
        """Tell ``answer`` to everyone who waits for anything."""
        for id in tuple(self._waiting):
            self.resolve(id, answer)
