"""Piste: the loss-function workbench for computer vision on PyTorch."""

from piste import losses, objective
from piste.balance import class_weights
from piste.objective import Cycle, Objective, Phase, Ramp, Sequence, Sum, Watch, vary

__version__ = "0.1.0"

__all__ = [
    "Cycle",
    "Objective",
    "Phase",
    "Ramp",
    "Sequence",
    "Sum",
    "Watch",
    "class_weights",
    "losses",
    "objective",
    "vary",
]
