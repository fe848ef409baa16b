"""Degradations do what they say: means over areas, noise and blur of the asked strength, and 8 bits at the end."""

import io
from random import Random

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter

from piste.data.entries import read_entry
from piste.data.restoration.degrade import DEGRADATIONS, as_bytes, degraded, scale_of


def step(name, **settings):
    return read_entry({name: settings}, DEGRADATIONS, "a degradation")


def noise_picture(height=30, width=42, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (3, height, width), dtype=np.uint8))


def test_area_is_the_mean_of_each_cell():
    image = torch.tensor([[0, 100, 20, 40], [200, 100, 60, 80]], dtype=torch.uint8).expand(3, 2, 4)
    small = degraded(image, [step("downscale", factor=2, kernel="area")], Random(0))
    assert small.tolist() == [[[100, 50]]] * 3


def test_bicubic_is_that_of_pillow():
    image = noise_picture()
    small = degraded(image, [step("downscale", factor=3)], Random(0))
    witness = Image.fromarray(image.permute(1, 2, 0).numpy()).resize((14, 10), Image.Resampling.BICUBIC)
    difference = small.int() - torch.from_numpy(np.array(witness)).permute(2, 0, 1).int()
    assert difference.abs().max() <= 1  # Pillow rounds in between


def test_blur_is_that_of_scipy():
    image = noise_picture()
    blurred = degraded(image, [step("blur", sigma=1.2)], Random(0))
    witness = gaussian_filter(image.double().numpy(), (0, 1.2, 1.2), mode="mirror", truncate=4 / 1.2)
    assert np.abs(blurred.numpy() - witness).max() <= 0.51


def test_noise_has_the_asked_deviation_and_is_another_for_each_draw():
    grey = torch.full((3, 100, 100), 128, dtype=torch.uint8)
    one, two = (degraded(grey, [step("noise", sigma=0.1)], Random(seed)).float() / 255 for seed in (1, 2))
    assert one.std().item() == pytest.approx(0.1, rel=0.02)
    assert one.mean().item() == pytest.approx(128 / 255, abs=0.002)
    assert torch.corrcoef(torch.stack([one.flatten(), two.flatten()]))[0, 1].abs() < 0.02
    assert torch.corrcoef(torch.stack([one[0].flatten(), one[1].flatten()]))[0, 1].abs() < 0.04


def test_jpeg_is_that_of_pillow():
    image = noise_picture()
    file = io.BytesIO()
    Image.fromarray(image.permute(1, 2, 0).numpy()).save(file, "JPEG", quality=35)
    witness = torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1)
    assert torch.equal(degraded(image, [step("jpeg", quality=35)], Random(0)), witness)


def test_a_range_is_drawn_from_evenly():
    flat = torch.full((3, 64, 64), 128, dtype=torch.uint8)
    found = [
        degraded(flat, [step("noise", sigma=[0.02, 0.1])], Random(seed)).float().std().item() / 255
        for seed in range(40)
    ]
    assert 0.018 < min(found) < 0.03
    assert 0.09 < max(found) < 0.102
    assert np.mean(found) == pytest.approx(0.06, abs=0.012)


def test_steps_are_done_in_their_order():
    image = noise_picture()
    blurred = degraded(image, [step("blur", sigma=2.0), step("downscale", factor=2)], Random(0))
    small = degraded(image, [step("downscale", factor=2), step("blur", sigma=2.0)], Random(0))
    assert blurred.shape == small.shape == (3, 15, 21)
    assert blurred.float().std() > 1.5 * small.float().std()  # two pixels of blur are more on the small image


def test_scales_multiply():
    assert scale_of([]) == 1
    assert scale_of([step("downscale", factor=2), step("blur"), step("downscale", factor=3)]) == 6


def test_what_comes_out_is_clipped_rounded_and_leaves_the_image_as_it_was():
    assert as_bytes(torch.tensor([-0.2, 0.0, 0.4999 / 255, 0.5001 / 255, 1.0, 7.0])).tolist() == [0, 0, 0, 1, 255, 255]
    image, kept = noise_picture(), noise_picture()
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    for name in DEGRADATIONS:
        degraded(image, [step(name, **({"factor": 2} if name == "downscale" else {}))], Random(0))
    assert torch.equal(image, kept)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_nothing_is_done_by_no_steps():
    assert torch.equal(degraded(noise_picture(), [], Random(0)), noise_picture())
    assert torch.equal(
        degraded(noise_picture(), [step("blur", sigma=0), step("noise", sigma=0)], Random(0)), noise_picture()
    )


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("downscale", "downscale needs the setting factor"),
        ({"downscale": {"factor": 1}}, "downscale.factor must be greater than or equal to 2; got 1"),
        ({"downscale": {"factor": 2, "kernel": "cubic"}}, "downscale.kernel must be 'bicubic' or 'area'; got 'cubic'"),
        ({"noise": {"sigma": 20}}, "noise.sigma must be less than or equal to 1; got 20"),
        ({"noise": {"sigma": [0.2, 0.1]}}, "noise.sigma: a range goes from low to high; got [0.2, 0.1]"),
        ({"jpeg": {"quality": 40.5}}, "jpeg.quality: takes whole numbers; got 40.5"),
        ("nois", "no degradation is called nois; nearest: noise; there are blur, downscale, jpeg, noise"),
    ],
)
def test_what_is_wrong_is_said(entry, message):
    with pytest.raises(ValueError) as error:
        read_entry(entry, DEGRADATIONS, "a degradation")
    assert message in str(error.value)
