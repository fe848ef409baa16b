"""Piste: the loss-function workbench for computer vision on PyTorch."""

__version__ = "0.1.0"
