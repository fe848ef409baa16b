"""Tensors that are kept as they come, where a score needs all of them at once."""

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities.data import dim_zero_cat


class Kept(Metric):
    """Named tensors of the batches so far, one after the other; torchmetrics gathers them from all processes.

    Unlike counts they grow with the data, so they are for few numbers a sample.

    Args:
        names: of the tensors.
    """

    full_state_update = False

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.names = names
        for name in names:
            self.add_state(name, [], dist_reduce_fx="cat")

    def update(self, **tensors: Tensor) -> None:
        """Keep one tensor [N, …] of each name."""
        for name, tensor in tensors.items():
            getattr(self, name).append(tensor.detach())

    def compute(self) -> dict[str, Tensor]:
        """The tensors of this process, or of all of them where torchmetrics has just gathered them."""
        kept = {name: getattr(self, name) for name in self.names}
        return {name: dim_zero_cat(values) if len(values) else torch.zeros(0) for name, values in kept.items()}

    def everything(self) -> dict[str, Tensor]:
        """What was kept so far by all processes, on the CPU."""
        return {
            name: value.cpu().reshape(-1) if value.ndim == 0 else value.cpu() for name, value in self.compute().items()
        }
