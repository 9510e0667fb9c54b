"""A bank: accounts in a real database, and the service ``transfer``, which moves money between them exactly once."""
