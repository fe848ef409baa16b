"""MultiBox loss of SSD: (sum of cross-entropies + alpha * sum of smooth L1) / number of positives.

The cross-entropies are those of the positives and, in each image, of the hardest negatives: `neg_pos_ratio` times as
many as it has positives. Smooth L1 is that of the positives' offsets.
"""

from math import log

import torch
from torch import Tensor
from torch.nn import functional as F

from piste.losses.arguments import number
from piste.losses.base import Loss
from piste.losses.boxes import box_l1
from piste.losses.elements import widen
from piste.losses.spec import Between, Case, loss


def as_printed(
    probs: list[list[list[float]]],
    offsets: list[list[list[float]]],
    labels: list[list[int]],
    target_offsets: list[list[list[float]]],
    neg_pos_ratio: float,
    alpha: float,
    beta: float,
    min_negatives: int,
) -> float:
    """A batch, image by image and prior by prior."""
    cost, positives = 0.0, 0
    for image, truth in enumerate(labels):
        negatives = []
        for prior, label in enumerate(truth):
            surprise = -log(probs[image][prior][label])
            if label == 0:
                negatives.append(surprise)
            else:
                cost += surprise
                cost += alpha * box_l1.as_printed(offsets[image][prior], target_offsets[image][prior], beta)
        found = len(truth) - len(negatives)
        positives += found
        wanted = max(neg_pos_ratio * found, min_negatives)
        cost += sum(c for rank, c in enumerate(sorted(negatives, reverse=True)) if rank < wanted)
    return cost / max(positives, 1)


@loss(
    tasks=("detection",),
    call="anchors",
    source="Liu et al. 2016, arXiv:1512.02325, eq. 1 to 3",
    value_range=(0.0, float("inf")),
    tendency="neither",
    search={"neg_pos_ratio": Between(1.0, 5.0), "alpha": Between(0.5, 2.0)},
    reference=as_printed,
    variants=({"neg_pos_ratio": 0.5, "alpha": 2.0}, {"beta": 0.1, "min_negatives": 2}),
    cases=(
        Case(
            {"neg_pos_ratio": 1.0},
            ([[[0.0, 0.0], [0.0, 0.0], [log(3), 0.0]]], [[[2.0, 0.0, 0.0, 0.5], [9.0] * 4, [9.0] * 4]]),
            {"labels": [[1, 0, 0]], "target_offsets": [[[0.0] * 4] * 3]},
            2 * log(2) + 1.5 + 0.125,
            "the positive costs ln 2, its offsets are off by 2 and 1/2; of the negatives, ln 2 and ln 4/3, one counts",
        ),
        Case(
            {"min_negatives": 1},
            ([[[0.0, 0.0], [log(3), 0.0]]] * 2, [[[0.0] * 4] * 2] * 2),
            {"labels": [[1, 1], [0, 0]], "target_offsets": [[[0.0] * 4] * 2] * 2},
            (log(2) + log(4) + log(2)) / 2,
            "two positives, ln 2 and ln 4, and no negatives beside them; the image without objects lends ln 2",
        ),
    ),
)
class MultiBox(Loss):
    """MultiBox loss of SSD: cross-entropy on the positives and on the hardest negatives, smooth L1 on the positives.

    Called as `loss(logits, offsets, labels, target_offsets)` with P priors an image: logits [N, P, C], of which class 0
    is the background; offsets [N, P, 4] to the priors, in units of their spread (SSD divides by variances 0.1 and
    0.2); labels [N, P], integers, 0 for what was matched to nothing; target_offsets [N, P, 4], of which those of
    negatives may be anything.

    The sum is divided by the positives of the batch, and by 1 if there are none. Negatives are chosen by their
    cross-entropy, image by image, so that what an image adds does not depend on the others.

    Args:
        neg_pos_ratio: Negatives a positive, >= 0, rounded up; 3 in the paper. Raising it buys precision.
        alpha: Price of the offsets beside that of the classes, > 0; 1 in the paper.
        beta: Size of error up to which it is squared, >= 0, as in `BoxL1`.
        min_negatives: Negatives of every image at least, >= 0. At 0, as in the paper, an image without objects teaches
            nothing; raising it buys precision on such images.

    Raises:
        ValueError: An argument breaks its rule.

    Source: Liu et al. 2016, arXiv:1512.02325, eq. 1 to 3.

    Example:
        >>> logits, offsets, labels = torch.zeros(1, 8, 3), torch.zeros(1, 8, 4), torch.tensor([[1] + [0] * 7])
        >>> MultiBox()(logits, offsets, labels, offsets)
        tensor(4.3944)
    """

    def __init__(
        self, *, neg_pos_ratio: float = 3.0, alpha: float = 1.0, beta: float = 1.0, min_negatives: int = 0
    ) -> None:
        super().__init__()
        self.neg_pos_ratio = number("neg_pos_ratio", neg_pos_ratio, "a number of negatives", low=0.0)
        self.alpha = number("alpha", alpha, "a price", above=0.0)
        self.beta = number("beta", beta, "a size of error", low=0.0)
        self.min_negatives = number("min_negatives", min_negatives, "a number of negatives", low=0.0)

    def forward(self, logits: Tensor, offsets: Tensor, labels: Tensor, target_offsets: Tensor) -> Tensor:
        """Cost of logits and offsets; see the class."""
        _fit(logits, offsets, labels, target_offsets)
        logits, offsets = widen(logits), widen(offsets)
        positive = labels > 0
        surprise = F.cross_entropy(logits.flatten(0, 1), labels.flatten().long(), reduction="none").view(labels.shape)
        hardest = surprise.where(~positive, 0).sort(1, descending=True).values  # what is positive comes last, as 0
        found = positive.sum(1, keepdim=True)
        wanted = (self.neg_pos_ratio * found).clamp(min=self.min_negatives)
        mined = hardest.where(torch.arange(labels.shape[1], device=labels.device) < wanted, 0)
        moved, truth = (each.where(positive.unsqueeze(2), 0) for each in (offsets, target_offsets.to(offsets.dtype)))
        misplaced = box_l1.smooth_l1(moved, truth, self.beta, "sum")
        cost = surprise.where(positive, 0).sum() + mined.sum() + self.alpha * misplaced
        return cost / found.sum().clamp(min=1)


def _fit(logits: Tensor, offsets: Tensor, labels: Tensor, target_offsets: Tensor) -> None:
    """Refuse what does not fit together, by shape and dtype alone."""
    if logits.dim() != 3 or not logits.is_floating_point():
        raise ValueError(f"`logits` must be floating, [N, P, C]; got {logits.dtype} {list(logits.shape)}.")
    if logits.shape[2] < 2:
        raise ValueError(f"`logits` must have the background and a class or more; got {list(logits.shape)}.")
    priors = logits.shape[:2]
    if labels.shape != priors or labels.is_floating_point() or labels.dtype == torch.bool:
        raise ValueError(
            f"`labels` must be integers, [N, P] = {list(priors)}, 0 for the background; got {labels.dtype} "
            f"{list(labels.shape)}."
        )
    for name, boxes in (("offsets", offsets), ("target_offsets", target_offsets)):
        if boxes.shape != (*priors, 4) or not boxes.is_floating_point():
            raise ValueError(
                f"`{name}` must be floating, [N, P, 4] = {[*priors, 4]}; got {boxes.dtype} {list(boxes.shape)}."
            )
