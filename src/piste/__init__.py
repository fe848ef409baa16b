"""Piste: the loss-function workbench for computer vision on PyTorch.

The names below load when they are first used, so that the command line answers `--help` without waiting for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from piste import losses, objective
    from piste.balance import class_weights
    from piste.objective import (
        Cycle,
        Objective,
        Phase,
        Ramp,
        RelativeWeighting,
        Sequence,
        Sum,
        UncertaintyWeighting,
        Watch,
        vary,
    )

__version__ = "0.1.0"

__all__ = [
    "Cycle",
    "Objective",
    "Phase",
    "Ramp",
    "RelativeWeighting",
    "Sequence",
    "Sum",
    "UncertaintyWeighting",
    "Watch",
    "class_weights",
    "losses",
    "objective",
    "vary",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'piste' has no attribute {name!r}")
    if name in ("losses", "objective"):
        return import_module(f"piste.{name}")
    room = "balance" if name == "class_weights" else "objective"
    return getattr(import_module(f"piste.{room}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
