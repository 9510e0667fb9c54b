"""A burst whose clients ask again when they fail: what was an overload may stay one after the burst is over."""

from bench.faults.on_load import OnLoad
from bench.load.spec import Retrying
from common.settings import Retries


class Storm(OnLoad, frozen=True, forbid_unknown_fields=True, tag="storm", kw_only=True):
    """As overload, with clients who retry, during the whole step: see ``bench.load.retrying``."""

    does = "overload with clients that retry what failed, on a budget or without one"

    retries: int = 3
    """Of one transaction, at most."""
    retry_after_s: float = 0.1
    """From a failure to the next try."""
    budget: bool = True
    """Whether all retries together are paid for as ``settings.retries`` says, a tenth of the load in the long run."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.retrying(Retries())

    def describe(self) -> str:
        paid = "on the retry budget" if self.budget else "without a budget"
        return f"{super().describe()}, with up to {self.retries} retries each, {paid}"

    def retrying(self, budget: Retries) -> Retrying | None:
        return Retrying(
            retries=self.retries, after_s=self.retry_after_s, budget=budget if self.budget else None
        )
