"""What a request asks for: its method, target and header fields, read into an ``Order``. Pure.

Invariant: an ``Order`` that exists is valid; everything else is ``Refused`` with the value and the
expectation. The query of a target is ignored, the body is none of this file's business.
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import unquote_to_bytes, urlsplit

from common.front.problem import Refused
from common.transaction import check_id, is_id

COLLECTION = "/v1/transactions"
_MEMBERS = COLLECTION + "/"
TIMEOUT_DEFAULT_S = 5.0
TIMEOUT_MIN_S = 0.001
TIMEOUT_MAX_S = 3600.0
REQUEST_ID_LENGTH_MAX = 128

_DECIMAL = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_PRINTABLE = re.compile(rf"[\x20-\x7e]{{1,{REQUEST_ID_LENGTH_MAX}}}")

Fields = Mapping[str, str]
"""Header fields by name, as ``Http-Header-Case``; several of one name are joined by commas."""


class Order(NamedTuple):
    """A transaction that still lacks its body."""

    id: bytes
    deadline: float
    """Seconds, monotonic."""
    retry: bool
    """Whether it is idempotent."""


def path_of(target: str) -> str:
    """The path of a request target, in origin or absolute form, as it stands: still encoded, no query."""
    if not target.startswith("/"):
        target = _path_of_absolute(target)
    return target.partition("?")[0] if "?" in target else target


def is_transaction(path: str) -> bool:
    """Whether ``path`` is about transactions, be it a good one or not."""
    return path.startswith(COLLECTION) and (len(path) == len(COLLECTION) or path[len(COLLECTION)] == "/")


def read_order(method: str, path: str, fields: Fields, now: float, make_id: Callable[[], bytes]) -> Order:
    """Read the head of a request about transactions that arrived at ``now``. ``make_id`` names the nameless.

    Raises:
        Refused: it is not a transaction; nothing was handed on.
    """
    if path == COLLECTION:
        _check_method(method, "POST")
        key = fields.get("Idempotency-Key")
        id = b"" if key is None else _read_id(key.encode("latin-1"))
        retry = key is not None
    else:
        encoded = path[len(_MEMBERS) :]
        if not encoded or "/" in encoded:
            raise Refused("not-found", f"a transaction is at {_MEMBERS}{{id}}, got {path[:200]!r}")
        _check_method(method, "PUT")
        id = _read_id(unquote_to_bytes(encoded) if "%" in encoded else encoded.encode("latin-1"))
        retry = True
    timeout = fields.get("Request-Timeout")
    timeout_s = TIMEOUT_DEFAULT_S if timeout is None else _read_timeout(timeout, id)
    return Order(id or make_id(), now + timeout_s, retry)


def check_host(version: str, fields: Fields) -> None:
    """RFC 9112, 3.2: an HTTP/1.1 request names exactly one host.

    Raises:
        Refused: it does not.
    """
    host = fields.get("Host")
    if host is None:
        if version != "HTTP/1.0":
            raise Refused("malformed", f"a request in {version} must have a Host field, got none")
    elif "," in host:
        raise Refused("malformed", f"a request must have one Host field, got {host[:200]!r}")


def check_length(fields: Fields, body_bytes_max: int, id: bytes = b"") -> None:
    """Refuse a body that says beforehand that it is too large. One that says nothing is counted as it
    arrives.

    Raises:
        Refused: it is too large.
    """
    length = fields.get("Content-Length")
    if length is None or not (length.isascii() and length.isdigit()):
        return
    digits = length.lstrip("0")
    if len(digits) > 18 or int(digits or "0") > body_bytes_max:
        raise too_large(f"{length[:40]} bytes", body_bytes_max, id)


def too_large(got: str, body_bytes_max: int, id: bytes = b"") -> Refused:
    """The refusal of a body over the limit."""
    return Refused("too-large", f"a body must be at most {body_bytes_max} bytes, got {got}", id)


def request_id(fields: Fields) -> bytes:
    """``X-Request-ID``, to be echoed; empty where there is none. One that is not 1 to 128 printable ASCII
    characters is treated as none: it is a help for people, and must not decide what happens to a
    transaction.
    """
    text = fields.get("X-Request-Id")
    return text.encode() if text is not None and _PRINTABLE.fullmatch(text) else b""


def _path_of_absolute(target: str) -> str:
    """RFC 9112, 3.2.2: a server must take the absolute form. Anything else (``*``, ``host:port``) stays as
    it is, and is found nowhere.
    """
    try:
        parts = urlsplit(target)
    except ValueError:
        return target
    return parts.path or "/" if parts.scheme in ("http", "https") else target


def _check_method(method: str, allowed: str) -> None:
    if method != allowed:
        raise Refused("method-not-allowed", f"the method must be {allowed}, got {method[:40]}", allow=allowed)


def _read_id(id: bytes) -> bytes:
    if is_id(id):
        return id
    try:
        return check_id(id)
    except ValueError as error:
        raise Refused("malformed", str(error)) from None


def _read_timeout(text: str, id: bytes) -> float:
    timeout_s = float(text) if _DECIMAL.fullmatch(text) else -1.0
    if TIMEOUT_MIN_S <= timeout_s <= TIMEOUT_MAX_S:
        return timeout_s
    raise Refused(
        "malformed",
        f"Request-Timeout must be {TIMEOUT_MIN_S:g} to {TIMEOUT_MAX_S:g} s, a decimal, got {text[:40]!r}",
        id,
    )
