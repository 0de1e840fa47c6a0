"""`ebcd decode`: any captured bytes, against every protocol we know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson
import typer

from ebcd.catalogue import text
from ebcd.cli.files import STDIN, is_folder, read_bytes, read_certificate, the_file
from ebcd.cli.output import forgive_narrow_charsets
from ebcd.cli.session import Failure
from ebcd.clock import SystemClock
from ebcd.decode import Aside, Keys, Reading, decode_bytes, protocols
from ebcd.decode.hexadecimal import digits_of, first_foreign
from ebcd.decode.inputs import message_of, messages_in, messages_of

SHOWN_MAX = 60


def run(
    what: Sequence[str], certificates: Sequence[Path], protocol: str | None, language: str, *, as_json: bool
) -> int:
    """Print every message; returns 0 only if each of them is good. Raises Failure (exit status 2) for wrong usage."""
    if protocol is not None and protocol not in protocols():
        raise Failure(text("decode.unknown_protocol", language, value=protocol, known=", ".join(protocols())), status=2)
    forgive_narrow_charsets()
    keys = Keys((read_certificate(file, language) for file in certificates), SystemClock().wall())
    good = True
    for message in _messages(what, language):
        data, reading = _read(message, keys, protocol)
        good = good and reading.is_good
        if as_json:
            typer.echo(orjson.dumps(reading.as_json()).decode())
        else:
            from ebcd.cli.decode_tree import show_tree

            show_tree(reading, data, language)
    return 0 if good else 1


def _messages(what: Sequence[str], language: str) -> Iterator[bytes | str | Aside]:
    """Of each file or standard input; what is neither is hexadecimal, together where a shell has cut it at blanks."""
    given = list(what) or [STDIN]
    if not any(each == STDIN or the_file(each) for each in given):
        yield from messages_of(given)
        return
    for each in given:
        file = the_file(each)
        if each == STDIN or file is not None:
            yield from messages_in(read_bytes(file, language))
        else:
            yield message_of(each)


def why_not_hex(written: str) -> str:
    """What is wrong with a text that was to be a file or hexadecimal."""
    shown = repr(written[:SHOWN_MAX]) + ("..." if len(written) > SHOWN_MAX else "")
    if is_folder(written):
        return f"hex: {shown} is a folder; name a file in it"
    if (at := first_foreign(written)) is not None:
        return f"hex: {shown} is neither a file nor hexadecimal: {written[at]!r} at character {at}"
    digits = digits_of(written)
    if digits % 2:
        return f"hex: {shown} has {digits} digits, and a byte has two: one is missing or too many"
    return f"hex: {shown} holds no digits"


def _read(message: bytes | str | Aside, keys: Keys, protocol: str | None) -> tuple[bytes, Reading]:
    if isinstance(message, Aside):
        return b"", Reading(None, errors=(message.error,))
    if isinstance(message, str):
        return b"", Reading(protocol, errors=(why_not_hex(message),))
    return message, decode_bytes(message, keys, protocol)
