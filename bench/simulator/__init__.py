"""The third driver of the machines: a whole plan on virtual time, without threads, sockets or sleep.

Invariant: a simulation is a function of its arguments and its script; two runs of the same give the same records.
"""

from bench.simulator.records import Execution, Mark, Noted, Record
from bench.simulator.simulation import Arrival, Simulation

__all__ = ["Arrival", "Execution", "Mark", "Noted", "Record", "Simulation"]
