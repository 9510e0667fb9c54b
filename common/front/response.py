"""An HTTP/1.1 response as bytes, in one piece. Pure.

Written whole through ``HTTPConnection.write``, which takes a response encoded beforehand: building it from
Tornado's ``HTTPHeaders`` costs 17 us of a request's 110.
"""

from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

_HEAD = b"HTTP/1.1 %b\r\nDate: %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n%b\r\n"
_STATUS = {status.value: b"%d %b" % (status.value, status.phrase.encode()) for status in HTTPStatus}


def encode(
    status: int, media_type: bytes, fields: bytes, body: bytes, *, second: int, bodiless: bool = False
) -> bytes:
    """A whole response.

    ``fields`` are further header lines, each with its line end and free of others: nothing a peer sent gets
    in unchecked. ``second`` is the time of day, for ``Date``. ``bodiless``: the answer to a HEAD.
    """
    head = _HEAD % (_STATUS[status], http_date(second), media_type, len(body), fields)
    return head if bodiless else head + body


@lru_cache(maxsize=2)
def http_date(second: int) -> bytes:
    """A time since the epoch as ``Date`` has it: made once a second."""
    return formatdate(second, usegmt=True).encode()
