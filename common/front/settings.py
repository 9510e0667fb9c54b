"""How the front listens, and how long it puts up with a slow peer. Each default once, with its reason."""

import msgspec


class HttpSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The HTTP side of one front. What bodies and drain may take is in ``Settings.limits``."""

    host: str = "127.0.0.1"
    """Loopback: to be seen from elsewhere takes a decision."""
    port: int = 8080
    """0: one that is free."""
    reuse_port: bool = False
    """Whether other fronts listen on the same port (SO_REUSEPORT)."""
    backlog: int = 4096
    """Connections the kernel completes before they are accepted: with 128, SYN retries made a p90 of 1 s."""
    idle_s: float = 60.0
    """How long a connection may go without a whole request head."""
    transfer_s: float = 30.0
    """How long a request's body may take to arrive, and a response to be taken by its reader."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ValueError(f"http.port must be 0 to 65535, got {self.port}")
        if self.backlog < 1:
            raise ValueError(f"http.backlog must be at least 1 connection, got {self.backlog}")
        for name, value in (("idle_s", self.idle_s), ("transfer_s", self.transfer_s)):
            if not value > 0:
                raise ValueError(f"http.{name} must be more than 0 s, got {value:g}")
