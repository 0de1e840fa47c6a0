"""`python -m tests.conformance` writes docs/conformance.md; with a clause or id as argument it shows that row."""

from __future__ import annotations

import sys

from tests.conformance.judge import judge_repository
from tests.conformance.page import PAGE, ROOT, details, page
from tests.conformance.register import load


def main(arguments: list[str]) -> int:
    """Exit status 1 where something does not fit together; the page is written all the same."""
    register = load()
    judgement = judge_repository(ROOT, register)
    if arguments:
        try:
            print(details(judgement, " ".join(arguments)))
        except KeyError as error:
            print(f"no row is called {error}; write it as in docs/conformance.md, with its standard", file=sys.stderr)
            return 2
        return 0
    PAGE.write_text(page(register, judgement), encoding="utf-8")
    print(*judgement.problems, sep="\n", file=sys.stderr)
    return int(bool(judgement.problems))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
