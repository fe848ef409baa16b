"""What every loss is: a final module, built from keywords, that prints itself and can be summed and scaled."""

import inspect
from abc import ABC
from collections.abc import Callable
from importlib import import_module
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from piste.losses.elements import as_numbers, product

Reduction = Literal["mean", "sum", "none"]


def _load_objective(terms: tuple[tuple[Any, Any], ...]) -> Any:
    """The first sum: the objective room is loaded, and fills the hook as it is."""
    import_module("piste.objective")
    return Loss.combine(terms)


class Loss(nn.Module, ABC):
    """A loss: its arguments stand as plain attributes, tensors made of them are buffers, and it keeps no state.

    `a + b` and `0.5 * a` make an objective, through the one hook `combine`.
    """

    combine: ClassVar[Callable[[tuple[tuple[Any, Any], ...]], Any]] = staticmethod(_load_objective)
    """Makes an objective of (factor, loss) pairs; filled by `piste.objective`, so that losses know nothing of it."""

    reads: ClassVar[tuple[str, ...]] = ()
    """What the loss reads of a target that is given by name, besides or instead of "labels"; such a loss is called
    with the whole mapping, every other one in the same objective with its "labels" alone."""

    __signature__: ClassVar[inspect.Signature]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for ancestor in cls.__mro__[1:]:
            if "__final__" in vars(ancestor):
                raise TypeError(f"{ancestor.__name__} is final: build {cls.__name__} on its base, or call it.")
        cls.__signature__ = _signature(cls)

    @property
    def arguments(self) -> dict[str, Any]:
        """The keywords of the constructor, as they stand now."""
        return {name: getattr(self, name) for name in self.__signature__.parameters}

    def __repr__(self) -> str:
        given = []
        for name, value in self.arguments.items():
            if isinstance(value, Tensor):
                given.append(f"{name}={value.tolist()}")
            elif value != self.__signature__.parameters[name].default:
                given.append(f"{name}={value!r}")
        return f"{type(self).__name__}({', '.join(given)})"

    def __add__(self, other: Any) -> Any:
        return Loss.combine(((1.0, self), (1.0, other))) if isinstance(other, Loss) else NotImplemented

    def __mul__(self, factor: Any) -> Any:
        return Loss.combine(((float(factor), self),)) if isinstance(factor, int | float) else NotImplemented

    __rmul__ = __mul__


def _signature(cls: type[Loss]) -> inspect.Signature:
    """The constructor's own keywords, and those of its base where it passes `**common` on."""
    own = list(inspect.signature(cls.__init__).parameters.values())[1:]
    named = [parameter for parameter in own if parameter.kind is not inspect.Parameter.VAR_KEYWORD]
    if len(named) < len(own):
        named += getattr(cls.__mro__[1], "__signature__", inspect.Signature()).parameters.values()
    return inspect.Signature(named)


def reduce(cost: Tensor, count: Tensor | None, reduction: Reduction, *, weight: Tensor | None = None) -> Tensor:
    """Make one number of the costs of all elements.

    Args:
        cost: Cost of each element.
        count: What each element counts, >= 0 or bool, of a shape that broadcasts to the costs; None for 1 each.
        reduction: "mean" for sum(count * cost) / sum(count), 0 where nothing counts; "sum" for the numerator;
            "none" for count * cost.
        weight: Weights that are in the cost already, to be counted in the denominator.

    Returns:
        0-d, or of the shape of `cost` with "none".

    >>> reduce(torch.tensor([1.0, 4.0]), torch.tensor([2.0, 1.0]), "mean")
    tensor(2.)
    """
    if count is not None:
        cost = cost * as_numbers(count, cost)
    if reduction == "none":
        return cost
    if reduction == "sum":
        return cost.sum()
    return cost.sum() / denominator(cost.shape, cost.dtype, count, weight)


def denominator(shape: torch.Size, dtype: torch.dtype, count: Tensor | None, weight: Tensor | None) -> Tensor | int:
    """What the mean of costs divides by, never 0.

    Args:
        shape: Of the costs.
        dtype: Of the costs.
        count: As for `reduce`.
        weight: As for `reduce`.
    """
    counted = product(weight, count)
    if counted is None:
        return max(shape.numel(), 1)
    if counted.dtype == torch.bool:
        return counted.expand(shape).count_nonzero().clamp(min=1)
    return counted.to(dtype).expand(shape).sum().clamp(min=torch.finfo(dtype).tiny)
