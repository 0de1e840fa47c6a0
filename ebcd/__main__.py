"""`python -m ebcd`: the same as the `ebcd` script."""

from __future__ import annotations

from ebcd.cli import main

if __name__ == "__main__":
    main()
