"""Bugs planted in the losses, to see that the suite sees them: `python -m mutants`."""
