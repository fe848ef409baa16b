"""Context: what a `loss:` section has to fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from piste.balance import ClassCounts


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
    """

    task: str
    activation: str
    class_names: Sequence[str]
    counts: ClassCounts | None
    metrics: Sequence[str] | None
    folder: Path
