"""What queueing theory expects of each way to share out transactions: closed forms, and replay of a path."""
