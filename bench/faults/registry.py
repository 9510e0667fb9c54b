"""The faults by name: a new one is a file beside kill.py and a line here, twice."""

from bench.faults.fault import Fault
from bench.faults.kill import Kill
from bench.faults.pause import Pause

FAULTS: dict[str, type[Fault]] = {
    "kill": Kill,
    "pause": Pause,
}

AnyFault = Kill | Pause
"""The union of the classes above, for the decoder."""
