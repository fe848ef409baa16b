"""What is compared: a loss on an input, torch's own beside it, and other people's losses that compute the same."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from piste.losses import Loss, catalogue

Call = Callable[..., Tensor]
OURS = "piste"


@dataclass(frozen=True)
class Inputs:
    """One draw: tensors that get a gradient, and what else a loss is called with."""

    leaves: tuple[Tensor, ...]
    aim: tuple[Any, ...]

    @property
    def leaf_bytes(self) -> int:
        """Bytes of what gets a gradient; of the logits, for most."""
        return _bytes(self.leaves)

    @property
    def floor_bytes(self) -> int:
        """Bytes that must move: all is read by the forward and by the backward pass, and the gradient is written."""
        return 2 * (self.leaf_bytes + _bytes(self.aim)) + self.leaf_bytes

    def fresh(self) -> tuple[Tensor, ...]:
        """The leaves, sharing their memory, ready for a gradient; class ids get none."""
        return tuple(leaf.detach().requires_grad_(leaf.is_floating_point()) for leaf in self.leaves)

    def to(self, device: str) -> "Inputs":
        """The same numbers on a device."""
        return Inputs(_to(self.leaves, device), _to(self.aim, device))


def _bytes(values: Any) -> int:
    if isinstance(values, Tensor):
        return values.numel() * values.element_size()
    if isinstance(values, dict):
        values = tuple(values.values())
    return sum(map(_bytes, values)) if isinstance(values, tuple | list) else 0


def _to(values: Any, device: str) -> Any:
    if isinstance(values, Tensor):
        return values.to(device)
    if isinstance(values, dict):
        return {name: _to(value, device) for name, value in values.items()}
    return tuple(_to(value, device) for value in values) if isinstance(values, tuple | list) else values


Draw = Callable[[torch.Generator], Inputs]


@dataclass(frozen=True)
class Entrant:
    """Someone's way to compute a loss.

    Args:
        name: Whose.
        call: Called with the leaves and then what else a draw holds, as `convert` leaves it; this is timed.
        convert: Brings that into the form which this entrant wants, outside the clock.
        factor: What its value must be multiplied by to be ours, where means are taken otherwise.
        differs: In what it computes something else; then its value is not compared with ours.
        slope: How far its gradient may be from ours, as a share, where it is known to lose digits.
        eager_only: Not compiled, since it leaves torch.
    """

    name: str
    call: Call
    convert: Callable[..., tuple[Any, ...]] = lambda *aim: aim
    factor: float = 1.0
    differs: str = ""
    slope: float = 0.0
    eager_only: bool = False


@dataclass(frozen=True)
class Limits:
    """What is asked of ours, in forward and backward.

    Args:
        native: At most so many times the native reference, eager.
        compiled: Compiled, at most so many times the eager native reference.
        peak: At most so much extra memory, in units of what gets a gradient.
        faster: So many times faster than every peer whose name begins so.
        extra: At most so many times the time of the same loss without masks and weights.
    """

    native: float | None = None
    compiled: float | None = None
    peak: float | None = None
    faster: tuple[str, float] | None = None
    extra: float | None = None


@dataclass(frozen=True)
class Setting:
    """What a loss is called on.

    Args:
        name: In words, with shapes.
        draw: Draws it.
    """

    name: str
    draw: Draw


@dataclass(frozen=True)
class Row:
    """One comparison.

    Args:
        loss: The loss, or a function that is measured beside the losses.
        setting: On what.
        native: What torch has of that kind; a yardstick, which need not compute the same.
        peers: Who computes the same.
        limits: What is asked.
        call: How the loss is called, where it is not loss(*leaves, *aim).
        plain: The same loss without masks and weights, where those are what is measured.
        words: The loss as one would write it, where it does not print itself in a line.
        compiled: Whether it is also measured compiled.
        main: Whether it is in the plot; variants are not.
    """

    loss: Any
    setting: Setting
    native: Entrant
    peers: tuple[Entrant, ...] = ()
    limits: Limits = Limits()
    call: Call | None = None
    plain: Entrant | None = None
    words: str = ""
    compiled: bool = False
    main: bool = True

    @property
    def what(self) -> str:
        """The loss as one would write it."""
        return self.words or (repr(self.loss) if isinstance(self.loss, Loss) else f"{self.loss.__name__}()")

    @property
    def name(self) -> str:
        """The loss's name in the catalogue."""
        names = {spec.cls: name for name, spec in catalogue().items()}
        return names[type(self.loss)] if isinstance(self.loss, Loss) else str(self.loss.__name__)

    @property
    def key(self) -> str:
        """Its name in the notes and in the file of numbers."""
        return f"{self.what}, {self.setting.name}"

    @property
    def ours(self) -> Entrant:
        """Our entrant."""
        return Entrant(OURS, self.loss if self.call is None else self.call)

    @property
    def entrants(self) -> dict[str, Entrant]:
        """All of them by name; the native reference is there once, also where it is a peer."""
        plain = () if self.plain is None else (self.plain,)
        return {entrant.name: entrant for entrant in (self.ours, *plain, self.native, *self.peers)}
