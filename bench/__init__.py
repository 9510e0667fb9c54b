"""The bench: scenarios, load, faults, supervision, the ledger, analysis, charts, the report, the command line."""
