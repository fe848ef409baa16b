"""Training: the loop, what it moves, and what survives it."""
