"""`python -m tests.ebcd.backup.fill DIR`: gives a made-up county the journal of `county.make_place`, for the manual."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.ebcd.backup.county import fill

fill(Path(sys.argv[1]))
