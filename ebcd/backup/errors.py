"""Why a backup was not made or not brought back: the thing, what is wrong with it, the next step."""

from __future__ import annotations

import errno

from ebcd.catalogue import Language, text
from ebcd.errors import EbcdError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class BackupError(EbcdError):
    """Nothing was made, or nothing was replaced.

    `what` is a stable slug for logs and metrics and names the sentence `backup.wrong.<what>`; `values` fill it.
    """

    def __init__(self, what: str, **values: object) -> None:
        self.what = what
        self.values = values
        super().__init__(self.sentence(Language.EN))

    def sentence(self, language: str) -> str:
        """What is wrong and what to do."""
        return text(f"backup.wrong.{self.what}", language, **self.values)


def of_disk(error: OSError, thing: object) -> BackupError:
    """The system's own refusal to read or write `thing`."""
    what = "full" if error.errno in FULL else "disk"
    return BackupError(what, thing=thing, reason=error.strerror or str(error))
