"""Whether two entrants compute the same: nobody is timed computing something else."""

import torch
from torch import Tensor

from .row import Entrant, Inputs

VALUE, SLOPE = 1e-3, 1e-3
"""Tolerances, as shares: of the value, and of the norm of the gradient. All compute in float32, some of them by sums of
ten million numbers one after the other; who takes another mean, or leaves something out, is further away."""


class ComputesSomethingElseError(Exception):
    """An entrant's value or gradient is not ours."""


def outcome(entrant: Entrant, inputs: Inputs) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Value and gradients of an entrant, in the units of ours."""
    leaves = inputs.fresh()
    value = entrant.call(*leaves, *entrant.convert(*inputs.aim))
    slopes = torch.autograd.grad(value, leaves) if value.requires_grad else ()
    return entrant.factor * value.detach().double(), tuple(entrant.factor * slope.double() for slope in slopes)


def compare(entrant: Entrant, inputs: Inputs, expected: tuple[Tensor, tuple[Tensor, ...]]) -> float:
    """How far an entrant is from ours, the larger of value and gradient, as a share.

    Raises:
        ComputesSomethingElseError: It is further than the tolerance, or has no gradient where ours has one.
    """
    got = outcome(entrant, inputs)
    if len(got[1]) != len(expected[1]):
        raise ComputesSomethingElseError(f"{len(got[1])} gradients instead of {len(expected[1])}")
    pairs = [("value", got[0], expected[0], VALUE)]
    pairs += [("gradient", a, b, max(SLOPE, entrant.slope)) for a, b in zip(got[1], expected[1], strict=True)]
    worst = 0.0
    for what, theirs, here, tolerance in pairs:
        if theirs.shape != here.shape:
            shapes = f"{list(theirs.shape)}, ours {list(here.shape)}"
            raise ComputesSomethingElseError(f"its {what} has shape {shapes}")
        apart = float((theirs - here).norm() / here.norm().clamp(min=1e-12))
        if not apart <= tolerance:  # NaN is not
            raise ComputesSomethingElseError(f"its {what} is {apart:.1%} away")
        worst = max(worst, apart)
    return worst
