"""Other places that events go to: TensorBoard, MLflow and W&B, through Accelerate's trackers.

None sits in the step: the figures of an epoch's steps are handed over when the epoch ends.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from accelerate import Accelerator

from piste.training.events import Event


def require_trackers(names: Sequence[str]) -> None:
    """Refuses trackers whose package is not installed.

    Raises:
        ValueError: says what to install.
    """
    missing = [name for name in names if find_spec(name) is None]  # each is called like its package
    if missing:
        raise ValueError(f"`trackers`: {', '.join(missing)} is not installed; `pip install {' '.join(missing)}`")


class TrackerSink:
    """A sink of the event log that feeds trackers.

    Args:
        accelerator: was made with these trackers.
        name: what the run is called there.
        settings: kept beside the run; nested values are flattened.
    """

    def __init__(self, accelerator: Accelerator, name: str, settings: Mapping[str, Any]) -> None:
        self._accelerator = accelerator
        self._steps: list[Event] = []
        accelerator.init_trackers(name, config=_flat(settings))

    def __call__(self, event: Event) -> None:
        """Takes in an event."""
        match event["kind"]:
            case "step":
                self._steps.append(event)
            case "epoch" if event.get("replayed"):
                self._steps = []  # were handed over before the run was resumed
            case "epoch":
                for step in self._steps:
                    self._log({"train/loss": step["loss"], "lr": step["lr"]} | _terms("train", step), step["step"])
                self._steps = []
                val = event["val"]
                figures = {"val/loss": val["loss"]} | _terms("val", val)
                self._log(figures | {f"val/{name}": value for name, value in val["metrics"].items()}, event["step"])
            case "end" | "failure":
                self._accelerator.end_training()

    def _log(self, figures: Mapping[str, Any], step: int) -> None:
        defined = {name: value for name, value in figures.items() if math.isfinite(value)}
        self._accelerator.log(defined, step=step)


def _terms(split: str, event: Mapping[str, Any]) -> dict[str, float]:
    """Each term's raw value, and what a discriminator pays where there is one."""
    figures = {f"{split}/{name}": term["raw"] for name, term in event["terms"].items()}
    if (rival := event.get("discriminator")) is None:
        return figures
    return figures | {f"{split}/discriminator/loss": rival["loss"]} | _terms(f"{split}/discriminator", rival)


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """One level of keys, with values that every tracker takes."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value if isinstance(value, bool | int | float | str) else str(value)
    return flat
