"""REST under ``wrk``: what a whole transaction costs beside Tornado's own hello-world. ``python -m bench.speed``."""
