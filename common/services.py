"""The business code of the workers: ``handle(body) -> body``, by name or by import path for a user's own.

Invariant: a service is a plain function of frames that knows nothing else; what it returns is checked here,
so that nothing but a tuple of bytes frames goes on the wire.
"""

import hashlib
import importlib
import inspect
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

import msgspec

from common.bank.settings import BankSpec
from common.distributions import DEFAULT_SHAPE, DISTRIBUTIONS, Shape, service_time
from common.recorded import read_times
from common.transaction import Frames

FROM_FILE = "file"
"""The distribution that is a recorded sample."""

Service = Callable[[Frames], object]
"""Takes the frames of a body, returns bytes or an iterable of bytes, or raises ``Refusal``. Called by one
thread, one transaction at a time."""


class ServiceSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which service a deployment's workers run."""

    name: str = "echo"
    """One of ``SERVICES``, or ``module:callable``."""
    mean_ms: float = 10.0
    """sleep, spin: the mean of the service time. 10 ms is a small database transaction. transfer: what it takes beside
    the database's own time."""
    distribution: str = "constant"
    """One of ``common.distributions.DISTRIBUTIONS``, or ``file``."""
    seed: int = 0
    """With the id it determines how long a transaction takes."""
    shape: Shape = DEFAULT_SHAPE
    bank: BankSpec = BankSpec()
    """transfer: whose money it moves."""
    times: str = ""
    """file: where the recorded times are, a CSV file with a column ``ms``; they are scaled to ``mean_ms``."""

    @property
    def keeps_bank(self) -> bool:
        """Whether what it does is in the books of ``bank``."""
        return self.name == "transfer"

    def __post_init__(self) -> None:
        if not 0 <= self.mean_ms < math.inf:
            raise ValueError(f"mean_ms must be at least 0 and finite, got {self.mean_ms}")
        if self.distribution not in (*DISTRIBUTIONS, FROM_FILE):
            known = ", ".join((*sorted(DISTRIBUTIONS), FROM_FILE))
            raise ValueError(f"unknown distribution {self.distribution!r}, expected one of: {known}")
        if self.distribution != FROM_FILE:
            service_time(self.distribution, self.mean_ms / 1e3, self.seed, b"-", self.shape)
        elif not self.times:
            raise ValueError("distribution file needs times, a CSV file with a column ms")


class _Told(Exception):
    """What a service says instead of an answer; ``body`` is its words."""

    def __init__(self, *body: bytes) -> None:
        for frame in body:
            if not isinstance(frame, bytes):
                raise TypeError(f"a refusal's frames must be bytes, got {type(frame).__name__}")
        super().__init__(*body)
        self.body: Frames = body


class Refusal(_Told):
    """The service says no: the transaction has failed, definitely, and ``body`` is what it says."""


class Unsure(_Told):
    """The service cannot say whether the transaction took effect, or will by another delivery: it is unknown."""


class NotFrames(TypeError):
    """A service returned something that is no body."""


def at_once(handle: Service) -> Service:
    """Say of a service that it is over within microseconds, whatever it is given: a worker calls it without a thread in
    between, and does nothing else meanwhile. One that waits for anything, or counts for long, must not be marked.
    """
    handle.at_once = True  # type: ignore[attr-defined]
    return handle


def is_at_once(handle: Service) -> bool:
    """Whether it was said of that service."""
    return getattr(handle, "at_once", False) is True


def echo(spec: ServiceSpec) -> Service:
    """Returns the body at once."""
    return at_once(lambda body: body)


def sleep(spec: ServiceSpec) -> Service:
    """Waits mean_ms, by distribution and seed, without using the CPU, and returns the body."""
    duration_s = _durations(spec)

    def handle(body: Frames) -> Frames:
        time.sleep(duration_s())
        return body

    return handle


def spin(spec: ServiceSpec) -> Service:
    """Burns mean_ms of CPU, by distribution and seed, and returns the body."""
    duration_s = _durations(spec)

    def handle(body: Frames) -> Frames:
        end = time.thread_time() + duration_s()
        while time.thread_time() < end:
            hashlib.sha256(_BLOCK)
        return body

    return handle


def transfer(spec: ServiceSpec) -> Service:
    """Moves money between accounts of a database, once for each id: {"from": 3, "to": 7, "amount": 12}."""
    from common.bank.service import transfer  # who moves no money loads no database

    return transfer(spec, _durations(spec))


# Long enough that hashing it lets go of the interpreter lock, as real work in C does: the thread that beats
# and takes messages is not held up. At some 5 to 50 us a block it sets how exactly spin ends.
_BLOCK = bytes(8192)

SERVICES: dict[str, Callable[[ServiceSpec], Service]] = {
    "echo": echo,
    "sleep": sleep,
    "spin": spin,
    "transfer": transfer,
}


def load_service(spec: ServiceSpec) -> Service:
    """Make the service that ``spec`` names. The user's own is imported, from the current folder too.

    Raises:
        ValueError: there is none of that name; one line that says what was expected.
    """
    if spec.name in SERVICES:
        return SERVICES[spec.name](spec)
    if ":" not in spec.name:
        raise ValueError(
            f"unknown service {spec.name!r}, expected one of: {', '.join(SERVICES)}; or module:callable"
            + _meant(spec.name, tuple(SERVICES))
        )
    return _import_service(spec.name)


def transaction_id() -> bytes:
    """The id of the transaction being handled, for a service that asks in its ``handle``.

    Raises:
        LookupError: this thread handles none.
    """
    id: bytes | None = getattr(_handling, "id", None)
    if id is None:
        raise LookupError("no transaction is being handled by this thread")
    return id


def handling(id: bytes) -> None:
    """Say, before ``handle`` is called by the same thread, what ``transaction_id`` is to return."""
    _handling.id = id


_handling = threading.local()


def frames(returned: object) -> Frames:
    """What a service returned, as a body. An empty one becomes one empty frame: RFC 6 wants at least one.

    Raises:
        NotFrames: it is neither bytes nor an iterable of bytes; says what it is.
    """
    if isinstance(returned, bytes):
        return (returned,)
    # An empty str is an iterable of bytes.
    if isinstance(returned, str) or not isinstance(returned, Iterable):
        raise NotFrames(f"{_EXPECTED}, got {type(returned).__name__}")
    body = tuple(returned)
    for frame in body:
        if type(frame) is not bytes:
            raise NotFrames(f"{_EXPECTED}, got {type(returned).__name__} of {type(frame).__name__}")
    return body or (b"",)


_EXPECTED = "a service must return bytes or an iterable of bytes"


def _durations(spec: ServiceSpec) -> Callable[[], float]:
    kind, mean_s, seed, shape = spec.distribution, spec.mean_ms / 1e3, spec.seed, spec.shape
    if kind == FROM_FILE:
        recorded = read_times(Path(spec.times))
        return lambda: recorded.service_time(mean_s, seed, transaction_id())
    return lambda: service_time(kind, mean_s, seed, transaction_id(), shape)


def _import_service(name: str) -> Service:
    module_name, _, path = name.partition(":")
    if not all(part.isidentifier() for part in (*module_name.split("."), *path.split("."))):
        raise ValueError(f"service {name!r} must be module:callable, as in my_package.my_module:handle")
    if (here := os.getcwd()) not in sys.path:
        sys.path.append(here)  # at the end, where it hides nothing of ours: -P keeps it out for that reason
    try:
        found: object = importlib.import_module(module_name)
    except Exception as error:  # the user's module may raise anything at all
        raise ValueError(
            f"service {name!r}: can't import {module_name!r}: {_why(error, module_name)}"
        ) from error
    for attribute in path.split("."):
        if not hasattr(found, attribute):
            public = tuple(other for other in dir(found) if not other.startswith("_"))
            raise ValueError(f"service {name!r}: {module_name!r} has no {path!r}" + _meant(attribute, public))
        found = getattr(found, attribute)
    if not callable(found):
        raise ValueError(f"service {name!r} must be callable, got {type(found).__name__}")
    if inspect.iscoroutinefunction(found) or inspect.isclass(found):
        kind = "a class" if inspect.isclass(found) else "an async function"
        raise ValueError(f"service {name!r} must be a plain function or bound method, got {kind}")
    return found


def _meant(word: str, known: Sequence[str]) -> str:
    near = get_close_matches(word, known, n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _why(error: Exception, module_name: str) -> str:
    """With where it was looked for, if it is the module itself that is not there."""
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing is None or not f"{module_name}.".startswith(f"{missing}."):
        return _told(error)
    return f"{_told(error)}; it was looked for in the current folder, {os.getcwd()}, and along PYTHONPATH"


def _told(error: Exception) -> str:
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
