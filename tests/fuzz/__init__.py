"""Hostile bytes for every door: one small target per entry point that takes bytes from outside.

`targets/` says what must hold for each, `registry.py` lists them, `python -m tests.fuzz` (`make fuzz`) runs them under
atheris, and `test_fuzz.py` runs seeds, findings and some thousand seeded mutations without it.
"""
