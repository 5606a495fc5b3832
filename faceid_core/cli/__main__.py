"""`python -m faceid_core.cli` is the same as `faceid`."""

from faceid_core.cli.main import main

main(prog_name="faceid")
