"""What masks, class weights and sample weights add to a loss of labels or of regions: at most a quarter."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from piste import losses

from ..row import Entrant, Limits, Row, Setting
from .labels import BCE, CROSS_ENTROPY
from .settings import beside, labels, pixels

WITHOUT = "piste without"
WEIGHT = [0.5 + i / 12 for i in range(19)]


AT_MOST_A_QUARTER = Limits(extra=1.25)


def rows(quick: bool) -> Iterator[Row]:
    """Losses of each kind with each of them."""
    for loss in (losses.CrossEntropy, losses.Focal, losses.Dice, losses.Lovasz):
        yield from with_each(loss(), pixels(quick), CROSS_ENTROPY)
        yield with_class_weights(loss(weight=WEIGHT), loss(), pixels(quick), CROSS_ENTROPY)
    for loss in (losses.Focal, losses.Dice):
        yield from with_each(loss(activation="sigmoid"), labels(quick), BCE)
        weighted = loss(activation="sigmoid", weight=[2.0])
        yield with_class_weights(weighted, loss(activation="sigmoid"), labels(quick), BCE)


def with_each(loss: losses.Loss, setting: Setting, native: Entrant) -> Iterator[Row]:
    """A mask, then sample weights; torch's reference gets neither."""

    def without(target: Tensor, _: Tensor) -> tuple[Any, ...]:
        return native.convert(target)

    for what in ("mask", "sample_weight"):

        def call(logits: Tensor, target: Tensor, more: Tensor, what: str = what) -> Tensor:
            value: Tensor = loss(logits, target, **{what: more})
            return value

        plain = Entrant(WITHOUT, loss, lambda target, _: (target,))
        bare = Entrant(native.name, native.call, without)
        yield Row(loss, beside(setting, what), bare, (), AT_MOST_A_QUARTER, call=call, plain=plain, main=False)


def with_class_weights(weighted: losses.Loss, loss: losses.Loss, setting: Setting, native: Entrant) -> Row:
    """Weights per class, which torch's cross-entropy has too."""
    weight = torch.tensor(WEIGHT)
    theirs = Entrant("torch cross_entropy, weight", lambda x, t: F.cross_entropy(x, t, weight))
    peers = (theirs,) if isinstance(loss, losses.CrossEntropy) else ()
    on = Setting(f"{setting.name}, class weights", setting.draw)
    words = f"{repr(loss).removesuffix(')')}, weight=[...])".replace("(, ", "(")
    return Row(weighted, on, native, peers, AT_MOST_A_QUARTER, plain=Entrant(WITHOUT, loss), words=words, main=False)
