"""What a task brings to a script that trains the same model in plain PyTorch, without Piste."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ScriptedPart:
    """What losses of one part of a prediction are called with, where it has several.

    Args:
        given: names of a loss's arguments, tensors: logits, target and scale, what each element counts in a sum of
            costs; or others that its code knows.
        call: what stands for each of them in a call, expressions of what the task's `forward` returns.
        activation: softmax or sigmoid.
        classes: scores an element.
        axes: of an image or a row that has a score at each position.
        soft: whether labels lie between 0 and 1.
        beside: what some losses read besides, by name, as `call`.
    """

    given: tuple[str, ...]
    call: tuple[str, ...]
    activation: str = "sigmoid"
    classes: int = 1
    axes: int = 0
    soft: bool = False
    beside: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scripted:
    """A task's part of a script.

    The code defines `Samples(split, epoch)`, a data set whose samples make up batches; `build_model()`;
    `forward(model, *batch)`, which returns what `given` names; and `count(*judged)`, numbers that add up over batches,
    and `scores(counts)`, metrics by name. It may use all constants of the script.

    Args:
        constants: settings, a line or more each: `NAME = value`.
        code: functions and classes, two empty lines between them.
        lists: constants that stand at the end of the script, because they are long: what each split holds.
        given: names of what losses are called with: logits, target and, where some elements don't count, known.
        counted: how many elements of a batch count, as an expression of these names.
        metrics: names of what `scores` returns, those without a class; none where there is no `scores` and `count`.
        activation: softmax or sigmoid; none where there are no classes.
        classes: scores an element.
        axes: of an image that has a score at each position: 2; 0 for scores of whole images.
        collate: name of the function that makes batches; None for torch's own.
        batch: names of what a batch holds.
        order: the order of the training samples as an expression of `samples` and `generator`, a list of numbers.
        kind: type of what `given` names.
        parts: what losses are called with by the part that they price, where a prediction has parts; the names of
            `given` otherwise.
        empty: what the results of `count` are added to.
        judged: names of what `count` is called with, where that is not `given`; it may be what batches hold.
        calls: functions of ours that its code calls, by name; they are written into the script.
        one_by_one: whether samples for validation come one at a time, because they differ in size.
        left: what the run has and the script does without, and what changes no number of the training.
    """

    constants: Sequence[str]
    code: Sequence[str]
    lists: Sequence[str]
    given: tuple[str, ...]
    counted: str
    metrics: tuple[str, ...]
    activation: str = ""
    classes: int = 0
    axes: int = 0
    collate: str | None = None
    batch: tuple[str, ...] = ("images", "target")
    order: str = "torch.randperm(len(samples), generator=generator).tolist()"
    kind: str = "Tensor"
    parts: Mapping[str, ScriptedPart] = field(default_factory=dict)
    empty: str = "0"
    judged: tuple[str, ...] = ()
    calls: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    one_by_one: bool = False
    left: tuple[str, ...] = ()
