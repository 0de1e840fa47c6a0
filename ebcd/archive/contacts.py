"""Names and telephone numbers out of the inventory, beside the journal, where they can be erased (`Store.person`)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

from ebcd.archive.columns import CONTACT, PERSON_PREFIX, TEXT_CHARACTERS_MAX, person_id
from ebcd.archive.table import Table

AT_ONCE_MAX = 200
"""People that are taken in together: each is a write of its own, and commits gather."""

Person = Callable[[str, str], Awaitable[int]]
"""The id of a person by name and telephone number."""

_NUMBER = re.compile(r"\+?\d[\d \-]{4,}\d")


async def take_in(table: Table, person: Person) -> int:
    """Replace words by ids; how many people those were. Raises StoreError."""
    if CONTACT not in table.header:
        return 0
    words = {words for row in table.rows if (words := _words(table.cell(row, CONTACT)))}
    ids: dict[str, str] = {}
    waiting = sorted(words)
    for at in range(0, len(waiting), AT_ONCE_MAX):
        batch = waiting[at : at + AT_ONCE_MAX]
        found = await asyncio.gather(*(person(*name_and_number(each)) for each in batch))
        ids.update(zip(batch, (f"{PERSON_PREFIX}{number}" for number in found), strict=True))
    column = table.column(CONTACT)
    for row in table.rows:
        if column < len(row) and (known := ids.get(row[column].strip())):
            row[column] = known
    return len(ids)


def _words(contact: str) -> str:
    """A contact that is words; too long ones are told by the column's own check and stay."""
    return contact if contact and person_id(contact) is None and len(contact) <= TEXT_CHARACTERS_MAX else ""


def name_and_number(words: str) -> tuple[str, str]:
    """A person as people write them: a name and somewhere a telephone number."""
    found = _NUMBER.search(words)
    if found is None:
        return words, ""
    name = (words[: found.start()] + words[found.end() :]).strip(" ,，:：/()（）\t")
    return name, re.sub(r"[ \-]", "", found.group())
