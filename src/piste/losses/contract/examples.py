"""Inputs for the contract: small, odd, of distinct sizes, and the same on every call."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from piste.losses.base import Loss
from piste.losses.contract.probes import Value
from piste.losses.contract.promise import Setting

SIZE = (2, 7, 5)
"""N, H, W: with three classes the logits are [2, 3, 7, 5], in which no two axes can be confused."""


@dataclass(frozen=True)
class Example:
    """One call of a loss.

    Args:
        kind: "index", "soft", "labels" (shares in [0, 1]), "hard" (labels 0 and 1 as integers) or "values".
        prediction: Logits, or values.
        target: The target.
        call: Further arguments of the call.
    """

    kind: str
    prediction: Tensor
    target: Tensor
    call: dict[str, Tensor] = field(default_factory=dict)

    @property
    def element_shape(self) -> tuple[int, ...]:
        """The axes that a mask or sample weight has."""
        shape = self.prediction.shape
        return (*shape[:1], *shape[2:]) if self.kind in ("index", "soft") else tuple(shape)

    def over_prediction(self, per_element: Tensor) -> Tensor:
        """Repeat what stands per element to the shape of the prediction."""
        if self.kind in ("index", "soft"):
            per_element = per_element.unsqueeze(1)
        return per_element.expand(self.prediction.shape)

    def to(self, dtype: torch.dtype) -> "Example":
        """Convert all that is floating."""
        call = {name: _to(dtype, given) for name, given in self.call.items()}
        return replace(self, prediction=_to(dtype, self.prediction), target=_to(dtype, self.target), call=call)

    def __str__(self) -> str:
        words = [f"{self.kind} target", f"prediction {list(self.prediction.shape)}"]
        return ", ".join(words + [f"{name} {list(given.shape)}" for name, given in self.call.items()])


def classes_of(setting: Setting, otherwise: int) -> int:
    """Return how many classes a setting speaks of; `otherwise` if it fits any number."""
    lengths = [len(v) for k in setting.keywords if isinstance(v := setting.get(k), list) and k != "classes"]
    return lengths[0] if lengths else otherwise


def kinds_of(setting: Setting) -> list[str]:
    """Return the kinds of target that go with a setting."""
    if setting.activation is None:
        return ["values"]
    if setting.activation == "sigmoid":
        kinds = ["hard", "labels"]
    else:
        kinds = [kind for kind in ("index", "soft") if kind in setting.spec.targets]
    return [kind for kind in kinds if kind in ("index", "hard") or setting.get("ignore_index") is None]


def example(setting: Setting, kind: str, size: Sequence[int] = SIZE, *, classes: int = 3, seed: int = 7) -> Example:
    """Draw logits (or values) and a target of a kind; some targets are the setting's ignore_index."""
    dice = torch.Generator().manual_seed(seed)
    images, *space = size
    shape = (images, classes_of(setting, classes), *space)
    prediction = 2 * torch.randn(shape, generator=dice, dtype=torch.float64)
    other = 2 * torch.randn(shape, generator=dice, dtype=torch.float64)
    target = {
        "index": lambda: other.argmax(1),
        "soft": lambda: other.softmax(1),
        "hard": lambda: (other > 1).long(),
        "labels": lambda: other.sigmoid(),
        "values": lambda: other,
    }[kind]()
    ignored = setting.get("ignore_index")
    if ignored is not None:
        target[torch.rand(target.shape, generator=dice) < 0.3] = ignored
    return Example(kind, prediction, target)


def sparse(drawn: Example) -> Example:
    """Leave class 1 without any element, and the first image without any but those of class 0."""
    target = drawn.target.clone()
    if drawn.kind == "index":
        target[target == 1] = 0
        target[0][target[0] < drawn.prediction.shape[1]] = 0
    elif drawn.kind == "soft":
        target[:, 0] += target[:, 1]
        target[:, 1] = 0
        target[0] = F.one_hot(torch.zeros_like(target[0, 0]).long(), len(target[0])).movedim(-1, 0)
    elif drawn.kind != "values":
        target[:, 1][target[:, 1] <= 1] = 0
        target[0][target[0] <= 1] = 0
    return replace(drawn, target=target)


def calls(drawn: Example, *, seed: int = 11) -> Iterator[Example]:
    """Give an example plain, masked and weighted, with masks and weights of full size and of size-1 axes."""
    dice = torch.Generator().manual_seed(seed)
    full = drawn.element_shape
    mask = torch.rand(full, generator=dice) < 0.6
    weight = 3 * torch.rand(full, generator=dice, dtype=torch.float64)
    per_image = 3 * torch.rand((full[0], *(1 for _ in full[1:])), generator=dice, dtype=torch.float64)
    rows = torch.rand((1, *full[1:]), generator=dice) < 0.6
    last_only = per_image == per_image[-1]
    yield drawn
    yield replace(drawn, call={"mask": mask})
    yield replace(drawn, call={"mask": last_only})
    yield replace(drawn, call={"sample_weight": weight})
    yield replace(drawn, call={"mask": rows, "sample_weight": per_image})
    yield replace(drawn, call={"mask": mask, "sample_weight": weight})


def extremes(
    setting: Setting, kind: str, sizes: Sequence[float] = (0.0, 30.0, 100.0, 1e4)
) -> Iterator[tuple[str, Example]]:
    """Give logits (or values) of extreme sizes with words for them: at random, all right, all wrong, all alike."""
    drawn = example(setting, kind)
    prediction, target = drawn.prediction, drawn.target
    if kind == "index":
        known = target.where(target < prediction.shape[1], 0)
        right = F.one_hot(known, prediction.shape[1]).movedim(-1, 1) - 0.5
    else:
        right = target - (0.0 if kind == "values" else 0.5)
    wrong = right.roll(1, 1) if kind == "index" else -right
    signs = {"mixed": prediction.sign(), "right": right.sign(), "wrong": wrong.sign()}
    for size in sizes:
        for words, sign in signs.items():
            yield f"{words}, of size {size:g}", replace(drawn, prediction=sign.double() * size)
    ahead = torch.zeros_like(prediction).index_fill(1, torch.tensor(0), 1e4)
    yield "those of one class far ahead everywhere", replace(drawn, prediction=ahead)
    if kind == "values":
        yield "exactly the target", replace(drawn, prediction=target.clone())


def value(loss: Loss, drawn: Example) -> Tensor:
    """Call a loss on an example."""
    result: Tensor = loss(drawn.prediction, drawn.target, **drawn.call)
    return result


def bound(loss: Loss, drawn: Example) -> Value:
    """Make a loss a function of the prediction alone."""
    return lambda prediction: value(loss, replace(drawn, prediction=prediction))


def _to(dtype: torch.dtype, given: Tensor) -> Tensor:
    return given.to(dtype) if given.is_floating_point() else given
