"""What the contract knows of a way of calling losses: what goes in, what is extreme, and what should come out."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from torch import Tensor

from piste.losses.base import Loss
from piste.losses.contract.probes import Value
from piste.losses.spec import Case

if TYPE_CHECKING:
    from piste.losses.contract.promise import Setting

Size = Literal["small", "usual", "large"]
"""For finite differences; for most promises; more numbers than float16 can count (65504)."""


@dataclass(frozen=True)
class Example:
    """One call of a loss.

    Args:
        form: How losses of its kind are called.
        kind: Which of the form's kinds of input it is.
        prediction: What the gradient goes to; a form that differentiates several tensors packs them into this one.
        target: What it is held against: a tensor, several in a tuple or by name, or None.
        call: Further arguments of the call.
    """

    form: "Form"
    kind: str
    prediction: Tensor
    target: Any = None
    call: dict[str, Tensor] = field(default_factory=dict)

    @property
    def element_shape(self) -> tuple[int, ...]:
        """The axes that a mask or sample weight has: those of the prediction but the one that an element spreads on."""
        axis, shape = self.form.axis(self.kind), list(self.prediction.shape)
        if axis is not None:
            del shape[axis]
        return tuple(shape)

    def over_prediction(self, per_element: Tensor) -> Tensor:
        """Repeat what stands per element to the shape of the prediction."""
        axis = self.form.axis(self.kind)
        return (per_element if axis is None else per_element.unsqueeze(axis)).expand(self.prediction.shape)

    def to(self, dtype: torch.dtype) -> "Example":
        """Convert all that is floating."""
        call = {name: _to(dtype, given) for name, given in self.call.items()}
        return replace(self, prediction=_to(dtype, self.prediction), target=_to(dtype, self.target), call=call)

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor that goes in, by name."""
        targets = self.target if isinstance(self.target, dict) else {"target": self.target}
        if isinstance(self.target, tuple):
            targets = {f"target {i}": each for i, each in enumerate(self.target)}
        named = {"prediction": self.prediction, **targets, **self.call}
        return {name: each for name, each in named.items() if isinstance(each, Tensor)}

    def calls(self, *, seed: int = 11) -> Iterator["Example"]:
        """The example plain, then masked and weighted, by masks and weights of full size and of size-1 axes."""
        dice = torch.Generator().manual_seed(seed)
        full = self.element_shape
        mask = torch.rand(full, generator=dice) < 0.6
        weight = 3 * torch.rand(full, generator=dice, dtype=torch.float64)
        per_image = 3 * torch.rand((full[0], *(1 for _ in full[1:])), generator=dice, dtype=torch.float64)
        rows = torch.rand((1, *full[1:]), generator=dice) < 0.6
        last_only = per_image == per_image[-1]
        for call in (
            {},
            {"mask": mask},
            {"mask": last_only},
            {"sample_weight": weight},
            {"mask": rows, "sample_weight": per_image},
            {"mask": mask, "sample_weight": weight},
        ):
            if call.keys() <= self.form.takes:
                yield replace(self, call={**self.call, **call})

    def __str__(self) -> str:
        words = [f"{self.kind} target", f"prediction {list(self.prediction.shape)}"]
        return ", ".join(words + [f"{name} {list(given.shape)}" for name, given in self.call.items()])


class Form(ABC):
    """A way of calling losses.

    Attributes:
        takes: Which of `mask` and `sample_weight` a call takes.
    """

    takes: ClassVar[frozenset[str]]

    @abstractmethod
    def kinds(self, setting: "Setting") -> list[str]:
        """Kinds of input that go with a setting."""

    @abstractmethod
    def axis(self, kind: str) -> int | None:
        """The axis of the prediction that one element spreads over; None if each number is an element."""

    @abstractmethod
    def example(self, setting: "Setting", kind: str, size: Size) -> Example:
        """Draw an input in float64, the same on every call, of odd sizes that cannot be confused."""

    @abstractmethod
    def examples(self, setting: "Setting", kind: str) -> Iterator[Example]:
        """Inputs of the usual size on which the loss should be what the reference says: rich ones and sparse ones."""

    @abstractmethod
    def extremes(self, setting: "Setting", kind: str, sizes: tuple[float, ...]) -> Iterator[tuple[str, Example]]:
        """Inputs of extreme sizes, or extreme in another way, with words for them."""

    @abstractmethod
    def misfits(self, drawn: Example) -> Iterator[tuple[str, Example]]:
        """Calls that cannot mean anything, though some would broadcast, with words for what is wrong."""

    @abstractmethod
    def of_case(self, case: Case) -> Example:
        """A worked case as an input in float64."""

    @abstractmethod
    def value(self, loss: Loss, drawn: Example) -> Tensor:
        """Call the loss."""

    @abstractmethod
    def plain(self, setting: "Setting", drawn: Example) -> Tensor:
        """What the loss should give by its spec's reference, in float64.

        Raises:
            ValueError: The reference takes the logarithm of a probability that is 0, or the like.
        """


def value(loss: Loss, drawn: Example) -> Tensor:
    """Call a loss on an example."""
    return drawn.form.value(loss, drawn)


def bound(loss: Loss, drawn: Example) -> Value:
    """Make a loss a function of the prediction alone."""
    return lambda prediction: value(loss, replace(drawn, prediction=prediction))


def _to(dtype: torch.dtype, given: Any) -> Any:
    """Convert the floating tensors among what is given."""
    if isinstance(given, Tensor):
        return given.to(dtype) if given.is_floating_point() else given
    if isinstance(given, dict):
        return {name: _to(dtype, each) for name, each in given.items()}
    return tuple(_to(dtype, each) for each in given) if isinstance(given, tuple) else given
