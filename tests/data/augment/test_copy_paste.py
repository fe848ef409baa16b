"""Objects of another sample are put on this one, whole or not at all, and what they cover is lost."""

import math
from random import Random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.tv_tensors import Image, Mask

from piste.data import SegmentationDataRecipe, open_segmentation
from piste.data.augment import Canvas, Instances, Sample
from piste.data.augment.copy_paste import CopyPaste
from piste.data.augment.instances import extents
from piste.data.detection import DetectionDataRecipe
from tests.data.files import folder


class Straight(Random):
    """Not mirrored, not moved; every chance that is asked for later is as given."""

    def __init__(self, *chances):
        super().__init__(0)
        self.chances = [0.9, *chances]

    def random(self):
        return self.chances.pop(0) if self.chances else super().random()

    def randint(self, a, b):
        return 0


def classes(rows):
    """A sample whose picture shows ten times its mask."""
    mask = torch.tensor(rows, dtype=torch.uint8)
    return Sample(Image((mask * 10).expand(3, -1, -1)), Mask(mask))


def canvas(other, background=0, min_visible=0.0):
    return Canvas("bilinear", (0, 0, 0), 255, min_visible, partner=lambda draw: other, background=background)


PARTNER = classes([[1, 1, 0, 0, 2], [0, 1, 0, 0, 2], [0, 0, 0, 0, 0], [3, 0, 0, 2, 255]])


def test_components_are_pasted_whole_or_not_at_all():
    """Four objects, class by class: the 1s, the 2s above, the 2 below, the 3."""
    own = classes([[4] * 5] * 4)
    out = CopyPaste().apply(own, Straight(0.1, 0.9, 0.1, 0.9), canvas(PARTNER))
    assert out.mask.tolist() == [[1, 1, 4, 4, 4], [4, 1, 4, 4, 4], [4] * 5, [4, 4, 4, 2, 4]]
    assert torch.equal(out.image, (out.mask * 10).expand(3, -1, -1))


def test_share_is_the_chance_of_each_object():
    own = classes([[4] * 5] * 4)
    assert torch.equal(CopyPaste(share=0).apply(own, Straight(), canvas(PARTNER)).mask, own.mask)
    out = CopyPaste(share=1).apply(own, Straight(), canvas(PARTNER)).mask
    assert torch.equal(out, torch.where((PARTNER.mask > 0) & (PARTNER.mask < 255), PARTNER.mask, own.mask))


def test_any_class_may_be_the_background():
    own = classes([[4] * 5] * 4)
    out = CopyPaste(share=1).apply(own, Straight(), canvas(PARTNER, background=1)).mask
    assert torch.equal(out, torch.where((PARTNER.mask != 1) & (PARTNER.mask < 255), PARTNER.mask, own.mask))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), *[st.integers(4, 12)] * 4, st.integers(0, 3))
def test_a_picture_that_is_its_mask_stays_its_mask(seed, height, width, other_height, other_width, background):
    generator = torch.Generator().manual_seed(seed)
    own = classes(torch.randint(0, 4, (height, width), generator=generator).tolist())
    other = classes(torch.randint(0, 4, (other_height, other_width), generator=generator).tolist())
    draw = Random(seed)
    for _ in range(5):
        out = CopyPaste(share=0.7).apply(own, draw, canvas(other, background=background))
        assert torch.equal(out.image, (out.mask * 10).expand(3, -1, -1))
        assert out.mask.shape == (height, width)
        changed = out.mask[out.mask != own.mask]
        assert background not in changed.tolist()


def objects(boxes, colour, size=(20, 30), masks=False, crowd=()):
    """A picture with a rectangle of each colour from `colour` on, which is its label, too."""
    image = torch.zeros(3, *size, dtype=torch.uint8)
    planes = torch.zeros(len(boxes), *size, dtype=torch.uint8)
    for place, (left, top, right, bottom) in enumerate(boxes):
        image[:, top:bottom, left:right] = colour + place
        planes[place, top:bottom, left:right] = 1
    table = torch.tensor(boxes, dtype=torch.float32).view(-1, 4)
    labels = torch.arange(colour, colour + len(boxes))
    crowds = torch.tensor([place in crowd for place in range(len(boxes))], dtype=torch.bool)
    areas = planes.flatten(1).sum(1).float()
    return Sample(Image(image), None, Instances.of(table, labels, crowds, areas, planes if masks else None))


def test_boxes_are_pasted_with_what_is_in_them_and_cover_what_was_there():
    own = objects([(0, 0, 10, 10), (20, 0, 30, 10)], 1)
    other = objects([(5, 0, 15, 10), (20, 15, 24, 19)], 101)
    out = CopyPaste(outline="box").apply(own, Straight(0.1, 0.9), canvas(other))
    assert out.instances.labels.tolist() == [1, 2, 101]
    assert out.instances.visible.tolist() == pytest.approx([0.5, 1, 1])
    assert out.instances.area.tolist() == pytest.approx([50, 100, 100])
    assert (out.image[:, :10, 5:15] == 101).all()
    assert (out.image[:, :10, :5] == 1).all()
    strict = CopyPaste(outline="box").apply(own, Straight(0.1, 0.9), canvas(other, min_visible=0.6))
    assert strict.instances.labels.tolist() == [2, 101]


def test_an_ellipse_leaves_the_corners_of_its_box():
    own, other = objects([], 1, (40, 60)), objects([(10, 5, 50, 35)], 101, (40, 60))
    out = CopyPaste(outline="ellipse").apply(own, Straight(0.1), canvas(other))
    seen = out.image[:1] == 101
    assert extents(seen).tolist() == [[10, 5, 50, 35]] == out.instances.boxes.tolist()
    assert int(seen.sum()) == pytest.approx(math.pi / 4 * 40 * 30, rel=0.01)
    assert not seen[0, 5, 10]


@pytest.mark.parametrize("masks", [False, True])
def test_a_crowd_is_never_pasted(masks):
    own, other = objects([], 1, masks=masks), objects([(0, 0, 10, 10), (20, 5, 26, 9)], 101, masks=masks, crowd=[0])
    step = CopyPaste(outline="mask" if masks else "box", share=1)
    out = step.apply(own, Straight(), canvas(other))
    assert out.instances.labels.tolist() == [102]
    assert not (out.image == 101).any()


rectangle = st.tuples(st.integers(0, 22), st.integers(0, 13), st.integers(2, 8), st.integers(2, 7)).map(
    lambda r: (r[0], r[1], r[0] + r[2], r[1] + r[3])
)


@settings(deadline=None, max_examples=40)
@given(rectangle, rectangle, st.booleans(), st.integers(0, 10**6))
def test_boxes_and_masks_are_where_the_picture_shows_them(first, second, masks, seed):
    own, other = objects([first], 1, masks=masks), objects([second], 101, (24, 34), masks=masks)
    out = CopyPaste(outline="mask" if masks else "box", share=1).apply(own, Random(seed), canvas(other))
    found = out.instances
    for place, (label, box, area) in enumerate(zip(found.labels, found.boxes, found.area, strict=True)):
        seen = out.image[:1] == label
        assert area == pytest.approx(int(seen.sum()))
        if masks or label == 101:  # a box without a mask stays as it was, whatever covers a part of it
            torch.testing.assert_close(box, extents(seen)[0])
        if masks:
            assert torch.equal(out.instances.masks[place] > 0, seen[0])
    assert set(out.image.unique().tolist()) - {0} == set(out.instances.labels.tolist())


def test_what_does_not_apply_is_refused(tmp_path):
    message = "copy_paste.outline must be mask, for here objects have masks; got ellipse"
    with pytest.raises(ValueError, match=message):
        SegmentationDataRecipe(path="lakes", augment=[{"copy_paste": {"outline": "ellipse"}}])
    with pytest.raises(ValueError, match=r"copy_paste.outline must be box or ellipse, or data.masks true; got mask"):
        DetectionDataRecipe(path="trees", augment=["copy_paste"])
    with pytest.raises(ValueError, match=r"copy_paste.outline must be mask, where data.masks is true; got box"):
        DetectionDataRecipe(path="trees", masks=True, augment=[{"copy_paste": {"outline": "box"}}])
    settled = {"path": str(folder(tmp_path)), "classes": ["land", "lake"], "augment": ["copy_paste"]}
    with pytest.raises(ValueError, match=r"copy_paste needs to know what is no object; name that class in data.backgr"):
        open_segmentation(SegmentationDataRecipe(**settled))
    assert open_segmentation(SegmentationDataRecipe(**settled, background="land"))
