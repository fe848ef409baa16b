"""The base of losses of shape: one price for each class of each image, of where its probabilities lie."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Literal, TypedDict, get_args

from torch import Tensor

from piste.losses.arguments import Weights, class_id, class_ids, one_of, per_class
from piste.losses.base import Loss, Reduction, reduce
from piste.losses.elements import Activation, counted, fit, product, widen
from piste.losses.regions.areas import over_space
from piste.losses.regions.units import fit_classes, ratio, shares


class ShapeKeywords(TypedDict, total=False):
    """The keywords that every loss of shape takes; see `ShapeLoss`."""

    activation: Activation
    weight: Weights | None
    ignore_index: int | None
    reduction: Reduction
    classes: Literal["all"] | Sequence[int]


class ShapeLoss(Loss):
    """A loss over shapes: what each class of each image costs, averaged over both.

    Called as `loss(logits, target, *, mask=None, sample_weight=None)`, with *S of one to three axes:

    - activation="softmax": logits [N, C, *S]; target integer [N, *S], or probabilities [N, C, *S] that sum to 1.
    - activation="sigmoid": logits and target [N, C, *S]; target bool, integer 0 and 1, or floating in [0, 1].
    - mask (bool, True where an element counts) and sample_weight (>= 0): [N, *S] with softmax, [N, C, *S] with
      sigmoid; any axis may have size 1. An element that does not count is as if outside the image, and has exactly no
      gradient. Only the proportions of sample_weight matter, 0 is as if masked, and an image counts by the mean of
      its weights above 0.

    Args:
        activation: "softmax" for classes that exclude each other, "sigmoid" for independent labels.
        weight: A number >= 0 per class, for the mean over classes.
        ignore_index: Integer targets of this value do not count.
        reduction: "mean" is sum(weight * cost) / sum(weight) over the classes and images that count, 0 if none does;
            "sum"; "none" for one weighted cost a class and image, [N, C].
        classes: "all", or the class ids that are scored. The background's outline is that of all the others, so it
            is often left out.
    """

    _weight: Tensor | None
    _classes: Tensor | None

    def __init__(
        self,
        *,
        activation: Activation = "softmax",
        weight: Weights | None = None,
        ignore_index: int | None = None,
        reduction: Reduction = "mean",
        classes: Literal["all"] | Sequence[int] = "all",
    ) -> None:
        super().__init__()
        self.activation = one_of("activation", activation, get_args(Activation))
        self.weight = weight
        self.ignore_index = class_id("ignore_index", ignore_index)
        self.reduction = one_of("reduction", reduction, get_args(Reduction))
        self.classes = classes
        self.register_buffer("_weight", None if weight is None else per_class("weight", weight), persistent=False)
        self.register_buffer("_classes", class_ids("classes", classes), persistent=False)

    @abstractmethod
    def cost(self, probs: Tensor, truth: Tensor, count: Tensor | None) -> Tensor:
        """Price of each class of each image, [N, C].

        Args:
            probs: Probabilities, [N, C, *S].
            truth: Shares of each class, the same.
            count: What each element counts, the same: 0 where it does not, with a mean of 1 where it does. None where
                all of them count 1.
        """

    def forward(
        self, logits: Tensor, target: Tensor, *, mask: Tensor | None = None, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Cost of the logits; see the class."""
        fit(
            logits,
            target,
            self.activation,
            weight=self._weight,
            ignore_index=self.ignore_index,
            mask=mask,
            sample_weight=sample_weight,
        )
        if not 3 <= logits.dim() <= 5:
            raise ValueError(f"`logits` must have one to three axes of pixels, [N, C, *S]; got {list(logits.shape)}.")
        fit_classes(self.classes, logits)
        logits = widen(logits)
        keep = counted(target, self.ignore_index, mask)
        if self.activation == "softmax":
            keep, sample_weight = (None if each is None else each.unsqueeze(1) for each in (keep, sample_weight))
        truth = shares(target, keep, logits)
        probs = logits.softmax(1) if self.activation == "softmax" else logits.sigmoid()
        weight = self._weight
        if self._classes is not None:
            probs, truth = (each.index_select(1, self._classes) for each in (probs, truth))
            weight = weight if weight is None else weight[self._classes]
        count = product(sample_weight, keep)
        if count is None:
            return reduce(self.cost(probs, truth, None), weight, self.reduction)
        counts = count.detach().to(logits.dtype).expand(logits.shape)
        if self._classes is not None:
            counts = counts.index_select(1, self._classes)
        number, total = over_space((counts > 0).to(counts.dtype)), over_space(counts)
        counts = counts * ratio(number, total).view(*number.shape, *[1] * (logits.dim() - 2))
        share = ratio(total, number)
        cost = self.cost(probs, truth, counts)
        return reduce(cost, share if weight is None else share * weight.to(cost.dtype), self.reduction)
