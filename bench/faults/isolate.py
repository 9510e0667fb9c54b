"""One pair of parts cut off from each other, silently, both ways; each still reaches all others."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Literal

from bench.faults.fault import NoEffect
from bench.faults.links import OnLinks
from bench.faults.network import Network, peers
from common.topology import Plan, Role


class Isolate(OnLinks, frozen=True, forbid_unknown_fields=True, tag="isolate", kw_only=True):
    """A cut between two parts, which must have a link."""

    peer_role: Role
    """The other part's role."""
    peer_which: Literal["one"] | int = "one"
    """As ``which``. ``one``: drawn anew for each part that ``which`` may name, the same for every topology."""

    does = "cuts the links between the part and one of peer_role, silently, both ways, for for_s"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.peer_role == self.role:
            raise ValueError(f"peer_role must be another than role, got {self.peer_role} twice")
        if self.peer_which != "one" and self.peer_which < 1:
            raise ValueError(f"peer_which must be 'one' or a number from 1, got {self.peer_which}")

    def describe(self) -> str:
        which = "one " if self.peer_which == "one" else ""
        number = "" if self.peer_which == "one" else f" {self.peer_which}"
        return f"{super().describe()}, from {which}{self.peer_role}{number}"

    def cannot(self, plan: Plan) -> str:
        linked = peers(plan, next(iter(self.candidates(plan))), self.peer_role)
        if not linked:
            return f"{plan.topology} has no link between {self.role} and {self.peer_role} to cut"
        if self.peer_which != "one" and self.peer_which > len(linked):
            return f"{plan.topology} has no {self.peer_role} {self.peer_which} to isolate a {self.role} from"
        return ""

    def peers(self, network: Network, part: str) -> Sequence[str]:
        linked = network.peers(part, self.peer_role)
        if not linked:
            raise NoEffect(f"{part} has no link to a {self.peer_role}")
        if self.peer_which == "one":
            return [Random(part).choice(linked)]
        return [linked[self.peer_which - 1]]

    def outcomes(self, plan: Plan) -> Iterator[tuple[str, Sequence[str]]]:
        for part in self.candidates(plan):
            for peer in peers(plan, part, self.peer_role):
                yield part, [peer]

    async def impose(self, network: Network, key: str, part: str, peers: Sequence[str]) -> None:
        await network.cut(key, part, peers)
