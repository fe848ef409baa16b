"""Architectures by name, from segmentation-models-pytorch."""
