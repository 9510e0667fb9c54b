"""What both topologies share: transactions, the wire, machines' vocabulary, liveness, workers, the REST front."""
