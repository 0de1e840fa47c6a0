"""Commands shown in the documents, with the output shown below them.

A block that opens with three backticks and `console run` is executed: each line that begins with `$ ` is a command for
bash at the top of the repository, the lines after it are its output. A line `...` stands for any number of lines, and
`...` inside a line for any text.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

COMMAND_TIMEOUT_S = 60
_BLOCK = re.compile(r"^```console run\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Shown:
    """One command and the output that the document promises."""

    line: int  # of the document
    command: str
    output: str


def shown_commands(document: str) -> Iterator[Shown]:
    """Every command of the blocks that are to be executed, in their order."""
    for block in _BLOCK.finditer(document):
        first_line = document.count("\n", 0, block.start(1)) + 1
        output: list[str] = []
        command, at = "", 0
        for number, line in enumerate(block[1].splitlines(), first_line):
            if line.startswith("$ "):
                if command:
                    yield Shown(at, command, "\n".join(output))
                command, output, at = line.removeprefix("$ "), [], number
            else:
                output.append(line)
        if command:
            yield Shown(at, command, "\n".join(output))


def run(command: str, root: Path, home: Path) -> str:
    """What a command prints; a status other than 0 is told in a last line."""
    environ = {
        "PATH": f"{root / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "COLUMNS": "100",
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=root,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=COMMAND_TIMEOUT_S,
        check=False,
    )
    status = f"\n[exit status {done.returncode}]" if done.returncode else ""
    return "\n".join(line.rstrip() for line in done.stdout.rstrip().splitlines()) + status


def agrees(promised: str, printed: str) -> bool:
    """Whether the output is what the document shows."""
    lines = [
        r"(?:[^\n]*\n)*" if line.strip() == "..." else re.escape(line).replace(r"\.\.\.", r"[^\n]*") + r"\n"
        for line in promised.strip().splitlines()
    ]
    return re.fullmatch("".join(lines), f"{printed.strip()}\n" if printed.strip() else "") is not None
