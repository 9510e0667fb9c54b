"""Two runs beside each other: what differs in conditions, then in numbers, and whether a threshold is crossed."""
