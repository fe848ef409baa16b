"""Lines of text: scores per step of a line against the characters it shows."""
