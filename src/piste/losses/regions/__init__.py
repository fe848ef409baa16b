"""The overlap of two areas, predicted and true."""
