"""The tests: a folder for each package, and ``end_to_end`` for those that start real processes."""
