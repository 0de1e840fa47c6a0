"""The characters of ordinary RDS texts: code table E.1 of EN 50067 annex E, which is neither ASCII nor Latin-1.

No table of the standard has Chinese characters (rds-uecp.md A.7), so a text either fits or is refused; nothing is ever
replaced by a question mark.
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
    return "".join(_CHARACTERS.get(code, "\N{REPLACEMENT CHARACTER}") for code in data)
