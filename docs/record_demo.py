"""Draws docs/demo.svg: runs the demo in a terminal of fixed size and draws what stands on it at the end.

    .venv/bin/python docs/record_demo.py [--svg FILE] [--keep-bytes FILE] [options of `ebcd demo`]
    .venv/bin/python docs/record_demo.py --bytes FILE     draw again what an earlier run wrote

What is drawn are the bytes that the demo wrote, nothing else: the last picture of its live screen and the table after
it. A run in which something did not hold is drawn too, and ends this program with the demo's own status.
"""

from __future__ import annotations

import argparse
import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

COLUMNS = 112
ROWS = 70  # more than the screen ever has, so that nothing is cut off
READ_BYTES = 65536
ROOT = Path(__file__).parent.parent
SVG = Path(__file__).parent / "demo.svg"
REDRAW = re.compile(r"\r?(?:\x1b\[1A|\x1b\[2K|\r)*\x1b\[1A\x1b\[2K")
"""How rich goes back to the top of its live screen before it draws the next picture."""
CONTROL = re.compile(r"\x1b\[\?25[lh]|\x1b\[2K|\r")
FONT_FACE = re.compile(r"@font-face \{\{.*?\}\}\s*", re.DOTALL)
"""Fonts fetched from elsewhere: a picture must not call home. The viewer's own monospace font is used."""


def play(arguments: list[str]) -> tuple[bytes, int]:
    """Run `ebcd demo` in a pseudo-terminal; everything it wrote, and its exit status."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environ = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    for name in ("COLUMNS", "LINES", "NO_COLOR"):
        environ.pop(name, None)
    command = [sys.executable, "-m", "ebcd", "demo", *arguments]
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdin=follower, stdout=follower, stderr=follower) as demo:
        os.close(follower)
        written = bytearray()
        while chunk := _read(leader):
            written += chunk
        os.close(leader)
    return bytes(written), demo.returncode


def _read(leader: int) -> bytes:
    try:
        return os.read(leader, READ_BYTES)
    except OSError:  # the last process has closed the terminal
        return b""


def last_screen(written: bytes) -> Text:
    """What a person sees when the demo is over: everything behind the last return to the top."""
    drawn = REDRAW.split(written.decode("utf-8", "replace"))[-1]
    lines = CONTROL.sub("", drawn).strip("\n").splitlines()
    return Text("\n").join(Text.from_ansi(line) for line in lines)


def draw(screen: Text, svg: Path, title: str) -> None:
    """Write the picture."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(screen, no_wrap=True, overflow="ignore", crop=False)
    plain = FONT_FACE.sub("", CONSOLE_SVG_FORMAT).replace("Fira Code", "DejaVu Sans Mono, Noto Sans Mono CJK SC")
    svg.write_text(console.export_svg(title=title, theme=MONOKAI, code_format=plain, unique_id="demo"), "utf-8")


def main() -> int:
    """Run and draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--svg", type=Path, default=SVG)
    parser.add_argument("--bytes", type=Path, help="bytes of an earlier run instead of a new one")
    parser.add_argument("--keep-bytes", type=Path, help="where to keep what the demo wrote")
    chosen, options = parser.parse_known_args()
    status = 0
    if chosen.bytes is not None:
        written = chosen.bytes.read_bytes()
    else:
        written, status = play(options or ["--lang", "en"])
        if chosen.keep_bytes is not None:
            chosen.keep_bytes.write_bytes(written)
    draw(last_screen(written), chosen.svg, " ".join(["ebcd demo", *options]))
    print(f"{chosen.svg} is drawn" + ("" if chosen.bytes else f"; the demo ended with status {status}"))
    return status


if __name__ == "__main__":
    sys.exit(main())
