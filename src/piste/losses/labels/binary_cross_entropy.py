"""Binary cross-entropy: -(w y log p + (1 - y) log(1 - p)), with w the weight of a positive.

With label smoothing e the label y becomes (1 - e) y + e / 2.
"""

from collections.abc import Sequence
from math import log
from typing import Literal

from torch import Tensor

from piste.losses.arguments import Weights, number, per_class
from piste.losses.base import Reduction
from piste.losses.elements import along_classes, one_per_class
from piste.losses.labels.base import LabelLoss
from piste.losses.spec import Between, Case, Tendency, loss


def as_printed(probs: list[float], target: list[float], pos_weight: float, label_smoothing: float) -> float:
    """One element: the pairs [1 - p, p] and [1 - y, y]."""
    negative, positive = ((1 - label_smoothing) * y + label_smoothing / 2 for y in target)
    return -pos_weight * positive * log(probs[1]) - negative * log(probs[0])


def _leaning(pos_weight: float | Weights) -> Tendency:
    if isinstance(pos_weight, Sequence | Tensor) or pos_weight == 1:
        return "neither"
    return "recall" if pos_weight > 1 else "precision"


@loss(
    tasks=("classification", "segmentation", "detection"),
    targets=("labels",),
    source="Good 1952, Rational Decisions; label smoothing: Szegedy et al. 2016, arXiv:1512.00567, section 7",
    value_range=(0.0, float("inf")),
    tendency=_leaning,
    search={"pos_weight": Between(1.0, 100.0, log=True), "label_smoothing": Between(0.0, 0.2)},
    reference=as_printed,
    variants=({"pos_weight": 3.0}, {"pos_weight": [1.0, 3.0, 0.5]}, {"label_smoothing": 0.1}),
    cases=(
        Case({}, [[log(3)]], [[0]], log(4), "p = 3/4 and the label is 0: -ln(1 - 3/4)"),
        Case(
            {"pos_weight": 3.0},
            [[log(3)], [0.0]],
            [[1], [0]],
            (3 * log(4 / 3) + log(2)) / 2,
            "the positive, p = 3/4, costs 3 times -ln 3/4; the negative, p = 1/2, -ln 1/2; their mean is over 2",
        ),
        Case(
            {"label_smoothing": 0.5},
            [[log(3)]],
            [[1.0]],
            0.75 * log(4 / 3) + 0.25 * log(4),
            "the label 1 becomes 3/4; p = 3/4",
        ),
    ),
)
class BinaryCrossEntropy(LabelLoss):
    """Binary cross-entropy of independent labels, with a weight on positives that trades precision for recall.

    Equal to `torch.nn.BCEWithLogitsLoss`, except that with `weight` the mean divides by the sum of weights.

    Args:
        pos_weight: Factor >= 0 on what a positive costs, or one per class. Raising it buys recall. The mean does not
            divide by it.
        label_smoothing: Share of each label that is spread evenly over 0 and 1, in [0, 1].
        activation: "sigmoid" alone; exclusive classes go with `CrossEntropy`.
        weight: A number >= 0 per class.
        ignore_index: Integer targets of this value do not count.
        reduction: "mean", "sum" or "none", as in `LabelLoss`.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Good 1952, Rational Decisions.

    Example:
        >>> import torch
        >>> BinaryCrossEntropy(pos_weight=9.0)(torch.zeros(1, 1, 2, 2), torch.eye(2).view(1, 1, 2, 2))
        tensor(3.4657)
    """

    _pos_weight: Tensor | None

    def __init__(
        self,
        *,
        pos_weight: float | Weights = 1.0,
        label_smoothing: float = 0.0,
        activation: Literal["sigmoid"] = "sigmoid",
        weight: Weights | None = None,
        ignore_index: int | None = None,
        reduction: Reduction = "mean",
    ) -> None:
        if activation != "sigmoid":
            raise ValueError(
                f'`activation` must be "sigmoid", for independent labels; got {activation!r}. '
                "Exclusive classes go with CrossEntropy."
            )
        super().__init__(activation=activation, weight=weight, ignore_index=ignore_index, reduction=reduction)
        if isinstance(pos_weight, Sequence | Tensor):
            self.pos_weight: float | Weights = pos_weight
            self.register_buffer("_pos_weight", per_class("pos_weight", pos_weight), persistent=False)
        else:
            self.pos_weight = number("pos_weight", pos_weight, "a factor (or a list of one per class)", low=0.0)
            self.register_buffer("_pos_weight", None, persistent=False)
        self.label_smoothing = number("label_smoothing", label_smoothing, "a share", low=0.0, high=1.0)

    def phi(self, log_p: Tensor) -> Tensor:
        """Price the log-probability of the truth."""
        return -log_p

    def pace(self, log_p: Tensor, log_q: Tensor | None) -> tuple[Tensor, Tensor | float]:
        """The same, and how fast it falls."""
        return log_p.neg_(), 1.0

    def sides(self, logits: Tensor) -> tuple[float | Tensor, float | Tensor] | None:
        """Positives cost more by their weight."""
        if self._pos_weight is not None:
            one_per_class("pos_weight", self._pos_weight, logits)
            return 1.0, along_classes(self._pos_weight, logits)
        assert isinstance(self.pos_weight, int | float)
        return None if self.pos_weight == 1 else (1.0, self.pos_weight)
