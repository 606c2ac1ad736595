r"""Sweeps: many small training runs, each verified step by step, over a declared grid of configurations.

The modules follow a cell's way: `axes` (what may vary), `declaration` (a grid read from TOML, flags
or JSON), `grid` (its cells, one at a time), `trials` (a cell made into a run), `outcomes` (the run
verified), `pools` (many of them on many processes), `results` (kept in an SQLite file), `totals` and
`summaries` (what people see).
"""
