"""Measurements, one file each: every table names the machine it was measured on and a peer measured beside it.

`python -m benchmarks [name ...] [--quick] [--profile] [--json FILE]`; how to read the tables stands in
`docs/guides/benchmarks.md`.
"""
