"""Data as plain Python that reads and augments the same images."""
