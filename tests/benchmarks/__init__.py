"""Speed beside its floor. No pass or fail: `make bench` or `python -m tests.benchmarks [name...] [--json FILE]`."""
