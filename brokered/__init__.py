"""PPP, the Paranoid Pirate Protocol (ZeroMQ RFC 6): broker, worker session, client."""
