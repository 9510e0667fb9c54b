"""The faults by name: a new one is a file beside kill.py and a line here, twice."""

from bench.faults.delay import Delay
from bench.faults.fault import Fault
from bench.faults.isolate import Isolate
from bench.faults.kill import Kill
from bench.faults.overload import Overload
from bench.faults.partition import Partition
from bench.faults.pause import Pause
from bench.faults.reset import Reset
from bench.faults.storm import Storm

FAULTS: dict[str, type[Fault]] = {
    "kill": Kill,
    "pause": Pause,
    "partition": Partition,
    "isolate": Isolate,
    "reset": Reset,
    "delay": Delay,
    "overload": Overload,
    "storm": Storm,
}

AnyFault = Kill | Pause | Partition | Isolate | Reset | Delay | Overload | Storm
"""The union of the classes above, for the decoder."""
