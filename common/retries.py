"""The retry budget: resends are paid for by first attempts, so that failover cannot feed an overload."""

from common.settings import Retries


class RetryBudget:
    """A token bucket filled by submissions, not by time: an idle system earns nothing, a loaded one little."""

    def __init__(self, retries: Retries) -> None:
        self._burst = float(retries.burst)
        self._ratio = retries.ratio
        self._tokens = self._burst

    def earn(self) -> None:
        """A transaction was submitted for the first time."""
        if self._tokens < self._burst:
            self._tokens = min(self._tokens + self._ratio, self._burst)

    def spend(self) -> bool:
        """Take a token for one resend; False where none is left."""
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
