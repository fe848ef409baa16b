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
        reduction: What its losses make of the costs of elements; "sum" where the batch brings weights that are shares.
        reads: Forms of it other than the plain one, by the losses that are handed these: with `{"box_iou": "corners"}`
            that loss prices "box.corners" of a prediction, and all others "box".
        covers: Parts that its losses price too: where one of these is named alone, its default does not apply, and
            where it is priced, theirs do not.
        class_names: What its channels score, where that is not the classes of the task.
    """

    losses: Collection[str]
    activation: str = "softmax"
    default: Any = None
    reduction: str = "mean"
    reads: Mapping[str, str] = field(default_factory=dict)
    covers: Collection[str] = ()
    class_names: Sequence[str] | None = None

    def form(self, part: str, loss: str) -> str:
        """What a loss of this part, by their names, prices of a prediction."""
        return f"{part}.{self.reads[loss]}" if loss in self.reads else part


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
        own = self.parts[part]
        inside = replace(self, part=part, activation=own.activation)
        return inside if own.class_names is None else replace(inside, class_names=own.class_names, counts=None)

    @property
    def priced(self) -> str:
        """What a loss has to suit, in words."""
        return self.task if self.part is None else f"the part {self.part} of {self.task}"

    def suits(self, name: str, tasks: Collection[str]) -> bool:
        """Whether a loss, declared for some tasks, may stand here."""
        return self.task in tasks if self.part is None else name in self.parts[self.part].losses
