"""Where a run computes and in which precision: an Accelerator made from the settings, or a refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.data_loader import prepare_data_loader
from accelerate.state import AcceleratorState, GradientState
from torch.utils.data import DataLoader

from piste.training.settings import TrainingRecipe
from piste.training.trackers import require_trackers


def start_accelerator(settings: TrainingRecipe, tracked_in: Path | None = None) -> Accelerator:
    """The Accelerator of a run.

    Args:
        settings: name device, precision and trackers.
        tracked_in: where trackers that keep files keep them; None for no trackers.

    Raises:
        ValueError: the device is not there or cannot do the precision, or a tracker is not installed.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if settings.device != "auto" and not there[settings.device]:
        here = ", ".join(name for name, is_there in there.items() if is_there)
        raise ValueError(f"`device`: torch finds no {settings.device} here; it finds {here}, and auto takes the best")
    AcceleratorState._reset_state(reset_partial_state=True)  # an earlier run's device and precision
    GradientState._reset_state()
    cpu = settings.device == "cpu" or not (there["cuda"] or there["mps"])
    if cpu and settings.precision == "fp16":
        raise ValueError("`precision`: fp16 needs a GPU, the CPU computes it slowly or not at all; use bf16 or no")
    require_trackers(settings.trackers)
    trackers = settings.trackers if tracked_in is not None else []
    accelerator = Accelerator(
        cpu=cpu, mixed_precision=settings.precision, log_with=[*trackers] or None, project_dir=tracked_in
    )
    return accelerator


def prepared(loader: DataLoader[Any], accelerator: Accelerator) -> Any:
    """A loader that puts its batches on the device, and draws nothing from the process's random state."""
    if loader.generator is None:
        loader.generator = torch.Generator()
    return prepare_data_loader(loader, accelerator.device, num_processes=1, process_index=0, put_on_device=True)
