"""Peers that know an RFC and nothing of ours: raw pyzmq, no import of common, brokered, brokerless or bench.

They are what a stranger would write who has rfc.zeromq.org/spec/6 (PPP) or spec/10 (FLP) and nothing else,
one thread and one file each, at the guide's pace of one second. What they count is there for tests to look
at.
"""

from tests.plain.flp_client import PlainFlpDealer, PlainFlpRouter
from tests.plain.flp_server import PlainFlpServer
from tests.plain.ppp_queue import PlainPppQueue
from tests.plain.ppp_worker import PlainPppWorker
from tests.plain.req_client import PlainDealer, PlainReq

__all__ = [
    "PlainDealer",
    "PlainFlpDealer",
    "PlainFlpRouter",
    "PlainFlpServer",
    "PlainPppQueue",
    "PlainPppWorker",
    "PlainReq",
]
