"""What the perceptual loss alone promises."""

import torch
from torch import nn

from piste.losses import Perceptual

PLAIN = {"mean": (0.0,), "std": (1.0,)}


def test_through_a_layer_that_does_nothing_it_is_the_squared_error() -> None:
    x, y = torch.rand(2, 2, 1, 4, 5, generator=torch.Generator().manual_seed(0))
    value = Perceptual(network=nn.Sequential(nn.Identity()), layers=["0"], **PLAIN)(x, y)
    torch.testing.assert_close(value, ((x - y) ** 2).mean())


def test_each_layer_counts_by_its_mean_whatever_its_size_times_its_weight() -> None:
    """Images that differ by 1 everywhere differ by 1 after averaging: each layer costs its weight."""
    network = nn.Sequential(nn.Identity(), nn.AvgPool2d(2), nn.AvgPool2d(2))
    x = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    weighted = Perceptual(network=network, layers=["0", "2"], layer_weights=[0.5, 3.0], **PLAIN)(x + 1, x)
    torch.testing.assert_close(weighted, torch.tensor(3.5))


def test_what_a_layer_does_not_see_costs_nothing() -> None:
    """A checkerboard is gone once averaged over 2 x 2 pixels."""
    board = (torch.arange(6)[:, None] + torch.arange(6)).remainder(2).float().view(1, 1, 6, 6)
    loss = Perceptual(network=nn.Sequential(nn.AvgPool2d(2)), layers=["0"], **PLAIN)
    assert loss(board, torch.full_like(board, 0.5)) == 0
