"""Hard mining: the mean of a loss over the elements that it finds hardest."""

from math import ceil, log
from typing import Any

import torch
from torch import Tensor

from piste.losses.arguments import number
from piste.losses.base import Loss, reduce
from piste.losses.elements import Activation, counted, element_weight, known_target, product, widen
from piste.losses.labels.base import LabelLoss
from piste.losses.labels.cross_entropy import CrossEntropy
from piste.losses.labels.divergence import DivergenceLoss
from piste.losses.labels.focal import Focal
from piste.losses.labels.independent import IndependentLoss
from piste.losses.labels.quadratic import Quadratic
from piste.losses.spec import Between, Case, loss, spec_of

_OF_LABELS = LabelLoss | DivergenceLoss | IndependentLoss | Quadratic


def as_printed(
    probs: list[list[float]],
    target: list[list[float]],
    element_weight: list[list[float]],
    activation: Activation,
    loss: Loss | None,
    keep: float,
) -> float:
    """The batch: with softmax an element is a position, with sigmoid a choice between not and yes."""
    inner = CrossEntropy() if loss is None else loss
    spec = spec_of(inner)
    hyper: dict[str, Any] = {name: inner.arguments[name] for name in spec.hyper}
    priced = []
    for p, y, w in zip(probs, target, element_weight, strict=True):
        element = [(p, y, w[0])]
        if activation == "sigmoid":
            element = [([1 - a, a], [1 - b, b], c) for a, b, c in zip(p, y, w, strict=True)]
        priced += [(spec.reference(a, b, **hyper), c) for a, b, c in element if c]
    if not priced:
        return 0.0
    hardest = sorted((cost for cost, _ in priced), reverse=True)
    least = hardest[ceil(keep * len(hardest)) - 1]
    kept = [(cost, weight) for cost, weight in priced if cost >= least]
    return sum(cost * weight for cost, weight in kept) / sum(weight for _, weight in kept)


@loss(
    tasks=("segmentation", "classification", "detection"),
    targets=("index", "soft"),
    source="Shrivastava et al. 2016, arXiv:1604.03540; of pixels: Wu et al. 2016, arXiv:1605.06885",
    value_range=(0.0, float("inf")),
    tendency="neither",
    search={"keep": Between(0.1, 1.0)},
    reference=as_printed,
    unit="whole",
    variants=({"loss": Focal(gamma=2.0), "keep": 0.5}, {"keep": 1.0}),
    cases=(
        Case(
            {"keep": 0.5},
            [[log(3), 0.0], [log(3), 0.0], [0.0, 0.0]],
            [1, 0, 0],
            (log(4) + log(2)) / 2,
            "-ln 1/4, -ln 3/4 and -ln 1/2; half of 3, rounded up, are the 2 that cost most",
        ),
        Case(
            {},
            [[log(3), 0.0], [log(3), 0.0], [0.0, 0.0]],
            [1, 0, 0],
            log(2),
            "the first is masked; a quarter of 2, rounded up, is 1: -ln 1/2 before -ln 3/4",
            {"mask": [False, True, True]},
        ),
    ),
)
class HardMining(Loss):
    """Online hard example mining: a loss that listens to the hardest elements of each batch alone.

    How hard an element is does not depend on the weight of its class nor on `sample_weight`; among those kept the
    mean is sum(weight * cost) / sum(weight). Elements as hard as the last that is kept are kept too. Where labels are
    wrong the hardest elements are the wrong ones.

    Called as the loss inside, whose activation, weight and ignore_index hold.

    Args:
        loss: A loss of labels with reduction="mean", such as `Focal`; None for `CrossEntropy()`. It is left as it is.
        keep: Share of the elements that count which is kept, rounded up, 0 < keep <= 1; 1 is the loss inside.
            Lowering it turns to what is rare and hard.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Shrivastava et al. 2016, arXiv:1604.03540, of regions of an image; of pixels, as here, Wu et al. 2016,
        arXiv:1605.06885.

    Example:
        >>> import torch
        >>> HardMining(keep=0.5)(torch.tensor([[9.0, 0.0], [0.0, 0.0]]), torch.tensor([0, 0]))
        tensor(0.6931)
    """

    def __init__(self, *, loss: _OF_LABELS | None = None, keep: float = 0.25) -> None:
        super().__init__()
        inner = CrossEntropy() if loss is None else loss
        if not isinstance(inner, _OF_LABELS) or inner.reduction != "mean":
            raise ValueError(f'`loss` must be a loss of labels with reduction="mean", such as Focal(); got {loss!r}.')
        self.loss = loss
        self.keep = number("keep", keep, "a share", above=0.0, high=1.0)
        self._each: _OF_LABELS = type(inner)(**{**inner.arguments, "reduction": "none"})

    @property
    def activation(self) -> Activation:
        """How the loss inside turns scores into probabilities."""
        return self._each.activation

    @property
    def ignore_index(self) -> int | None:
        """What the loss inside ignores."""
        return self._each.ignore_index

    def forward(
        self, logits: Tensor, target: Tensor, *, mask: Tensor | None = None, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Cost of the hardest elements; see the class."""
        cost: Tensor = self._each(logits, target, mask=mask, sample_weight=sample_weight)
        if cost.numel() == 0:
            return cost.sum()
        known = counted(target, self.ignore_index, mask)
        truth = known_target(target, known, self.activation)
        per_class = element_weight(self._each._weight, widen(logits), truth, self.activation)
        weights = product(per_class, sample_weight, known)
        weight = torch.ones_like(cost) if weights is None else weights.to(cost.dtype).expand_as(cost)
        counts = weight > 0
        hardness = torch.where(counts, cost.detach() / weight, -torch.inf)
        most = ceil(cost.numel() * self.keep)
        number_kept = (counts.sum() * self.keep - 1e-4).ceil().long().clamp(1, most)  # 15.000001 is 15 in float32
        # compiled, a size that goes with `keep` would be compiled anew when that moves
        ordered = hardness.flatten().topk(cost.numel() if torch.compiler.is_compiling() else most).values
        least = ordered.gather(0, number_kept.view(1) - 1)
        return reduce(cost, hardness >= least, "mean", weight=weight)
