"""One target under atheris, in a process of its own: `python -m tests.fuzz.worker TARGET [OPTION...] CORPUS`."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(
    include=["protocols", "ebcd", "devices", "simulators", "tests"], enable_loader_override=False
):
    from tests.fuzz.registry import ITSELF, TARGETS


def main(arguments: list[str]) -> None:
    """Never returns: libFuzzer ends the process, with 0 where it found nothing."""
    target = next(each for each in (*TARGETS, ITSELF) if each.name == arguments[1])
    atheris.Setup([arguments[0], *arguments[2:], f"-max_len={target.size_max}"], target.run)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
