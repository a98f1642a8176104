"""Benchmarks of the project, run from its root: `make bench`, `make bench-peer`, `make bench-scale`.

- They use the load client of `mailkeep.bench`, as `mailkeep bench` does, and start the servers themselves, on free
  ports of 127.0.0.1 and in a temporary directory.
- Results go to bench/results as JSON; `python -m bench.page` makes docs/benchmark.md of them.
"""
