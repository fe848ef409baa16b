"""Crops and resizing give the size they promise, and put pixels where arithmetic says."""

from random import Random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.tv_tensors import Image, Mask

from piste.data.augment import Canvas, Sample, read_augmentation
from piste.data.augment.sizes import CentreCrop, Crop, RandomSizedCrop, Resize
from tests.data.augment.test_turns import Highest, Lowest, moved, parts, scene

CANVAS = Canvas("bilinear", fill=(10, 20, 30), mask_fill=255)


def test_a_crop_takes_the_window_it_draws():
    # 5 x 7 to 3 x 4: tops 0 ... 2, lefts 0 ... 3
    assert moved(Crop(height=3, width=4), 5, 7, 3, 5, Highest()) == (3 - 2, 5 - 3)
    assert moved(Crop(height=3, width=4), 5, 7, 2, 1, Lowest()) == (2, 1)


def test_crops_reach_every_place():
    draw = Random(0)
    found = set()
    for _ in range(200):
        _, mask = parts(Crop(height=3, width=4)(scene(5, 7, 2, 3), draw, CANVAS))
        found.add(tuple((mask == 1).nonzero()[0].tolist()))
    assert found == {(row, column) for row in range(3) for column in range(4)}


@pytest.mark.parametrize("step", [Crop(height=5, width=6), CentreCrop(height=5, width=6)])
def test_a_small_image_is_padded_on_all_sides(step):
    image, mask = parts(step(scene(3, 3, 0, 0), Highest(), CANVAS))
    assert image.shape == (3, 5, 6)
    # 2 rows: 1 above, 1 below; 3 columns: 1 to the left, 2 to the right
    assert mask[1, 1] == 1
    assert (mask == 255).sum() == 5 * 6 - 3 * 3
    assert (mask[1:4, 1:4] != 255).all()
    assert image[:, 0, 0].tolist() == [10, 20, 30]
    assert image[:, 1, 1].tolist() == [255, 255, 255]


def test_a_crop_that_is_wider_and_lower_pads_one_side_and_cuts_the_other():
    image, mask = parts(Crop(height=2, width=9)(scene(6, 5, 5, 0), Highest(), CANVAS))
    assert image.shape == (3, 2, 9)
    assert mask[1, 2] == 1


def test_a_centre_crop_takes_the_middle():
    assert moved(CentreCrop(height=3, width=3), 7, 9, 3, 4) == (1, 1)
    assert moved(CentreCrop(height=2, width=2), 5, 5, 1, 1) == (0, 0)  # half a pixel up and to the left


def test_a_crop_of_the_full_size_changes_nothing():
    sample = scene(5, 7, 1, 2)
    out, also = parts(CentreCrop(height=5, width=7)(sample, Highest(), CANVAS))
    torch.testing.assert_close(out, sample.image)
    torch.testing.assert_close(also, sample.mask)


@pytest.mark.parametrize(
    ("settings", "size"),
    [
        ({"height": 10, "width": 3}, (10, 3)),
        ({"longest": 100}, (25, 100)),
        ({"smallest": 100}, (100, 400)),
        ({"longest": 33}, (8, 33)),  # 50 * 33 / 200 = 8.25
        ({"longest": 2}, (1, 2)),  # never less than a pixel
    ],
)
def test_resize_gives_the_size_it_promises(settings, size):
    image, mask = parts(read_augmentation({"resize": settings})(scene(50, 200, 0, 0), Random(0), CANVAS))
    assert image.shape == (3, *size)
    assert mask.shape == size
    assert mask.dtype == torch.uint8


@pytest.mark.parametrize("settings", [{}, {"height": 3}, {"longest": 3, "smallest": 3}, {"height": 3, "longest": 2}])
def test_resize_takes_one_way_of_saying_the_size(settings):
    with pytest.raises(ValueError, match="takes height and width, or longest, or smallest; got"):
        Resize(**settings)


def test_a_shrunk_mask_takes_the_middle_of_each_cell():
    mask = torch.zeros(9, 9, dtype=torch.uint8)
    mask[1::3, 1::3] = 1
    _, small = parts(Resize(longest=3)(Sample(Image(mask.expand(3, -1, -1)), Mask(mask)), Random(0), CANVAS))
    assert (small == 1).all()


def test_an_enlarged_mask_repeats_its_pixels():
    mask = torch.tensor([[0, 1], [2, 255]], dtype=torch.uint8)
    _, large = parts(Resize(height=6, width=4)(Sample(Image(mask.expand(3, -1, -1)), Mask(mask)), Random(0), CANVAS))
    wanted = mask.repeat_interleave(3, 0).repeat_interleave(2, 1)
    torch.testing.assert_close(large.as_subclass(torch.Tensor), wanted)


def test_bicubic_resizing_differs_from_bilinear():
    sample = scene(9, 9, 4, 4)
    linear, _ = parts(Resize(longest=20)(sample, Random(0), CANVAS))
    cubic, _ = parts(Resize(longest=20)(sample, Random(0), Canvas("bicubic", (0, 0, 0), 0)))
    assert not torch.equal(linear, cubic)


def test_a_random_sized_crop_of_the_whole_area_in_the_form_of_the_image_is_a_resize():
    sample = scene(8, 16, 3, 5)
    step = RandomSizedCrop(height=24, width=48, scale=(1, 1), ratio=(2, 2))
    out, labels = parts(step(sample, Random(0), CANVAS))
    wanted, also = parts(Resize(height=24, width=48)(sample, Random(0), CANVAS))
    torch.testing.assert_close(out, wanted)
    torch.testing.assert_close(labels, also)


def test_a_random_sized_crop_of_a_quarter_shows_a_quarter():
    # 8 x 8 at a quarter of the area and ratio 1 is a window of 4 x 4; the highest draw starts at (4, 4)
    step = RandomSizedCrop(height=4, width=4, scale=(0.25, 0.25), ratio=(1, 1))
    assert moved(step, 8, 8, 6, 5, Highest()) == (2, 1)


def test_the_share_of_the_area_is_drawn_from_its_range():
    step = RandomSizedCrop(height=8, width=8, scale=(0.25, 1), ratio=(1, 1))
    assert moved(step, 8, 8, 6, 5, Highest()) == (6, 5)  # all of it
    _, mask = parts(step(scene(8, 8, 1, 2), Lowest(), CANVAS))  # the upper left quarter, at twice its size
    assert (mask == 1).nonzero().tolist() == [[2, 4], [2, 5], [3, 4], [3, 5]]


sizes = st.integers(1, 40)
out_sizes = st.integers(2, 40)


@settings(deadline=None)
@given(sizes, sizes, out_sizes, out_sizes, st.integers(0, 10**6))
def test_crops_give_their_size_whatever_comes(height, width, out_height, out_width, seed):
    for name in ("crop", "centre_crop", "random_sized_crop"):
        step = read_augmentation({name: {"height": out_height, "width": out_width}})
        image, mask = parts(step(scene(height, width, 0, 0), Random(seed), CANVAS))
        assert image.shape == (3, out_height, out_width)
        assert mask.shape == (out_height, out_width)
