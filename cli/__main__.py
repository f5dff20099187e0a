"""`python -m cli` is the program `firstlight`."""

from cli.main import main

main(prog_name="firstlight")
