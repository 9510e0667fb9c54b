"""The faults by name: a new one is a file beside kill.py and a line here, twice."""

from bench.faults.absent import Absent
from bench.faults.crash_loop import CrashLoop
from bench.faults.delay import Delay
from bench.faults.fault import Fault
from bench.faults.isolate import Isolate
from bench.faults.kill import Kill
from bench.faults.overload import Overload
from bench.faults.partition import Partition
from bench.faults.pause import Pause
from bench.faults.reset import Reset
from bench.faults.rolling_restart import RollingRestart
from bench.faults.slow import Slow
from bench.faults.storm import Storm
from bench.faults.terminate import Terminate
from bench.faults.wedge import Wedge

FAULTS: dict[str, type[Fault]] = {
    "kill": Kill,
    "terminate": Terminate,
    "rolling-restart": RollingRestart,
    "crash-loop": CrashLoop,
    "absent": Absent,
    "pause": Pause,
    "wedge": Wedge,
    "slow": Slow,
    "partition": Partition,
    "isolate": Isolate,
    "reset": Reset,
    "delay": Delay,
    "overload": Overload,
    "storm": Storm,
}

AnyFault = (
    Kill | Terminate | RollingRestart | CrashLoop | Absent | Pause | Wedge | Slow
    | Partition | Isolate | Reset | Delay | Overload | Storm
)  # fmt: skip
"""The union of the classes above, for the decoder."""
