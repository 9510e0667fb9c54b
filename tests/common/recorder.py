"""A machine without rules: it remembers what it was told, and asks for what the test wants."""

import math
from collections.abc import Callable, Sequence

from common.machine import Drain, Effect, Event


def nothing(event: Event) -> Sequence[Effect]:
    return ()


class Recorder:
    def __init__(self, react: Callable[[Event], Sequence[Effect]] = nothing) -> None:
        self.react = react
        self.events: list[Event] = []
        self.ticks: list[float] = []
        self.due = math.inf
        self.on_tick: Sequence[Effect] = ()
        self.drained = False
        self.finishes_at_once = True
        """Whether it is drained as soon as it is told to drain."""
        self.ready = True

    def handle(self, event: Event, now: float) -> Sequence[Effect]:
        self.events.append(event)
        self.drained = self.drained or (isinstance(event, Drain) and self.finishes_at_once)
        return self.react(event)

    def tick(self, now: float) -> Sequence[Effect]:
        self.ticks.append(now)
        self.due = math.inf
        return self.on_tick

    def deadline(self) -> float:
        return self.due

    def gauges(self) -> dict[str, int]:
        return {"events": len(self.events)}

    def of(self, kind: type) -> list[Event]:
        """What it was told, of one kind."""
        return [event for event in self.events if isinstance(event, kind)]
