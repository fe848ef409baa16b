"""What all losses over pairs of images promise: which shapes fit, and what an image counts."""

import pytest
import torch
from torch import nn

from piste.losses import SSIM, Perceptual


@pytest.mark.parametrize(
    ("prediction", "target"),
    [((2, 3, 17, 13), (2, 3, 13, 17)), ((2, 3, 17, 13), (2, 3, 1, 1)), ((2, 3, 17, 13), (1, 3, 17, 13))],
)
def test_images_of_different_shapes_are_refused_though_some_would_broadcast(prediction, target) -> None:
    with pytest.raises(ValueError, match=r"`prediction` and `target` must have one shape; got \[2, 3, 17, 13\] and \["):
        SSIM()(torch.zeros(prediction), torch.zeros(target))


def test_bytes_are_refused_with_their_cure() -> None:
    with pytest.raises(ValueError, match=r"`target` must be images, floating.*got torch.uint8.*image\.float\(\) / 255"):
        SSIM()(torch.zeros(1, 1, 11, 11), torch.zeros(1, 1, 11, 11, dtype=torch.uint8))


def test_an_image_costs_the_same_alone_and_in_a_batch() -> None:
    generator = torch.Generator().manual_seed(0)
    x, y = torch.rand(2, 3, 3, 15, 13, generator=generator)
    together = SSIM(reduction="none")(x, y)
    torch.testing.assert_close(together, torch.stack([SSIM()(a[None], b[None]) for a, b in zip(x, y, strict=True)]))


def test_a_sample_weight_says_what_an_image_counts() -> None:
    generator = torch.Generator().manual_seed(0)
    x, y = torch.rand(2, 2, 1, 13, 12, generator=generator)
    first, second = SSIM(reduction="none")(x, y)
    weight = torch.tensor([1.0, 3.0])
    torch.testing.assert_close(SSIM()(x, y, sample_weight=weight), (first + 3 * second) / 4)
    torch.testing.assert_close(SSIM(reduction="sum")(x, y, sample_weight=weight), first + 3 * second)


def test_no_image_costs_nothing() -> None:
    assert SSIM()(torch.zeros(0, 3, 16, 16), torch.zeros(0, 3, 16, 16)) == 0


def test_weights_of_layers_are_above_0() -> None:
    network = nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU())
    with pytest.raises(ValueError, match=r"`layer_weights` must be a list of numbers > 0, one per layer; got \[0\.0"):
        Perceptual(network=network, layers=["0", "1"], layer_weights=[0.0, 1.0])
