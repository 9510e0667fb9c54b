"""An endpoint that nobody has bound, the article's case: the part is not there when the others are started."""

from bench.faults.fault import Deployed, Lasting, NoEffect


class Absent(Lasting, frozen=True, forbid_unknown_fields=True, tag="absent", kw_only=True):
    """The part is started ``for_s`` after the measured part of the step has begun, and not before."""

    does = "the part is not started with the rest, but only after for_s"
    roles = ("worker", "broker")
    from_start = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.at_s != 0:
            raise ValueError(
                f"at_s of a fault 'absent' must be 0: it is there from the start, got {self.at_s:g}"
            )

    def prepare(self, deployed: Deployed, part: str) -> None:
        deployed.hold(part)

    async def apply(self, deployed: Deployed, part: str) -> str:
        if (pid := deployed.pid(part)) is not None:
            raise NoEffect(f"{part} was to be absent, but it runs as pid {pid}")
        return "it was never started"

    async def undo(self, deployed: Deployed, part: str) -> str:
        deployed.release(part)
        pid = deployed.pid(part)
        if pid is None:
            raise NoEffect(f"{part} was to be started, but there is no process of it")
        return f"started as pid {pid}"
