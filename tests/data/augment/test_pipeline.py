"""A pipeline treats image and mask alike, and takes its randomness from nowhere but its argument."""

import random
from random import Random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.tv_tensors import Image, Mask

from piste.data.augment import AUGMENTATIONS, Canvas, Pipeline, Sample, read_augmentation
from tests.data.augment.test_catalogue import SIZED

GEOMETRY = ["horizontal_flip", "vertical_flip", "rotate90", "rotate", "shear", "shift_scale_rotate", *SIZED]


def other(draw):
    """A sample to mix with."""
    mask = blobs(draw.randrange(100))
    return Sample(Image(255 * mask.expand(3, -1, -1)), Mask(mask))


def canvas(interpolation="bilinear", fill=(0, 0, 0), mask_fill=255):
    return Canvas(interpolation, fill, mask_fill, partner=other, background=0)


def step(name, **settings):
    return read_augmentation({name: {**{key: 5 * value for key, value in SIZED.get(name, {}).items()}, **settings}})


def blobs(seed, height=24, width=20):
    coarse = torch.rand(1, 1, 5, 4, generator=torch.Generator().manual_seed(seed))
    return (torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")[0, 0] > 0.5).to(torch.uint8)


@settings(deadline=None)
@given(st.lists(st.sampled_from(GEOMETRY), min_size=1, max_size=4), st.integers(0, 10**6))
def test_an_image_that_is_its_mask_stays_its_mask(names, seed):
    mask = blobs(seed)
    pipeline = Pipeline([step(name, p=1) for name in names], Canvas("nearest", (255, 255, 255), 255))
    image, labels = pipeline(mask.expand(3, -1, -1), mask, Random(seed))
    torch.testing.assert_close(image, labels.expand(3, -1, -1))


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_the_same_state_draws_the_same_and_another_another(name):
    image = torch.randint(0, 256, (3, 24, 20), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    pipeline = Pipeline([step(name)], canvas())
    first = [pipeline(image, blobs(0), Random(seed)) for seed in range(12)]
    again = [pipeline(image, blobs(0), Random(seed)) for seed in range(12)]
    torch.testing.assert_close(first, again)
    if name not in ("resize", "centre_crop"):
        assert any(not torch.equal(picture, first[0][0]) for picture, _ in first)


def test_no_random_state_of_the_process_is_read_or_changed():
    pipeline = Pipeline([step(name, p=1) for name in AUGMENTATIONS], canvas())
    results = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        np.random.seed(seed)
        random.seed(seed)
        before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
        results.append(pipeline(torch.full((3, 24, 20), 77, dtype=torch.uint8), blobs(0), Random(0)))
        after = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
        assert torch.equal(before[0], after[0])
        assert before[1:] == after[1:]
    torch.testing.assert_close(*results)


def test_nothing_is_changed_in_place():
    image, mask = torch.full((3, 24, 20), 77, dtype=torch.uint8), blobs(0)
    kept = image.clone(), mask.clone()
    for name in AUGMENTATIONS:
        Pipeline([step(name, p=1)], canvas())(image, mask, Random(0))
        torch.testing.assert_close((image, mask), kept)


@pytest.mark.parametrize("name", ["horizontal_flip", "grey", "blur"])
@pytest.mark.parametrize("probability", [0.0, 0.25, 1.0])
def test_probability_is_how_often_it_happens(name, probability):
    image = torch.randint(0, 256, (3, 6, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    settings = {"sigma": (1, 1)} if name == "blur" else {}
    pipeline = Pipeline([step(name, p=probability, **settings)], canvas())
    draw = Random(0)
    mask = torch.zeros(6, 5, dtype=torch.uint8)
    happened = sum(not torch.equal(pipeline(image, mask, draw)[0], image) for _ in range(400))
    assert abs(happened - 400 * probability) <= 31  # 3.6 deviations of a binomial


def test_an_empty_pipeline_hands_back_what_it_got():
    image, mask = torch.zeros(3, 2, 2, dtype=torch.uint8), torch.zeros(2, 2, dtype=torch.uint8)
    out = Pipeline([], Canvas("nearest", (0, 0, 0), 0))(image, mask, Random(0))
    assert out[0] is image
    assert out[1] is mask


def test_plain_tensors_come_out():
    out = Pipeline([step("rotate90")], Canvas("nearest", (0, 0, 0), 0))(
        torch.zeros(3, 2, 2, dtype=torch.uint8), torch.zeros(2, 2, dtype=torch.uint8), Random(0)
    )
    assert [type(part) for part in out] == [torch.Tensor, torch.Tensor]
