"""Pairs of a degraded image and the one it should have been, read from folders or made of clean images."""
