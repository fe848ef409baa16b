"""Rectangles: a predicted box against the true one."""
