"""One worker takes n times as long as it would, and says nothing of it. See hindrance.py for what is slow in it."""

from bench.faults.fault import Deployed, Lasting, NoEffect

TIMES_MAX = 1000.0


class Slow(Lasting, frozen=True, forbid_unknown_fields=True, tag="slow", kw_only=True):
    """Executions that end while it lasts took ``times`` as long as they would."""

    times: float = 5.0

    does = "the worker's service takes `times` as long, for for_s"
    roles = ("worker",)
    hinders = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 < self.times <= TIMES_MAX:
            raise ValueError(f"times must be above 1 and at most {TIMES_MAX:g}, got {self.times:g}")

    def describe(self) -> str:
        return f"{super().describe()}, {self.times:g} times"

    async def apply(self, deployed: Deployed, part: str) -> str:
        if deployed.pid(part) is None:
            raise NoEffect(f"{part} was to be slow, but it was not running")
        deployed.hindrance(part).set(self.times)
        return f"the service takes {self.times:g} times as long"

    async def undo(self, deployed: Deployed, part: str) -> str:
        hindered = deployed.hindrance(part).lift()
        if not hindered:
            raise NoEffect(f"{part} was to be slow for {self.for_s:g} s, but no execution ended in that time")
        return f"the service is as fast as before; executions that were slow: {hindered}"
