"""`python -m piste` is the `piste` command."""

from piste.cli.app import main

main()
