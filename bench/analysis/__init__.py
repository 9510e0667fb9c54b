"""From the tables of a run to every number in its report, by pure functions."""
