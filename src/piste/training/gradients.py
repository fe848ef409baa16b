"""The gradients of one optimizer step, looked at once: their norms serve the log, the clipping and the finite check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from piste.training import processes


@dataclass(frozen=True)
class Norms:
    """How long gradients are, on the device.

    Args:
        names: of the parameters that have one, in the model's order.
        each: the norm of each, 1-d.
        total: the norm of all together, 0-d.
    """

    names: Sequence[str]
    each: Tensor
    total: Tensor

    def first_bad(self) -> str:
        """The parameter where the backward pass first met a value that is not finite.

        The pass runs from the last layer to the first and carries such a value along, so it is the last one here.
        """
        finite = self.each.isfinite().tolist()
        return next(
            name for name, is_finite in zip(reversed(self.names), reversed(finite), strict=True) if not is_finite
        )


class Gradients:
    """The gradients that a model holds.

    Args:
        parameters: by name; those without a gradient are left out, or hold 0 where other processes may have one.
    """

    def __init__(self, parameters: Sequence[tuple[str, nn.Parameter]]) -> None:
        if processes.count() > 1:
            for _, parameter in parameters:
                parameter.grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        held = [(name, parameter) for name, parameter in parameters if parameter.grad is not None]
        self._names = [name for name, _ in held]
        self._parameters = [parameter for _, parameter in held]

    def sum_over_processes(self) -> None:
        """Adds up those of all processes that train together."""
        processes.sum_in_place(self._tensors())

    def divide(self, by: Tensor) -> None:
        """Divides all of them by a 0-d tensor; where that is 0 they are 0 as well, and stay so."""
        torch._foreach_div_(self._tensors(), by.clamp(min=torch.finfo(by.dtype).tiny))

    def norms(self) -> Norms:
        """How long they are."""
        each = torch.stack(torch._foreach_norm(self._tensors()))
        return Norms(self._names, each, torch.linalg.vector_norm(each))

    def clip(self, most: float, norms: Norms) -> None:
        """Scales all of them down together, so that their norm is at most this."""
        torch.nn.utils.clip_grads_with_norm_(self._parameters, most, norms.total)

    def _tensors(self) -> list[Tensor]:
        """Asked for each time and not kept, so that their memory is free as soon as the optimizer lets go of them."""
        return [parameter.grad for parameter in self._parameters if parameter.grad is not None]
