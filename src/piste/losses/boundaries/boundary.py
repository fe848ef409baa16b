"""Boundary loss: mean of phi_c(q) p_c(q) over classes c and pixels q, phi the signed distance to the true outline.

To first order it is the area between the predicted and the true outline, each part times its distance from the truth.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, get_args

from torch import Tensor

from piste.losses.arguments import Weights, class_ids, one_of, per_class
from piste.losses.base import Loss, Reduction, reduce
from piste.losses.elements import Activation, along_classes, fit_elements, one_per_class, product, widen
from piste.losses.regions.units import fit_classes
from piste.losses.spec import Case, loss

_HOW = (
    "Make them with piste.losses.signed_distance(labels, classes=C), and add the loss to one of regions under a ramp: "
    "GeneralizedDice() + Ramp(0.01, 1.0, epochs=50) * Boundary()."
)


def as_printed(prob: float, distance: float) -> float:
    """One pixel of one class."""
    return distance * prob


@loss(
    tasks=("segmentation",),
    targets=("maps",),
    source="Kervadec et al. 2019, arXiv:1812.07032",
    value_range=(float("-inf"), float("inf")),
    tendency="neither",
    reference=as_printed,
    unit="element",
    call="maps",
    cases=(
        Case(
            {"activation": "sigmoid"},
            [[[40.0, 0.0, -40.0]]],
            {"distance": [[[-1.0, 1.0, 2.0]]]},
            (-1 + 1 / 2) / 3,
            "p = (1, 1/2, 0): (-1 * 1 + 1 * 1/2 + 2 * 0) / 3",
        ),
        Case(
            {"classes": [1]},
            [[[0.0, 40.0], [0.0, 0.0]]],
            {"distance": [[[-1.0, 1.0], [1.0, -1.0]]]},
            1 / 4,
            "p of class 1 is (1/2, 0): (1 * 1/2 - 1 * 0) / 2",
        ),
    ),
)
class Boundary(Loss):
    """Boundary loss: each pixel that is predicted to be a class pays its distance to the class's true outline.

    Far mistakes cost more than near ones, and what is right is paid for, so that the value is below 0 where the
    prediction is good: do not stop training by it. Alone it likes an empty prediction. It is made to be added to a
    loss of regions, with a factor that grows: `GeneralizedDice() + Ramp(0.01, 1.0, epochs=50) * Boundary()`.

    Called as `loss(logits, target, *, mask=None, sample_weight=None)`:

    - logits [N, C, *S]; target a mapping whose "distance" is floating, [N, C, *S], the maps that
      `signed_distance` makes of the labels; what else it holds, such as "labels" for the other losses of a sum, is
      not read. The value grows with the size of the image, as distances do: divide maps by it to compare.
    - mask (bool, True where an element counts) and sample_weight (>= 0): [N, *S] with softmax, [N, C, *S] with
      sigmoid; any axis may have size 1. An element that does not count has exactly no gradient.

    Args:
        activation: "softmax" for classes that exclude each other, "sigmoid" for independent labels.
        weight: A number >= 0 per class.
        reduction: "mean" is sum(weight * cost) / sum(weight) over what counts, 0 if nothing does; "sum"; "none" for
            one weighted cost a pixel and chosen class, [N, C, *S].
        classes: "all", or the class ids that are scored; the paper leaves the background out.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Kervadec et al. 2019, arXiv:1812.07032. The authors' maps are moved
        by a pixel inside and rounded to integers.

    Example:
        >>> import torch
        >>> from piste.losses import GeneralizedDice, signed_distance
        >>> from piste.objective import Ramp
        >>> labels = torch.tensor([[[0, 1, 1, 0]]])
        >>> maps = signed_distance(labels, classes=2)
        >>> Boundary(classes=[1])(torch.zeros(1, 2, 1, 4), {"distance": maps})
        tensor(0.)
        >>> objective = GeneralizedDice() + Ramp(0.01, 1.0, epochs=50) * Boundary()
    """

    reads: ClassVar[tuple[str, ...]] = ("distance",)

    _weight: Tensor | None
    _classes: Tensor | None

    def __init__(
        self,
        *,
        activation: Activation = "softmax",
        weight: Weights | None = None,
        reduction: Reduction = "mean",
        classes: Literal["all"] | Sequence[int] = "all",
    ) -> None:
        super().__init__()
        self.activation = one_of("activation", activation, get_args(Activation))
        self.weight = weight
        self.reduction = one_of("reduction", reduction, get_args(Reduction))
        self.classes = classes
        self.register_buffer("_weight", None if weight is None else per_class("weight", weight), persistent=False)
        self.register_buffer("_classes", class_ids("classes", classes), persistent=False)

    def forward(
        self,
        logits: Tensor,
        target: Mapping[str, Any],
        *,
        mask: Tensor | None = None,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        """Cost of the logits; see the class."""
        maps = _maps(logits, target)
        if self.activation == "softmax" and logits.shape[1] == 1:
            raise ValueError(
                '`logits` must have two classes or more with activation="softmax", which makes 1 of a single score; '
                f'got {list(logits.shape)}. One foreground class goes with activation="sigmoid".'
            )
        element = logits.shape if self.activation == "sigmoid" else logits.shape[:1] + logits.shape[2:]
        fit_elements(element, mask, sample_weight)
        if self._weight is not None:
            one_per_class("weight", self._weight, logits)
        fit_classes(self.classes, logits)
        if self.activation == "softmax":
            mask, sample_weight = (None if each is None else each.unsqueeze(1) for each in (mask, sample_weight))
        logits = widen(logits)
        cost = (maps if mask is None else maps.where(mask, 0)).to(logits.dtype)
        cost = cost * (logits.softmax(1) if self.activation == "softmax" else logits.sigmoid())
        count = product(sample_weight, mask)
        if self._weight is not None:
            count = product(along_classes(self._weight, logits).unsqueeze(0), count)
        if self._classes is not None:
            cost = cost.index_select(1, self._classes)
            if count is not None and count.shape[1] > 1:
                count = count.index_select(1, self._classes)
        return reduce(cost, count, self.reduction)


def _maps(logits: Tensor, target: Any) -> Tensor:
    """The maps of a target, if they fit the logits."""
    if not isinstance(target, Mapping) or "distance" not in target:
        came = f"a mapping of {sorted(target)}" if isinstance(target, Mapping) else type(target).__name__
        raise ValueError(f'`target` must be a mapping whose "distance" holds maps [N, C, *S]; got {came}. {_HOW}')
    maps: Tensor = target["distance"]
    if logits.dim() < 2 or not logits.is_floating_point():
        raise ValueError(f"`logits` must be floating, [N, C, *S]; got {logits.dtype} {list(logits.shape)}.")
    if maps.shape != logits.shape or not maps.is_floating_point():
        raise ValueError(
            f'`target["distance"]` must be floating, of the shape of `logits`, {list(logits.shape)}; '
            f"got {maps.dtype} {list(maps.shape)}. {_HOW}"
        )
    return maps
