"""`ebcd demo`: a whole county on this machine, in processes that meet on sockets and a broker only."""

from __future__ import annotations

from pathlib import Path


def run(*, json_file: Path | None, terminals: int, seed: int, keep: Path | None, language: str) -> int:
    """Play the scenario and show it live; returns the exit status: 0 only if everything held."""
    from ebcd.demo.show import Choices, show

    return show(Choices(json_file, terminals, seed, keep, language))
