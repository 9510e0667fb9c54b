"""What can be done to a running deployment: one file a fault, each with apply and undo; the dict is in registry.py."""
