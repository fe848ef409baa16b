"""Context: what a `loss:` section has to fit."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from piste.balance import ClassCounts


@dataclass(frozen=True)
class Part:
    """One of several outputs of a model, priced by losses of its own.

    Args:
        losses: Names of the losses that suit it.
        activation: What its scores are read with, "softmax" or "sigmoid"; of no meaning for values and boxes.
        default: What prices it where a recipe names nothing, as a recipe writes it; None for nothing.
    """

    losses: Collection[str]
    activation: str = "softmax"
    default: Any = None


@dataclass(frozen=True)
class Context:
    """What is known of the task, the model and the data when losses are chosen.

    Args:
        task: Name of the task, as losses declare it.
        activation: "softmax" or "sigmoid".
        class_names: Names of the classes that the model scores, in the order of its channels.
        counts: How often each of them occurs in the training set; None if that is not known yet.
        metrics: Names of the validation metrics; None if they are not known yet.
        folder: Where the files of custom losses are.
        parts: The parts of the model's prediction by name; none where it is one.
        part: The part that is priced here; None outside of all.
    """

    task: str
    activation: str
    class_names: Sequence[str]
    counts: ClassCounts | None
    metrics: Sequence[str] | None
    folder: Path
    parts: Mapping[str, Part] = field(default_factory=dict)
    part: str | None = None

    def of(self, part: str) -> "Context":
        """What is known where one part of the prediction is priced."""
        return replace(self, part=part, activation=self.parts[part].activation)

    @property
    def priced(self) -> str:
        """What a loss has to suit, in words."""
        return self.task if self.part is None else f"the part {self.part} of {self.task}"

    def suits(self, name: str, tasks: Collection[str]) -> bool:
        """Whether a loss, declared for some tasks, may stand here."""
        return self.task in tasks if self.part is None else name in self.parts[self.part].losses
