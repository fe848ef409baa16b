"""What the style loss alone promises: which channels go together, not where."""

import pytest
import torch
from torch import nn

from piste.losses import Style
from piste.losses.features.stand_ins import Seeded

RAW = {"network": nn.Sequential(nn.Identity()), "layers": ["0"], "mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}


def images(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def test_where_something_is_does_not_matter() -> None:
    x, y = images(2, 3, 6, 8), images(2, 3, 6, 8, seed=1)
    moved = x.flatten(2)[..., torch.randperm(48, generator=torch.Generator().manual_seed(2))].view(x.shape)
    torch.testing.assert_close(Style(**RAW)(moved, x), torch.tensor(0.0), atol=1e-10, rtol=0)
    torch.testing.assert_close(Style(**RAW)(moved, y), Style(**RAW)(x, y))


def test_which_channels_go_together_does() -> None:
    """Red with green, against red with blue: two of the products of 1 over 3 channels move, each in two places."""
    together, apart = torch.zeros(1, 3, 2, 2), torch.zeros(1, 3, 2, 2)
    together[:, (0, 1)] = 1
    apart[:, (0, 2)] = 1
    torch.testing.assert_close(Style(**RAW)(together, apart), torch.tensor((4 + 2) / 9))


def test_a_style_of_another_size_is_taken_and_a_repeated_image_has_the_same() -> None:
    x, y = images(1, 3, 6, 8), images(1, 3, 5, 4, seed=1)
    torch.testing.assert_close(Style(**RAW)(x, y.repeat(1, 1, 3, 2)), Style(**RAW)(x, y))


def test_another_number_of_images_or_channels_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"must have as many images and channels; got \[2, 3, 6, 8\] and \[1, 3, 6, 8\]"
    ):
        Style(**RAW)(images(2, 3, 6, 8), images(1, 3, 6, 8))


@pytest.mark.parametrize(("dtype", "size"), [(torch.float32, 1e4), (torch.bfloat16, 1e4), (torch.float16, 30.0)])
def test_value_and_slope_are_finite_as_far_as_their_precision_reaches(dtype, size) -> None:
    loss = Style(network=Seeded({0: 4, 1: 5}), layers=["features.1"])
    x = (size * (2 * images(2, 3, 6, 5) - 1)).to(dtype).requires_grad_()
    value = loss(x, images(2, 3, 6, 5).to(dtype))
    value.backward()
    assert value.isfinite()
    assert x.grad.isfinite().all()
