"""Flips, turns and crops do to both images of a pair exactly the same, whatever the scale."""

from random import Random

import pytest
import torch

from piste.data.augment import read_augmentation
from piste.data.restoration.both import augmented, sizes_after

STEPS = ["horizontal_flip", "vertical_flip", "rotate90", {"crop": {"height": 12, "width": 12}}]


def pair(scale):
    """An input whose every pixel is another, and a target that repeats each of them scale x scale times."""
    given = torch.stack([torch.arange(13 * 17) + 20 * c for c in range(3)]).to(torch.uint8).view(3, 13, 17)
    return given, given.repeat_interleave(scale, 1).repeat_interleave(scale, 2)


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_both_stay_a_pair(scale):
    steps, seen = [read_augmentation(entry) for entry in STEPS], set()
    for seed in range(25):
        given, target = augmented(*pair(scale), steps, Random(seed))
        assert target.shape == (3, 12, 12)
        again = given.repeat_interleave(scale, 1).repeat_interleave(scale, 2)
        assert torch.equal(again, target)
        seen.add(tuple(given.flatten().tolist()))
    assert len(seen) > 20


def test_every_place_is_cut_and_the_border_too():
    crop = [read_augmentation({"crop": {"height": 4, "width": 4}})]
    given = torch.arange(16, dtype=torch.uint8).view(1, 4, 4).expand(3, 4, 4)
    places = {int(augmented(given, given.repeat(1, 2, 2), crop, Random(seed))[0][0, 0, 0]) for seed in range(200)}
    assert places == {0, 1, 2, 4, 5, 6, 8, 9, 10}


def test_a_clean_image_is_changed_alone_and_as_beside_an_input():
    steps = [read_augmentation(entry) for entry in STEPS]
    given, target = pair(1)
    alone, beside = augmented(None, target, steps, Random(3)), augmented(given, target, steps, Random(3))
    assert alone[0] is None
    assert torch.equal(alone[1], beside[1])


def test_the_sizes_that_may_come_are_known():
    turn, crop = read_augmentation("rotate90"), read_augmentation({"crop": {"height": 8, "width": 6}})
    sometimes = read_augmentation({"crop": {"height": 8, "width": 6, "p": 0.5}})
    assert sizes_after((10, 12), []) == {(10, 12)}
    assert sizes_after((10, 12), [turn]) == {(10, 12), (12, 10)}
    assert sizes_after((10, 12), [turn, crop]) == {(8, 6)}
    assert sizes_after((10, 12), [crop, turn]) == {(8, 6), (6, 8)}
    assert sizes_after((10, 12), [sometimes]) == {(8, 6), (10, 12)}
    with pytest.raises(ValueError, match="the crop of 6x8 is larger than 12x7 pixels"):
        sizes_after((7, 12), [crop])
