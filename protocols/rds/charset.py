"""The characters of ordinary RDS texts: code table E.1 of EN 50067 annex E, which is neither ASCII nor Latin-1.

No table of the standard has Chinese characters (rds-uecp.md A.7), so a text either fits or is refused; nothing is ever
replaced by a question mark. Two codes together change to a table and take no place on the display. Tables E.2 and E.3
have the lower half of E.1; their upper halves (Greek, Cyrillic, Hebrew, Arabic) are not here.
"""

from __future__ import annotations

from typing import Final

from protocols.errors import LocalProtocolError

_ASCII: Final = "".join(map(chr, range(0x20, 0x7F))).translate(
    {ord("$"): "¤", ord("^"): "―", ord("`"): "‖", ord("~"): "¯"}
)
_UPPER: Final = (
    "áàéèíìóòúùÑÇŞβ¡Ĳ"
    "âäêëîïôöûüñçşǧıĳ"
    "ªα©‰Ǧěňőπ€£$←↑→↓"
    "º¹²³±İńűµ¿÷°¼½¾§"
    "ÁÀÉÈÍÌÓÒÚÙŘČŠŽÐĿ"
    "ÂÄÊËÎÏÔÖÛÜřčšžđŀ"
    "ÃÅÆŒŷÝÕØÞŊŔĆŚŹŦð"
    "ãåæœŵýõøþŋŕćśźŧ"
)
_CHARACTERS: Final = {0x20 + at: each for at, each in enumerate(_ASCII)} | {
    0x80 + at: each for at, each in enumerate(_UPPER)
}
_UNKNOWN: Final = "\N{REPLACEMENT CHARACTER}"
_FIRST_OF_UPPER: Final = 0x80
_TABLES: Final = {b"\x0f\x0f": True, b"\x0e\x0e": False, b"\x1b\x6e": False}
"""Pair of codes -> whether table E.1 is in force behind it."""
_CODES: Final = {each: code for code, each in _CHARACTERS.items()}


def fits(text: str) -> bool:
    """Whether every character is in the table."""
    return all(character in _CODES for character in text)


def encode_text(text: str) -> bytes:
    """One byte per character. Raises LocalProtocolError, which names the first character that the table lacks."""
    try:
        return bytes(_CODES[character] for character in text)
    except KeyError as error:
        raise LocalProtocolError(f"RDS texts (EN 50067 table E.1) have no {error.args[0]!r}") from None


def decode_text(data: bytes) -> str:
    """What a receiver shows. Control codes and codes without a character become U+FFFD."""
    shown: list[str] = []
    first_table, at = True, 0
    while at < len(data):
        if (other := _TABLES.get(data[at : at + 2])) is not None:
            first_table, at = other, at + 2
            continue
        code, at = data[at], at + 1
        is_known = first_table or code < _FIRST_OF_UPPER
        shown.append(_CHARACTERS.get(code, _UNKNOWN) if is_known else _UNKNOWN)
    return "".join(shown)
