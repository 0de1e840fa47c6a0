"""`python -m ebcd.cli`: the `ebcd` script where it is not on the PATH."""

from ebcd.cli import main

main()
