"""Boxes and masks of objects go where their pixels go, and what leaves the picture is clipped or dropped."""

from random import Random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchvision.transforms.v2 import functional as F
from torchvision.tv_tensors import BoundingBoxes, Image

from piste.data.augment import AUGMENTATIONS, Canvas, Instances, Pipeline, Sample, read_augmentation
from piste.data.augment.instances import Matrix, extents
from piste.data.augment.sizes import Crop, Resize
from piste.data.augment.turns import HorizontalFlip, Rotate, ShiftScaleRotate, VerticalFlip, _about_the_centre
from tests.data.augment.test_catalogue import SIZED
from tests.data.augment.test_turns import Highest, Lowest

CANVAS = Canvas("nearest", (0, 0, 0), 255)
MIXES = {"mosaic", "copy_paste"}
EXACT = ["horizontal_flip", "vertical_flip", "rotate90", "crop", "centre_crop"]


def objects(boxes, size=(24, 20), masks=False, labels=None):
    """A black picture with white rectangles, which are the objects."""
    table = torch.tensor(boxes, dtype=torch.float32).view(-1, 4)
    planes = torch.zeros(len(table), *size, dtype=torch.uint8)
    for plane, (left, top, right, bottom) in zip(planes, table.int().tolist(), strict=True):
        plane[top:bottom, left:right] = 1
    image = Image(255 * planes.sum(0).clamp_max(1).to(torch.uint8).expand(3, -1, -1))
    given = torch.arange(1, len(table) + 1) if labels is None else torch.tensor(labels)
    areas = (table[:, 2] - table[:, 0]) * (table[:, 3] - table[:, 1])
    crowd = torch.zeros(len(table), dtype=torch.bool)
    return Sample(image, None, Instances.of(table, given, crowd, areas, planes if masks else None))


def step(name, **settings):
    sized = {key: 5 * value for key, value in SIZED.get(name, {}).items()}
    return read_augmentation({name: {**sized, **settings}})


def boxes_of(sample):
    return sample.instances.boxes.tolist()


def test_flips_mirror_boxes():
    sample = objects([[2, 3, 7, 13]], (24, 20))
    assert boxes_of(HorizontalFlip()(sample, Highest(), CANVAS)) == [[20 - 7, 3, 20 - 2, 13]]
    assert boxes_of(VerticalFlip()(sample, Highest(), CANVAS)) == [[2, 24 - 13, 7, 24 - 3]]


rectangle = st.tuples(st.integers(0, 15), st.integers(0, 19), st.integers(2, 5), st.integers(2, 5)).map(
    lambda r: [r[0], r[1], r[0] + r[2], r[1] + r[3]]
)


@settings(deadline=None, max_examples=60)
@given(rectangle, st.lists(st.sampled_from(EXACT), min_size=1, max_size=4), st.booleans(), st.integers(0, 10**6))
def test_a_box_stays_the_box_of_what_is_seen(box, names, masks, seed):
    sample = objects([box], masks=masks)
    out = Pipeline([step(name, p=1) for name in names], CANVAS).sample(sample, Random(seed))
    seen = extents(out.image[:1] > 0)
    if len(out.instances):
        torch.testing.assert_close(out.instances.boxes, seen)
        assert out.instances.area.tolist() == pytest.approx([int((out.image[0] > 0).sum())])
        assert out.instances.visible.item() == pytest.approx(out.instances.area.item() / sample.instances.area.item())
    else:
        width, height = (seen[0, 2:] - seen[0, :2]).tolist()
        assert min(width, height) == 0


@settings(deadline=None, max_examples=40)
@given(
    st.floats(-180, 180), st.floats(-9, 9), st.floats(-9, 9), st.floats(0.3, 2), st.floats(-50, 50), st.floats(-40, 40)
)
def test_a_turned_box_is_where_torchvision_puts_it(angle, across, down, zoom, x, y):
    sample = objects([[2, 3, 7, 13], [10, 11, 19, 23]])
    boxes = BoundingBoxes(sample.instances.boxes, format="XYXY", canvas_size=sample.size, clamping_mode=None)
    wanted = F.affine(boxes, angle, [across, down], zoom, [x, y])
    matrix = _about_the_centre(sample, angle, [across, down], zoom, [x, y])
    wide = sample.instances.warped(lambda masks: masks, matrix, (10**6, 10**6), 0.0)
    seen = wanted.as_subclass(Tensor).clamp_min(0)
    seen = seen[((seen[:, 2:] - seen[:, :2]) >= 1).all(1)]
    torch.testing.assert_close(wide.boxes, seen, atol=2e-3, rtol=1e-4)


@pytest.mark.parametrize("name", ["rotate", "shear", "shift_scale_rotate"])
def test_turned_boxes_hold_their_pixels_and_little_more(name):
    """A disc off the middle, whose box is turned with it: it stays inside, and touches no edge that is far away."""
    rows, columns = torch.meshgrid(torch.arange(60), torch.arange(70), indexing="ij")
    disc = ((rows - 20) ** 2 + (columns - 48) ** 2 <= 36)[None]
    known = torch.tensor([1]), torch.tensor([False]), disc.sum()[None].float()
    sample = Sample(Image(255 * disc.expand(3, -1, -1).byte()), None, Instances.of(extents(disc), *known))
    for draw in (Highest(), Lowest()):
        out = step(name)(sample, draw, CANVAS)
        [(left, top, right, bottom)], [seen] = boxes_of(out), extents(out.image[:1] > 0).tolist()
        assert left - 1 <= seen[0] <= left + 4
        assert top - 1 <= seen[1] <= top + 4
        assert right - 4 <= seen[2] <= right + 1
        assert bottom - 4 <= seen[3] <= bottom + 1


@pytest.mark.parametrize("masks", [False, True])
def test_what_shrinks_is_still_all_there(masks):
    sample = objects([[4, 6, 12, 16]], (24, 20), masks=masks)
    for step_ in (ShiftScaleRotate(shift=0, scale=0.5, degrees=0), Resize(height=12, width=10)):
        out = step_(sample, Lowest(), CANVAS).instances
        assert out.visible.tolist() == [1]
        assert out.area.tolist() == [20]


def test_a_zoom_enlarges_a_box_about_the_middle_and_its_area_with_it():
    sample = objects([[8, 10, 12, 14]], (24, 20))
    out = ShiftScaleRotate(shift=0, scale=0.5, degrees=0)(sample, Highest(), CANVAS).instances
    assert out.boxes.tolist() == [[7, 9, 13, 15]]
    assert out.area.tolist() == [36]
    assert out.visible.tolist() == [1]


def test_resizing_scales_each_axis_by_its_own_factor():
    out = Resize(height=48, width=10)(objects([[2, 3, 8, 13]], (24, 20), masks=True), Random(0), CANVAS).instances
    assert out.boxes.tolist() == [[1, 6, 4, 26]]
    assert out.masks.shape == (1, 48, 10)
    assert out.area.tolist() == [60]


def test_what_leaves_the_picture_is_clipped_and_below_its_share_dropped():
    sample = objects([[0, 0, 10, 4], [0, 5, 12, 9]], (10, 20))  # columns 6 … 20 stay: 4 of 10 columns, 6 of 12
    cropped = Crop(height=10, width=14)(sample, Highest(), CANVAS)
    assert boxes_of(cropped) == [[0, 0, 4, 4], [0, 5, 6, 9]]
    assert cropped.instances.visible.tolist() == pytest.approx([0.4, 0.5])
    assert cropped.instances.area.tolist() == pytest.approx([16, 24])
    strict = Canvas("nearest", (0, 0, 0), 255, min_visible=0.45)
    out = Crop(height=10, width=14)(sample, Highest(), strict).instances
    assert (out.boxes.tolist(), out.labels.tolist()) == ([[0, 5, 6, 9]], [2])


@pytest.mark.parametrize("masks", [False, True])
def test_the_share_is_of_what_there_was_before_the_first_step(masks):
    sample = objects([[0, 0, 10, 4]], (10, 20), masks=masks)
    twice = Pipeline([Crop(height=10, width=14), Crop(height=10, width=12)], Canvas("nearest", (0, 0, 0), 0, 0.3))
    assert len(Crop(height=10, width=14)(sample, Highest(), twice.canvas).instances) == 1
    assert len(twice.sample(sample, Highest()).instances) == 0  # 0.2 of it is left, though 0.5 of what was left


def test_a_mask_says_how_much_is_left_and_where():
    """A cross of two bars: the crop keeps a quarter of the box, and of the pixels those of one arm."""
    sample = objects([[4, 4, 14, 14]], (20, 20), masks=True)
    cross = torch.zeros(1, 20, 20, dtype=torch.uint8)
    cross[0, 8:10, 4:14] = 1
    sample = Sample(
        sample.image,
        None,
        Instances.of(
            *(sample.instances.boxes, sample.instances.labels), *(sample.instances.crowd, torch.tensor([20.0]), cross)
        ),
    )
    out = Crop(height=20, width=10)(sample, Highest(), CANVAS).instances  # columns 10 … 20
    assert out.boxes.tolist() == [[0, 8, 4, 10]]
    assert out.visible.tolist() == pytest.approx([0.4])
    assert out.area.tolist() == pytest.approx([8])


def test_a_turned_box_shrinks_to_its_mask():
    disc = (torch.arange(41)[:, None] - 20) ** 2 + (torch.arange(41)[None] - 20) ** 2 <= 100
    box = extents(disc[None])
    assert box.tolist() == [[10, 10, 31, 31]]
    known = (torch.tensor([1]), torch.tensor([False]), disc.sum()[None].float())
    loose = Sample(Image(torch.zeros(3, 41, 41, dtype=torch.uint8)), None, Instances.of(box, *known))
    tight = Sample(loose.image, None, Instances.of(box, *known, disc[None].to(torch.uint8)))
    turn = Rotate(degrees=45)
    sides = [(out[2] - out[0]) for [out] in (boxes_of(turn(sample, Highest(), CANVAS)) for sample in (loose, tight))]
    assert sides[0] == pytest.approx(21 * 2**0.5, abs=1e-3)  # the box of the turned corners
    assert abs(sides[1] - 21) <= 2  # a turned disc is a disc


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS.keys() - MIXES))
@pytest.mark.parametrize("masks", [False, True])
def test_a_picture_without_objects_goes_through_every_step(name, masks):
    out = step(name, p=1)(objects([], masks=masks), Random(0), CANVAS)
    assert out.instances.boxes.shape == (0, 4)
    assert out.instances.masks is None or out.instances.masks.shape == (0, *out.size)


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS.keys() - MIXES))
def test_what_is_drawn_does_not_depend_on_what_lies_beside_the_image(name):
    sample = objects([[2, 3, 12, 13]], masks=True)
    for seed in range(3):
        draws = [Random(seed) for _ in range(2)]
        with_objects = step(name, p=1)(sample, draws[0], CANVAS).image
        torch.testing.assert_close(with_objects, step(name, p=1)(Sample(sample.image), draws[1], CANVAS).image)
        assert draws[0].random() == draws[1].random()


def test_colours_leave_objects_as_they_are():
    sample = objects([[2, 3, 12, 13]], masks=True)
    for name in ("colour_jitter", "equalize", "blur", "gaussian_noise", "grey"):
        assert step(name, p=1)(sample, Random(0), CANVAS).instances is sample.instances


@pytest.mark.parametrize("masks", [False, True])
def test_what_is_covered_counts_as_lost(masks):
    sample = objects([[0, 0, 10, 4], [12, 0, 18, 4]], (10, 20), masks=masks)
    cover = torch.zeros(10, 20, dtype=torch.bool)
    cover[:, :7] = True
    left = sample.instances.uncovered(cover, min_visible=0.2)
    assert left.visible.tolist() == pytest.approx([0.3, 1])
    assert left.area.tolist() == pytest.approx([12, 24])
    assert left.boxes.tolist() == [[7 if masks else 0, 0, 10, 4], [12, 0, 18, 4]]
    assert sample.instances.uncovered(cover, min_visible=0.31).labels.tolist() == [2]


def test_instances_join_and_are_chosen_row_by_row():
    first, second = (
        objects([[0, 0, 4, 4]], masks=True).instances,
        objects([[1, 2, 9, 9]], labels=[7], masks=True).instances,
    )
    both = first.joined(second)
    assert both.labels.tolist() == [1, 7]
    assert both.masks.shape == (2, 24, 20)
    only = both.chosen(torch.tensor([False, True]))
    assert (only.boxes.tolist(), only.labels.tolist(), len(only)) == ([[1, 2, 9, 9]], [7], 1)
    assert torch.equal(only.masks, second.masks)


def test_the_extent_of_a_mask_holds_all_its_pixels_and_no_more():
    masks = torch.zeros(3, 6, 7, dtype=torch.uint8)
    masks[0, 2, 3] = 1
    masks[1, 1, 6] = masks[1, 5, 0] = 1
    assert extents(masks).tolist() == [[3, 2, 4, 3], [0, 1, 7, 6], [0, 0, 0, 0]]


def test_a_matrix_knows_how_areas_grow():
    assert Matrix(0, -2, 5, 3, 0, 1).zoom == 6
    assert boxes_of(read_augmentation({"rotate90": {"p": 1}})(objects([[2, 3, 7, 13]]), Lowest(), CANVAS)) == [
        [3, 20 - 7, 13, 20 - 2]
    ]
