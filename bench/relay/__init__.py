"""A process that carries TCP between parts, so that their links can be cut, delayed and reset without root."""
