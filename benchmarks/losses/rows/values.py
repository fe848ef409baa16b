"""Value losses: real numbers."""

from collections.abc import Iterator

import torch
from kornia.losses import charbonnier_loss
from tests.losses.witnesses import toolbelt
from torch import Tensor
from torch.nn import functional as F
from torchmetrics.functional import log_cosh_error

from piste import losses

from ..row import Entrant, Inputs, Row, Setting
from .labels import formula

MSE = Entrant("torch mse_loss", F.mse_loss)


def rows(quick: bool) -> Iterator[Row]:
    """Each against torch's own, or who has it."""
    setting = images(quick)
    epsilon = losses.Charbonnier().epsilon

    def pinball(x: Tensor, t: Tensor, q: float = 0.5) -> Tensor:
        error = t - x
        return torch.maximum(q * error, (q - 1) * error).mean()

    for loss, *peers in (
        (losses.SquaredError(), MSE),
        (losses.AbsoluteError(), Entrant("torch l1_loss", F.l1_loss)),
        (losses.Huber(), Entrant("torch huber_loss", F.huber_loss), Entrant("torch smooth_l1_loss", F.smooth_l1_loss)),
        (
            losses.LogCosh(),
            Entrant("pytorch-toolbelt LogCoshLoss", toolbelt.LogCoshLoss()),
            Entrant("torchmetrics log_cosh_error", lambda x, t: log_cosh_error(x.flatten(), t.flatten())),
        ),
        (losses.Quantile(), formula(pinball)),
        (
            losses.Charbonnier(),
            formula(lambda x, t: ((x - t) ** 2 + epsilon**2).sqrt().mean()),
        ),
        (
            losses.Charbonnier(epsilon=1.0),
            Entrant("kornia charbonnier_loss", lambda x, t: charbonnier_loss(x, t, "mean"), differs="less 1"),
        ),
    ):
        main = loss.arguments.get("epsilon") != 1.0
        yield Row(loss, setting, MSE, tuple(peers), main=main)


def images(quick: bool) -> Setting:
    """Numbers, and what they should have been."""
    shape = (4, 3, 64, 64) if quick else (4, 3, 512, 512)

    def draw(dice: torch.Generator) -> Inputs:
        return Inputs((torch.randn(shape, generator=dice),), (torch.randn(shape, generator=dice),))

    return Setting(str(list(shape)), draw)
