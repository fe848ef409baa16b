"""Flips, turns, moves and slants put each pixel where arithmetic says, in image and mask alike."""

from random import Random

import pytest
import torch
from torchvision.tv_tensors import Image, Mask

from piste.data.augment import Canvas, Sample
from piste.data.augment.turns import HorizontalFlip, Rotate, Rotate90, Shear, ShiftScaleRotate, VerticalFlip

CANVAS = Canvas("bilinear", fill=(10, 20, 30), mask_fill=255)


class Highest(Random):
    """Draws the upper end of every range."""

    def random(self):
        return 0.0

    def uniform(self, a, b):
        return b

    def randint(self, a, b):
        return b


class Lowest(Highest):
    """Draws the lower end of every range."""

    def uniform(self, a, b):
        return a

    def randint(self, a, b):
        return a


def scene(height, width, row, column):
    """Black and class 0, but for one white pixel of class 1."""
    mask = torch.zeros(height, width, dtype=torch.uint8)
    mask[row, column] = 1
    return Sample(Image(255 * mask.expand(3, -1, -1)), Mask(mask))


def parts(sample):
    """Image and mask."""
    return sample.image, sample.mask


def place(sample):
    """Where the white pixel is, which must be where class 1 is."""
    image, mask = parts(sample)
    (where,) = (mask == 1).nonzero().tolist()
    assert image[:, *where].tolist() == [255, 255, 255]
    return tuple(where)


def moved(step, height, width, row, column, draw=None):
    return place(step(scene(height, width, row, column), draw or Highest(), CANVAS))


def test_a_horizontal_flip_mirrors_columns():
    assert moved(HorizontalFlip(), 5, 7, 1, 2) == (1, 7 - 1 - 2)


def test_a_vertical_flip_mirrors_rows():
    assert moved(VerticalFlip(), 5, 7, 1, 2) == (5 - 1 - 1, 2)


def test_a_quarter_turn_counter_clockwise_takes_row_column_to_minus_column_row():
    assert moved(Rotate90(), 5, 7, 1, 2, Lowest()) == (7 - 1 - 2, 1)
    assert moved(Rotate90(), 5, 7, 1, 2, Highest()) == (2, 5 - 1 - 1)  # three turns


def test_quarter_turns_with_the_default_probability_are_all_equally_likely():
    draw = Random(0)
    found = [place(Rotate90()(scene(5, 5, 0, 1), draw, CANVAS)) for _ in range(2000)]
    for corner in ((0, 1), (3, 0), (4, 3), (1, 4)):
        assert 430 < found.count(corner) < 570  # 500 give or take 3.6 deviations


def test_a_free_turn_by_90_degrees_is_a_quarter_turn_counter_clockwise():
    assert moved(Rotate(degrees=90), 7, 7, 1, 2, Highest()) == (7 - 1 - 2, 1)
    assert moved(Rotate(degrees=90), 7, 7, 1, 2, Lowest()) == (2, 7 - 1 - 1)


def test_a_turn_by_45_degrees_brings_in_the_corners():
    image, mask = parts(Rotate(degrees=45)(scene(9, 9, 4, 4), Highest(), CANVAS))
    for corner in ((0, 0), (0, 8), (8, 0), (8, 8)):
        assert mask[corner] == 255
        assert image[:, *corner].tolist() == [10, 20, 30]
    assert mask[4, 4] == 1


def test_a_shear_by_45_degrees_moves_a_row_by_its_distance_from_the_middle():
    step = Shear(x=45)
    above, middle, below = (moved(step, 9, 9, row, 4)[1] for row in (2, 4, 6))
    assert middle == 4
    assert {above, below} == {2, 6}
    assert moved(step, 9, 9, 2, 4)[0] == 2
    columns = Shear(x=0, y=45)
    assert moved(columns, 9, 9, 4, 4) == (4, 4)
    assert {moved(columns, 9, 9, 4, column)[0] for column in (2, 6)} == {2, 6}


def test_a_shift_is_a_share_of_width_and_of_height():
    step = ShiftScaleRotate(shift=0.2, scale=0, degrees=0)
    assert moved(step, 10, 20, 3, 5, Highest()) == (3 + 2, 5 + 4)
    assert moved(step, 10, 20, 3, 5, Lowest()) == (3 - 2, 5 - 4)
    image, mask = parts(step(scene(10, 20, 3, 5), Highest(), CANVAS))
    assert (mask[:2] == 255).all()
    assert (mask[:, :4] == 255).all()
    assert (mask == 255).sum() == 10 * 20 - 8 * 16
    assert image[:, 0, 0].tolist() == [10, 20, 30]


def test_a_zoom_of_one_half_leaves_a_quarter_of_the_area():
    step = ShiftScaleRotate(shift=0, scale=0.5, degrees=0)
    _, mask = parts(step(scene(8, 8, 0, 0), Lowest(), CANVAS))
    assert (mask != 255).sum() == 16
    assert (mask[2:6, 2:6] != 255).all()


def test_a_zoom_of_three_halves_blows_up_the_middle():
    mask = torch.zeros(12, 12, dtype=torch.uint8)
    mask[4:8, 4:8] = 1
    step = ShiftScaleRotate(shift=0, scale=0.5, degrees=0)
    _, out = parts(step(Sample(Image(mask.expand(3, -1, -1)), Mask(mask)), Highest(), CANVAS))
    wanted = torch.zeros(12, 12, dtype=torch.uint8)
    wanted[3:9, 3:9] = 1  # 4 pixels times 1.5
    torch.testing.assert_close(out.as_subclass(torch.Tensor), wanted)


def test_a_turn_of_shift_scale_rotate_is_as_far_as_it_says():
    step = ShiftScaleRotate(shift=0, scale=0, degrees=90)
    assert {moved(step, 7, 7, 1, 2, draw) for draw in (Highest(), Lowest())} == {(4, 1), (2, 5)}


def test_bilinear_smooths_the_image_and_never_the_mask():
    half = torch.zeros(16, 16, dtype=torch.uint8)
    half[:, 8:] = 1
    image, mask = parts(Rotate(degrees=20)(Sample(Image(200 * half.expand(3, -1, -1)), Mask(half)), Highest(), CANVAS))
    assert set(mask.unique().tolist()) == {0, 1, 255}
    assert len(image.unique()) > 5
    sharp = Canvas("nearest", (0, 0, 0), 0)
    image, mask = parts(Rotate(degrees=20)(Sample(Image(200 * half.expand(3, -1, -1)), Mask(half)), Highest(), sharp))
    assert set(image.unique().tolist()) == {0, 200}
    torch.testing.assert_close(image[0].as_subclass(torch.Tensor), 200 * mask.as_subclass(torch.Tensor))


@pytest.mark.parametrize("step", [Rotate(degrees=33), Shear(x=20), ShiftScaleRotate(shift=0.4)])
def test_a_class_fills_the_mask_where_the_canvas_says_so(step):
    filled = Canvas("bilinear", (0, 0, 0), mask_fill=2)
    _, mask = parts(step(scene(12, 12, 6, 6), Highest(), filled))
    assert set(mask.unique().tolist()) == {0, 1, 2}


def test_probability_0_changes_nothing():
    sample = scene(5, 7, 1, 2)
    for step in (HorizontalFlip(p=0), Rotate90(p=0), Rotate(p=0), Shear(p=0), ShiftScaleRotate(p=0)):
        assert step(sample, Random(0), CANVAS) is sample
