"""IoU losses: 1 - IoU of a predicted box and its target, plus what the kind adds.

    giou  (C - U) / C          U the area of the union, C that of the smallest box around both
    diou  r^2 / c^2            r the distance of the centres, c the diagonal of the box around both
    ciou  r^2 / c^2 + alpha v  v = (2 / pi * (atan(w* / h*) - atan(w / h)))^2, alpha = v / (1 - IoU + v)
    eiou  r^2 / c^2 + (w - w*)^2 / cw^2 + (h - h*)^2 / ch^2   cw and ch the sides of the box around both

Boxes that are the same cost 0, be they points or lines; else 0 / 0 is 0 and atan(w / 0) is pi / 2.
"""

from math import atan2, pi
from typing import Literal, Unpack, get_args

import torch
from torch import Tensor

from piste.losses.arguments import one_of
from piste.losses.blocks import reduce_in_blocks
from piste.losses.boxes.base import BoxKeywords, BoxLoss
from piste.losses.boxes.kinds import KINDS
from piste.losses.boxes.pair import compare, corners
from piste.losses.spec import Case, Choice, Waiver, loss

Kind = Literal["iou", "giou", "diou", "ciou", "eiou"]


def as_printed(predicted: list[float], target: list[float], kind: str) -> float:
    """One box, its corners the right way round."""

    def share(part: float, whole: float) -> float:
        return part / whole if whole else 0.0

    if predicted == target:
        return 0.0
    left, top, right, bottom = predicted
    left_true, top_true, right_true, bottom_true = target
    w, h, w_true, h_true = right - left, bottom - top, right_true - left_true, bottom_true - top_true
    shared_w = max(0.0, min(right, right_true) - max(left, left_true))
    shared_h = max(0.0, min(bottom, bottom_true) - max(top, top_true))
    around_w = max(right, right_true) - min(left, left_true)
    around_h = max(bottom, bottom_true) - min(top, top_true)
    union = w * h + w_true * h_true - shared_w * shared_h
    cost = 1 - share(shared_w * shared_h, union)
    if kind == "iou":
        return cost
    if kind == "giou":
        return cost + share(around_w * around_h - union, around_w * around_h)
    distance = ((left + right - left_true - right_true) / 2) ** 2 + ((top + bottom - top_true - bottom_true) / 2) ** 2
    cost += share(distance, around_w**2 + around_h**2)
    if kind == "diou":
        return cost
    if kind == "eiou":
        return cost + share((w - w_true) ** 2, around_w**2) + share((h - h_true) ** 2, around_h**2)
    v = 4 / pi**2 * (atan2(w_true, h_true) - atan2(w, h)) ** 2 if (w or h) and (w_true or h_true) else 0.0
    return cost + share(v, 1 - share(shared_w * shared_h, union) + v) * v


@loss(
    tasks=("detection",),
    call="boxes",
    source="Rezatofighi et al. 2019, arXiv:1902.09630 (giou); Zheng et al. 2020, arXiv:1911.08287 (diou, ciou); "
    "Zhang et al. 2022, arXiv:2101.08158 (eiou)",
    value_range=(0.0, 3.25),
    tendency="neither",
    search={"kind": Choice(*get_args(Kind))},
    reference=as_printed,
    variants=({"kind": "iou"}, {"kind": "diou"}, {"kind": "eiou"}, {"kind": "ciou"}),
    cases=(
        Case(
            {"kind": "iou"},
            [[0.0, 0.0, 2.0, 2.0]],
            [[1.0, 0.0, 3.0, 2.0]],
            2 / 3,
            "they share 2 of the 4 + 4 - 2 that they cover: 1 - 2/6",
        ),
        Case(
            {"kind": "giou"},
            [[0.0, 0.0, 1.0, 1.0]],
            [[3.0, 0.0, 4.0, 2.0]],
            1 + 5 / 8,
            "nothing is shared, and they cover 1 + 2 of the 4 * 2 around both: 1 - 0 + (8 - 3) / 8",
        ),
        Case(
            {"kind": "diou"},
            [[0.0, 0.0, 2.0, 4.0]],
            [[4.0, 0.0, 6.0, 4.0]],
            1 + 16 / 52,
            "nothing is shared, the centres are 4 apart, and the diagonal of 6 and 4 squared is 52",
        ),
        Case(
            {"kind": "ciou"},
            [[0.0, 1.0, 2.0, 1.0]],
            [[1.0, 0.0, 1.0, 2.0]],
            1.5,
            "a flat and an upright line through one centre: 1 - 0, v = (2 / pi * pi / 2)^2 = 1, alpha = 1 / (1 + 1)",
        ),
        Case(
            {"kind": "eiou"},
            [[0.0, 0.0, 4.0, 2.0]],
            [[1.0, 0.0, 3.0, 1.0]],
            1 - 2 / 8 + 0.25 / 20 + 4 / 16 + 1 / 4,
            "2 of 8 are shared, the centres are 1/2 apart, the box around both is 4 by 2, and sides differ by 2 and 1",
        ),
        Case(
            {},
            [[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 2.0, 2.0]],
            [[1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 3.0, 2.0]],
            1 / 6,
            "a point that is where it should be costs 0, with weight 3; the other 1 - 2/6 and no gap, with weight 1",
            call={"sample_weight": [3.0, 1.0]},
        ),
    ),
    waivers={
        "declared_range_is_no_wider_than_need_be": "the range is that of the widest kind, eiou: giou stays below 2",
        "gradient_is_that_of_finite_differences": Waiver(
            "the paper of ciou holds alpha constant in the gradient", only="kind='ciou'"
        ),
        "gradient_is_that_of_the_reference": Waiver(
            "the paper of ciou holds alpha constant in the gradient", only="kind='ciou'"
        ),
    },
)
class BoxIoU(BoxLoss):
    """IoU loss: how far a box and its target are from covering the same area, in no unit.

    With exact gradients giou leads diou until late in a regression of single boxes, iou alone stalls on boxes that
    share nothing, and ciou ends lowest. Detectors weight an IoU loss by 5 to 12 where they weighted L1 by 1.

    Args:
        kind: What is added to 1 - IoU, which has no slope where nothing is shared. "iou": nothing, at most 1. "giou":
            the empty part of the box around both, below 2. "diou": the distance of the centres, below 2. "ciou":
            that, and the angle between the diagonals, below 2.5; its factor alpha has no gradient, as in the paper,
            while that of v is exact, where the paper's own code leaves out 1 / (w^2 + h^2). "eiou": the distance of
            the centres and the differences of width and of height, at most 3.25.
        **common: reduction of `BoxLoss`.

    Boxes without area are taken as they are: a point or line costs 0 where it is its target, and at least 1 elsewhere.
    A side with its corners the wrong way round (x2 < x1) counts as 0 long, in their middle: it shares nothing, and its
    corners move only together. `BoxL1` beside this loss brings them back.

    Raises:
        ValueError: An argument breaks its rule.

    Source: giou: Rezatofighi et al. 2019, arXiv:1902.09630, algorithm 2. diou and ciou: Zheng et al. 2020,
        arXiv:1911.08287. eiou: Zhang et al. 2022, arXiv:2101.08158.

    Example:
        >>> import torch
        >>> BoxIoU(kind="iou")(torch.tensor([[0.0, 0.0, 2.0, 2.0]]), torch.tensor([[1.0, 0.0, 3.0, 2.0]]))
        tensor(0.6667)
    """

    def __init__(self, *, kind: Kind = "giou", **common: Unpack[BoxKeywords]) -> None:
        super().__init__(**common)
        self.kind = one_of("kind", kind, get_args(Kind))

    def price(self, predicted: Tensor, target: Tensor, count: Tensor | None) -> Tensor:
        """Price each box by what the two do not share, and by what the kind adds."""
        shape = predicted.shape[:-1]
        cost = reduce_in_blocks(
            self._plain,
            predicted.reshape(-1, 4),
            target.reshape(-1, 4),
            count=None if count is None else count.expand(shape).reshape(-1),
            reduction=self.reduction,
            shape=torch.Size((shape.numel(),)),
            priced=self._priced,
        )
        return cost.view(shape) if self.reduction == "none" else cost

    def _plain(self, predicted: Tensor, target: Tensor) -> Tensor:
        pair = compare(corners(predicted), corners(target))
        return KINDS[self.kind](pair).cost * pair.distinct

    def _priced(self, predicted: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        with torch.inference_mode():  # a tenth faster than without gradients
            pair = compare(*torch.stack((predicted.t(), target.t())).view(2, 2, 2, -1))  # each coordinate by itself
            cost, slope = KINDS[self.kind](pair)
            low, high = slope.by_corners(pair)
        return cost * pair.distinct, torch.cat((low.t(), high.t()), 1)
