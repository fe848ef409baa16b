"""Pairs of networks that play against each other: one makes samples of noise, one tells them from real ones."""
