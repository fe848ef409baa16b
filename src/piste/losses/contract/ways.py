"""The ways in which a task calls a loss, each with samples, right answers and wrong ones."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor

CLASSES = 3
STRENGTH = 4.0
"""Logit of a confident answer: far from 0, yet short of where a saturated sigmoid stops moving."""


class Way(ABC):
    """How predictions and targets look, and which prediction is right."""

    words: str

    @abstractmethod
    def sample(self, size: Sequence[int], generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw a float64 prediction and its target for N images of the given size, `[N, *S]`."""

    @abstractmethod
    def answers(self, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return a prediction that is right about the target, and one that is wrong everywhere."""

    @abstractmethod
    def other(self, target: Tensor) -> Tensor:
        """Return a target that differs everywhere."""


@final
class Exclusive(Way):
    """One class an element: logits over the classes, the class's number as target."""

    words = "softmax: logits [N, C, *S], target integer [N, *S]"

    def sample(self, size: Sequence[int], generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw normal logits and uniform labels, every class among them."""
        logits = torch.randn(size[0], CLASSES, *size[1:], generator=generator, dtype=torch.float64)
        target = torch.randint(CLASSES, tuple(size), generator=generator)
        target.view(-1)[:CLASSES] = torch.arange(CLASSES)
        return logits, target

    def answers(self, target: Tensor) -> tuple[Tensor, Tensor]:
        """Score the label high, or the class after it."""
        right, wrong = (
            torch.nn.functional.one_hot((target + shift) % CLASSES, CLASSES).movedim(-1, 1).double() for shift in (0, 1)
        )
        return right * STRENGTH, wrong * STRENGTH

    def other(self, target: Tensor) -> Tensor:
        """Move every label to the next class."""
        return (target + 1) % CLASSES


@final
class Independent(Way):
    """Any label an element may have or not: logits and target of one shape, target 0 or 1."""

    words = "sigmoid: logits and target [N, 1, *S], target 0.0 or 1.0"

    def sample(self, size: Sequence[int], generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw normal logits and labels of which a third are 1."""
        shape = (size[0], 1, *size[1:])
        logits = torch.randn(shape, generator=generator, dtype=torch.float64)
        target = (torch.rand(shape, generator=generator, dtype=torch.float64) < 1 / 3).double()
        target.view(-1)[0] = 1.0
        return logits, target

    def answers(self, target: Tensor) -> tuple[Tensor, Tensor]:
        """Give the label's sign, or the other one."""
        right = (2 * target - 1) * STRENGTH
        return right, -right

    def other(self, target: Tensor) -> Tensor:
        """Swap 0 and 1."""
        return 1 - target


@final
class Numbers(Way):
    """Real numbers against real numbers of the same shape."""

    words = "values: prediction and target of one shape, [N, C, *S]"

    def sample(self, size: Sequence[int], generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw normal numbers for both."""
        shape = (size[0], CLASSES, *size[1:])
        prediction, target = (torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(2))
        return prediction, target

    def answers(self, target: Tensor) -> tuple[Tensor, Tensor]:
        """Hit the target, or miss it by one."""
        return target.clone(), target + 1

    def other(self, target: Tensor) -> Tensor:
        """Add two to every number."""
        return target + 2


TASKS: dict[str, tuple[Way, ...]] = {
    "classification": (Exclusive(), Independent()),
    "segmentation": (Exclusive(), Independent()),
    "regression": (Numbers(),),
    "restoration": (Numbers(),),
}
SIZES = {"classification": (7,), "regression": (7,), "segmentation": (2, 7, 5), "restoration": (2, 7, 5)}
"""N images of which size each task's samples are: odd and distinct, so that no two axes can be confused."""
