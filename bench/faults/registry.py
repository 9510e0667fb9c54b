"""The faults by name: a new one is a file beside kill.py and a line here, twice."""

from bench.faults.fault import Fault
from bench.faults.kill import Kill

FAULTS: dict[str, type[Fault]] = {
    "kill": Kill,
}

AnyFault = Kill
"""The union of the classes above, for the decoder: ``Kill | Pause``."""
