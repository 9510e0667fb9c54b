"""FLP, the Freelance Protocol (ZeroMQ RFC 10): fan-out client, worker session; and ``direct``, without any."""
