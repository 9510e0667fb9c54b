"""Services of a user's own, as the parts under test import them: ``tests.interop.own_services:refuse``."""

import time

from common.services import Refusal
from common.transaction import Frames


def refuse(body: Frames) -> Frames:
    raise Refusal(b"no", *body)


def crash(body: Frames) -> Frames:
    raise ZeroDivisionError


def sleep(body: Frames) -> Frames:
    """As many seconds as the first frame says."""
    time.sleep(float(body[0]))
    return body


def inflate(body: Frames) -> Frames:
    """A short request, a long answer; except that ``y`` is echoed."""
    return body if body == (b"y",) else (bytes(1_000_000),)
