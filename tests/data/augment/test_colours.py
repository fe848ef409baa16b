"""Colour augmentations do to values what arithmetic says, and nothing to masks."""

from random import Random

import pytest
import torch
from torchvision.tv_tensors import Image, Mask

from piste.data.augment import Canvas, Sample
from piste.data.augment.colours import Blur, ColourJitter, Equalize, GaussianNoise, Grey
from tests.data.augment.test_turns import Highest, Lowest

CANVAS = Canvas("bilinear", (0, 0, 0), 255)
MASK = Mask(torch.arange(35, dtype=torch.uint8).view(5, 7))


def flat(red, green, blue, height=5, width=7):
    return Image(torch.tensor([red, green, blue], dtype=torch.uint8).view(3, 1, 1).repeat(1, height, width))


def changed(step, image, draw=None):
    sample = step(Sample(image, MASK), draw or Highest(), CANVAS)
    out = sample.image
    assert sample.mask is MASK
    assert out.dtype == torch.uint8
    return out


def jitter(**settings):
    return ColourJitter(**{"brightness": 0, "contrast": 0, "saturation": 0, "hue": 0, "p": 1} | settings)


def test_brightness_is_a_factor():
    assert changed(jitter(brightness=0.2), flat(100, 50, 250))[:, 0, 0].tolist() == [120, 60, 255]
    assert changed(jitter(brightness=0.2), flat(100, 50, 250), Lowest())[:, 0, 0].tolist() == [80, 40, 200]


def test_contrast_spreads_about_the_mean_grey():
    image = flat(100, 100, 100)
    image[:, :, 0] = 30  # mean of a row of 7: (30 + 600) / 7 = 90
    out = changed(jitter(contrast=0.5), image)
    assert out[0, 0, :2].tolist() == [0, 105]  # 90 + 1.5 * (-60), 90 + 1.5 * 10


def test_no_saturation_is_grey():
    out = changed(jitter(saturation=1), flat(200, 100, 50), Lowest())
    assert out[:, 0, 0].max() - out[:, 0, 0].min() <= 1


def test_half_a_circle_of_hue_makes_red_cyan():
    assert changed(jitter(hue=0.5), flat(255, 0, 0))[:, 0, 0].tolist() == [0, 255, 255]


def test_changes_are_made_in_random_order():
    class HighestInAnyOrder(Random):
        def uniform(self, a, b):
            return b

    image = flat(100, 100, 100)
    image[:, :, 0] = 200
    step = jitter(brightness=0.5, contrast=0.5)
    found = {
        tuple(step(Sample(image, MASK), HighestInAnyOrder(seed), CANVAS).image[0, 0, :2].tolist()) for seed in range(10)
    }
    # brightness first: 255 and 150, whose mean grey is 165, then 165 + 1.5 (150 - 165) = 142.5
    # contrast first: the mean grey is 114.3, 114.3 + 1.5 (100 - 114.3) = 92.9, then 1.5 times that = 139.3
    (first, second) = sorted(dark for _, dark in found)
    assert abs(first - 139.3) <= 1
    assert abs(second - 142.5) <= 1


def test_a_jitter_of_nothing_changes_nothing():
    torch.testing.assert_close(changed(jitter(), flat(1, 2, 3)), flat(1, 2, 3))


def test_equalize_spreads_values_by_how_many_pixels_lie_below():
    image = Image(torch.tensor([100, 101, 102, 103], dtype=torch.uint8).repeat(3, 40, 10))
    out = changed(Equalize(p=1), image)
    # 400 pixels of each: 0, 400, 800, 1200 lie below; a step is (1600 - 400) / 255, rounded down: 4
    assert out[1, 0, :4].tolist() == [0, 100, 200, 255]


def test_a_blur_keeps_flat_colour_and_spreads_a_point_evenly():
    torch.testing.assert_close(changed(Blur(p=1), flat(9, 99, 199)), flat(9, 99, 199))
    image = flat(0, 0, 0, 15, 15)
    image[:, 7, 7] = 255
    out = changed(Blur(sigma=(1, 1), p=1), image)
    # the peak of a Gaussian of deviation 1 on a grid: 255 / (2 pi) = 40.6
    assert abs(int(out[0, 7, 7]) - 40.6) < 1.5
    assert out[0, 7, 6] == out[0, 7, 8] == out[0, 6, 7] == out[0, 8, 7]


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3)])
def test_a_wide_blur_fits_a_small_image(size):
    assert changed(Blur(sigma=(20, 20), p=1), flat(1, 2, 3, *size)).shape == (3, *size)


def test_noise_has_the_deviation_it_says_and_no_bias():
    out = changed(GaussianNoise(sigma=(0.1, 0.1), p=1), flat(128, 128, 128, 100, 100), Random(0)).float()
    assert abs(out.std().item() - 25.5) < 0.5
    assert abs(out.mean().item() - 128) < 0.6  # 3.5 deviations of a mean of 30,000


def test_noise_is_clipped_at_black_and_white():
    out = changed(GaussianNoise(sigma=(1, 1), p=1), flat(0, 128, 255, 40, 40), Random(0))
    # half of the noise on black and on white leaves the range
    assert 0.4 < (out[0] == 0).float().mean() < 0.6
    assert 0.4 < (out[2] == 255).float().mean() < 0.6


def test_grey_is_the_luma():
    # 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2
    out = changed(Grey(p=1), flat(200, 100, 50))[:, 0, 0].tolist()
    assert out[0] == out[1] == out[2]
    assert abs(out[0] - 124.2) <= 1
