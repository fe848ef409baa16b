"""Whether `torch.compile` can write kernels here: it needs a C++ compiler and Python's headers."""

from functools import cache

import torch


@cache
def why_not() -> str:
    """What is missing; empty if nothing is."""
    try:
        torch.compile(torch.square)(torch.ones(3))
    except Exception as error:
        return f"Inductor writes no kernels here: {type(error).__name__}"
    return ""
