"""What the topologies' speed is held against: the least that could do the job, with the same workers and load.

A baseline is run like a topology (``brokerbench run messages``), and is none: it notices no failure and keeps no
promise but the speed. ``BASELINES`` of bench/registry.py knows their names.
"""
