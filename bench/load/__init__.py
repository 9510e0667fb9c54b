"""Offered load: when each transaction is due, decided before the trial starts."""
