r"""Benchmarks: what a step, its verification and a start cost, as ratios measured side by side in one run."""
