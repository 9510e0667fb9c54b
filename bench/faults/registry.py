"""The faults by name: a new one is a file beside kill.py and a line here, twice."""

from bench.faults.fault import Fault
from bench.faults.kill import Kill
from bench.faults.overload import Overload
from bench.faults.pause import Pause
from bench.faults.storm import Storm

FAULTS: dict[str, type[Fault]] = {
    "kill": Kill,
    "pause": Pause,
    "overload": Overload,
    "storm": Storm,
}

AnyFault = Kill | Pause | Overload | Storm
"""The union of the classes above, for the decoder."""
