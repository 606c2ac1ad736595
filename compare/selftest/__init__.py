r"""The verifier tried on itself: what it raises on correct code, what it misses of planted faults."""
