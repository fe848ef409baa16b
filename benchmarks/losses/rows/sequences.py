"""Sequence losses: lines of text."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from piste import losses

from ..row import Entrant, Inputs, Row, Setting
from .labels import formula


def rows(quick: bool) -> Iterator[Row]:
    """Against torch's ctc_loss, which wants log-probabilities, time first."""
    lines, steps, classes, characters = (4, 32, 20, 8) if quick else (32, 256, 80, 40)

    def draw(dice: torch.Generator) -> Inputs:
        logits = 2 * torch.randn(lines, steps, classes, generator=dice)
        target = torch.randint(1, classes, (lines, characters), generator=dice)
        lengths = steps - torch.arange(lines) % (steps // 4), characters - torch.arange(lines) % (characters // 2)
        return Inputs((logits,), (target, *lengths))

    def each(x: Tensor, *aim: Tensor) -> Tensor:
        return F.ctc_loss(x.log_softmax(-1).transpose(0, 1), *aim, reduction="none")

    def focal(x: Tensor, *aim: Tensor) -> Tensor:
        cost = each(x, *aim)
        return (0.25 * (1 - (-cost).exp()) ** 0.5 * cost).mean()

    setting = Setting(f"[{lines}, {steps}, {classes}], {characters} characters", draw)
    native = Entrant("torch ctc_loss", lambda x, *aim: each(x, *aim).mean())
    yield Row(losses.CTC(), setting, native, (native,))
    yield Row(losses.FocalCTC(), setting, native, (formula(focal),))
