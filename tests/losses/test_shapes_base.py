"""What losses of shape share: labels in every form, ignored pixels, classes without an order, weights by class."""

import pytest
import torch
from torch.nn import functional as F

from piste.losses import ClDice, GradientDifference, Hausdorff

DICE = torch.Generator().manual_seed(0)
LOGITS = torch.randn(2, 3, 9, 8, generator=DICE, dtype=torch.float64)
TARGET = torch.randint(3, (2, 9, 8), generator=DICE)
KEEP = torch.rand(2, 9, 8, generator=DICE) < 0.7
LOSSES = pytest.mark.parametrize("cls", [Hausdorff, ClDice, GradientDifference])


@LOSSES
def test_a_label_costs_the_same_however_it_is_written(cls) -> None:
    one_hot = F.one_hot(TARGET, 3).movedim(-1, 1)
    torch.testing.assert_close(cls()(LOGITS, one_hot.double()), cls()(LOGITS, TARGET))
    loss = cls(activation="sigmoid")
    torch.testing.assert_close(loss(LOGITS, one_hot), loss(LOGITS, one_hot.double()))
    torch.testing.assert_close(loss(LOGITS, one_hot.bool()), loss(LOGITS, one_hot))


@LOSSES
def test_an_ignored_pixel_is_as_a_masked_one(cls) -> None:
    ignoring = cls(ignore_index=255)(LOGITS, TARGET.where(KEEP, 255))
    torch.testing.assert_close(ignoring, cls()(LOGITS, TARGET, mask=KEEP))
    assert ignoring != cls()(LOGITS, TARGET)


@LOSSES
def test_classes_have_no_order(cls) -> None:
    order = torch.tensor([2, 0, 1])
    moved = cls(weight=[3.0, 1.0, 2.0])(LOGITS[:, order], order.argsort()[TARGET])
    torch.testing.assert_close(moved, cls(weight=[1.0, 2.0, 3.0])(LOGITS, TARGET))


@LOSSES
def test_is_the_mean_of_what_classes_and_images_cost_by_their_weights(cls) -> None:
    each = cls(reduction="none")(LOGITS, TARGET)
    weighed = cls(weight=[1.0, 0.0, 3.0])(LOGITS, TARGET)
    torch.testing.assert_close(weighed, (each[:, 0] + 3 * each[:, 2]).mean() / 4)
    by_image = torch.tensor([1.0, 4.0]).view(2, 1, 1)
    torch.testing.assert_close(cls()(LOGITS, TARGET, sample_weight=by_image), (each[0] + 4 * each[1]).mean() / 5)


@LOSSES
def test_of_a_volume_of_one_layer_is_that_of_the_layer(cls) -> None:
    torch.testing.assert_close(cls()(LOGITS.unsqueeze(2), TARGET.unsqueeze(1)), cls()(LOGITS, TARGET))


@LOSSES
def test_as_many_weights_and_classes_as_there_are(cls) -> None:
    with pytest.raises(ValueError, match="`weight` must have one number per class; got 2 for logits of 3 classes"):
        cls(weight=[1.0, 2.0])(LOGITS, TARGET)
    with pytest.raises(ValueError, match="`classes` must lie below the 3 of `logits`"):
        cls(classes=[3])(LOGITS, TARGET)


@pytest.mark.parametrize("axes", [0, 4])
def test_images_have_one_to_three_axes(axes) -> None:
    logits = torch.zeros(1, 2, *[2] * axes)
    with pytest.raises(ValueError, match=r"`logits` must have one to three axes of pixels"):
        ClDice()(logits, torch.zeros(1, *[2] * axes, dtype=torch.long))
