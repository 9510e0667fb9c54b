"""A part that dies as soon as it is started, again and again: a bad configuration, a disk that is full."""

from bench.faults.fault import Deployed, Lasting, NoEffect
from bench.faults.kill import Kill


class CrashLoop(Lasting, frozen=True, forbid_unknown_fields=True, tag="crash-loop", kw_only=True):
    """The part is killed, and each of its restarts exits at once with status 1, until it is taken back."""

    does = "SIGKILL to the process, and for for_s each restart of it exits at once with status 1"

    async def apply(self, deployed: Deployed, part: str) -> str:
        deployed.spoil(part)
        try:
            return await Kill(role=self.role, at_s=self.at_s).apply(deployed, part)
        except BaseException:
            deployed.mend(part)
            raise

    async def undo(self, deployed: Deployed, part: str) -> str:
        crashes = deployed.mend(part)
        if not crashes:
            raise NoEffect(f"{part} was to crash at each start, but none was seen to within {self.for_s:g} s")
        return f"the next start succeeds; crashed before: {crashes}"
