"""A mosaic shows windows of four samples, and of each object what is seen of it, where it is seen."""

from random import Random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.tv_tensors import Image, Mask

from piste.data import SegmentationDataRecipe
from piste.data.augment import Canvas, Instances, Pipeline, Sample
from piste.data.augment.instances import extents
from piste.data.augment.mosaic import Mosaic
from piste.data.classification.recipe import ClassificationDataRecipe
from tests.data.augment.test_turns import Highest


def plain(value, height=10, width=12):
    """One colour, one class."""
    return Sample(
        Image(torch.full((3, height, width), value, dtype=torch.uint8)),
        Mask(torch.full((height, width), value, dtype=torch.uint8)),
    )


class InTurn:
    """Partners of colours 1, 2, 3, …"""

    def __init__(self, *sizes):
        self.sizes = sizes
        self.drawn = 0

    def __call__(self, draw):
        self.drawn += 1
        return plain(self.drawn, *(self.sizes[(self.drawn - 1) % len(self.sizes)] if self.sizes else ()))


class InOrder(Highest):
    """The upper end of every range, and no shuffling."""

    def shuffle(self, values):
        return None


def canvas(partner, min_visible=0.0):
    return Canvas("bilinear", (9, 9, 9), 255, min_visible, partner=partner)


def test_four_samples_meet_at_the_drawn_point():
    out = Mosaic(centre=(0.2, 0.75), p=1)(plain(0), InOrder(), canvas(InTurn()))
    wanted = torch.zeros(10, 12, dtype=torch.uint8)
    wanted[:8, 9:] = 1  # 0.75 of 10 is 7.5, rounded to 8; of 12 it is 9
    wanted[8:, :9] = 2
    wanted[8:, 9:] = 3
    assert torch.equal(out.mask, wanted)
    assert torch.equal(out.image, wanted.expand(3, -1, -1))


def test_every_sample_comes_to_every_corner():
    draw, seen = Random(0), set()
    for _ in range(100):
        mask = Mosaic(p=1)(plain(0), draw, canvas(InTurn())).mask
        assert set(mask.unique().tolist()) == {0, 1, 2, 3}
        seen.add(int(mask[0, 0]))
    assert seen == {0, 1, 2, 3}


def test_a_size_of_its_own_and_samples_that_are_smaller():
    out = Mosaic(height=20, width=30, centre=(0.5, 0.5), p=1)(plain(0), InOrder(), canvas(InTurn((4, 30), (40, 6))))
    assert out.size == (20, 30)
    assert (out.mask[0, 15:] == 255).all()  # the second is 4 high in a corner of 10: 3 rows above it
    assert (out.mask[3:7, 15:] == 1).all()
    assert out.image[:, 0, 20].tolist() == [9, 9, 9]


colours = st.integers(0, 10**6)


@settings(deadline=None, max_examples=30)
@given(colours, st.booleans(), st.integers(10, 40), st.integers(10, 40))
def test_boxes_hold_what_is_seen_of_their_objects(seed, masks, height, width):
    """Each object has a colour of its own, so that the picture says where it is."""
    draw, colour = Random(seed), iter(range(10, 250))

    def sample(picked=None):
        high, wide = draw.randint(10, 40), draw.randint(10, 40)
        image, boxes, names = torch.zeros(3, high, wide, dtype=torch.uint8), [], []
        for row in range(0, high - 8, 8):  # one under the other, so that none covers another
            left, top = draw.randint(0, wide - 5), row + draw.randint(0, 2)
            boxes.append((left, top, left + draw.randint(2, 5), top + draw.randint(2, 6)))
            names.append(next(colour))
            image[:, boxes[-1][1] : boxes[-1][3], boxes[-1][0] : boxes[-1][2]] = names[-1]
        table = torch.tensor(boxes, dtype=torch.float32).view(-1, 4)
        planes = (
            torch.stack([image[0] == name for name in names]).byte() if names else torch.zeros(0, high, wide).byte()
        )
        areas, crowd = planes.flatten(1).sum(1).float(), torch.zeros(len(names), dtype=torch.bool)
        labels = torch.tensor(names, dtype=torch.int64)
        return Sample(Image(image), None, Instances.of(table, labels, crowd, areas, planes if masks else None))

    out = Mosaic(height=height, width=width, p=1)(sample(), Random(seed), canvas(sample))
    found = out.instances
    assert out.size == (height, width)
    for label, box, area, place in zip(found.labels, found.boxes, found.area, range(len(found)), strict=True):
        seen = out.image[:1] == label
        torch.testing.assert_close(box, extents(seen)[0])
        assert area == pytest.approx(int(seen.sum()), rel=1e-4)
        if masks:
            assert torch.equal(found.masks[place] > 0, seen[0])
    assert set(out.image.unique().tolist()) - {0, 9} == set(found.labels.tolist())


def test_an_object_of_which_too_little_is_seen_is_dropped():
    """All four samples have an object that fills them: a corner shows a quarter."""

    def full(picked=None):
        box = torch.tensor([[0.0, 0, 12, 10]])
        known = torch.tensor([1]), torch.tensor([False]), torch.tensor([120.0])
        return Sample(plain(1).image, None, Instances.of(box, *known))

    half = Mosaic(centre=(0.5, 0.5), p=1)
    assert len(half(full(), Random(0), canvas(full, min_visible=0.25)).instances) == 4
    assert len(half(full(), Random(0), canvas(full, min_visible=0.26)).instances) == 0


def test_a_pipeline_is_told_where_partners_are_drawn():
    steps = Pipeline([Mosaic(p=1)], canvas(None))
    with pytest.raises(AssertionError, match="sections refuse"):
        steps.sample(plain(0), Random(0))
    image, mask = torch.zeros(3, 10, 12, dtype=torch.uint8), torch.zeros(10, 12, dtype=torch.uint8)
    out = steps.mixing(InTurn())(image, mask, Random(0))
    assert [type(part) for part in out] == [torch.Tensor, torch.Tensor]


def test_what_does_not_apply_is_refused():
    with pytest.raises(ValueError, match="takes height and width, or neither; got one of them"):
        Mosaic(height=3)
    with pytest.raises(ValueError, match="can't have mosaic, which joins the boxes or the masks of several images"):
        ClassificationDataRecipe(path="x", augment=["mosaic"])
    with pytest.raises(ValueError, match="takes only what does the same each time"):
        SegmentationDataRecipe(path="x", evaluate=["mosaic"])
