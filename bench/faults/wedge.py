"""The service hangs and the process beats on: what no heartbeat shows."""

import math

from bench.faults.fault import Deployed, Lasting, NoEffect


class Wedge(Lasting, frozen=True, forbid_unknown_fields=True, tag="wedge", kw_only=True):
    """Executions that run or begin do not end until it is taken back; then they do, with their own results."""

    does = "the worker's service hangs for for_s, its process beats on"
    roles = ("worker",)
    hinders = True

    async def apply(self, deployed: Deployed, part: str) -> str:
        if deployed.pid(part) is None:
            raise NoEffect(f"{part} was to hang, but it was not running")
        deployed.hindrance(part).set(math.inf)
        return "the service hangs"

    async def undo(self, deployed: Deployed, part: str) -> str:
        hindered = deployed.hindrance(part).lift()
        if not hindered:
            raise NoEffect(f"{part} was to hang for {self.for_s:g} s, but no execution ended in that time")
        return f"the service goes on; executions that hung: {hindered}"
