"""One figure a file. Each is a function of a run and of a width in CSS pixels."""
