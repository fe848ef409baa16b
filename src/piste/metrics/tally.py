"""Counts that add up over batches, and over processes when training is distributed."""

import torch
from torch import Tensor
from torchmetrics import Metric


class Tally(Metric):
    """Named integer tensors that only ever grow; torchmetrics sums them over the processes when they are read.

    Args:
        shapes: name -> shape.
    """

    full_state_update = False

    def __init__(self, **shapes: tuple[int, ...]) -> None:
        super().__init__()
        self.shapes = shapes
        for name, shape in shapes.items():
            self.add_state(name, torch.zeros(shape, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, **increments: Tensor) -> None:
        """Add to each named count."""
        for name, increment in increments.items():
            getattr(self, name).add_(increment)

    def compute(self) -> dict[str, Tensor]:
        """The counts of this process, or of all of them where torchmetrics has just summed them."""
        return {name: getattr(self, name) for name in self.shapes}

    def totals(self) -> dict[str, Tensor]:
        """The counts so far over all processes, on the CPU, in their own shapes."""
        # `compute`, as torchmetrics wraps it, drops the axes of a tensor with one element
        return {name: value.cpu().reshape(self.shapes[name]) for name, value in self.compute().items()}
