"""check() finds what is wrong with the values of a batch, says it in one line, and leaves a good batch alone."""

import pytest
import torch

from piste.losses import CTC, BinaryCrossEntropy, Boundary, BoxIoU, CrossEntropy, Dice, Focal, Hausdorff, Huber, check
from piste.losses.labels.base import LabelLoss

LOGITS = torch.randn(2, 3, 7, 5, generator=torch.Generator().manual_seed(0))
IDS = torch.randint(3, (2, 7, 5), generator=torch.Generator().manual_seed(1))
SHARES = torch.rand(2, 3, 7, 5, generator=torch.Generator().manual_seed(2)).softmax(1)


def changed(tensor: torch.Tensor, value: float) -> torch.Tensor:
    """The tensor with another value at the one place [1, 0, ...]."""
    other = tensor.clone()
    other[(1, *[0] * (tensor.dim() - 1))] = value
    return other


@pytest.mark.parametrize(
    ("loss", "prediction", "target"),
    [
        (CrossEntropy(), LOGITS, IDS),
        (CrossEntropy(ignore_index=255), LOGITS, changed(IDS, 255)),
        (CrossEntropy(), LOGITS, SHARES),
        (Dice(), LOGITS.bfloat16(), SHARES.bfloat16()),
        (Dice(activation="sigmoid"), LOGITS, SHARES),
        (BinaryCrossEntropy(), LOGITS, SHARES > 0.4),
        (Huber(), LOGITS, SHARES),
        (lambda prediction, target: (prediction - target).abs().mean(), LOGITS, SHARES),
    ],
)
def test_a_good_batch_passes_and_is_left_alone(loss, prediction, target) -> None:
    before = prediction.clone()
    prediction.requires_grad_(False)
    with torch.no_grad():
        assert check(loss, prediction, target) is None
    assert prediction.grad is None
    assert not prediction.requires_grad
    torch.testing.assert_close(prediction, before, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("loss", "prediction", "target", "words"),
    [
        (CrossEntropy(), LOGITS, changed(IDS, 3), r"must hold class ids 0 to 2; got 3 at \[1, 0, 0\] \(1 of 70\)"),
        (CrossEntropy(), LOGITS, changed(IDS, -100), r"class ids 0 to 2; got -100 .* Set ignore_index="),
        (CrossEntropy(ignore_index=3), LOGITS, changed(IDS, 4), "class ids 0 to 2; got 4"),
        (CrossEntropy(), LOGITS, changed(SHARES, 1.5), r"`target` must lie in \[0, 1\]; got 1.5 at \[1, 0, 0, 0\]"),
        (CrossEntropy(), LOGITS, SHARES / 2, r"must sum to 1 over the classes; got 0.5 at \[0, 0, 0\] \(70 of 70\)"),
        (
            Dice(activation="sigmoid"),
            LOGITS,
            SHARES * 255,
            r"must lie in \[0, 1\]; .* Divide a mask of 0 and 255 by 255",
        ),
        (BinaryCrossEntropy(), LOGITS, changed((SHARES > 0.4).long(), 2), "must hold labels 0 to 1; got 2"),
        (BinaryCrossEntropy(), LOGITS, changed(SHARES, float("nan")), r"must lie in \[0, 1\]; got nan"),
        (Huber(), LOGITS, changed(SHARES, float("inf")), "`target` must be finite; got inf.* Pass mask="),
        (Focal(), changed(LOGITS, float("nan")), IDS, r"the prediction must be finite; got nan at \[1, 0, 0, 0\]"),
        (Focal(), LOGITS.long(), IDS, "the prediction must be floating; got torch.int64"),
        (Focal(), LOGITS, SHARES[:, 0], r"`logits` must be \[N, C, \*S\] and `target` \[N, \*S\]"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(loss, prediction, target, words) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        check(loss, prediction, target)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("target", [changed(IDS, 99), changed(SHARES, float("nan")), changed(SHARES, 0.9)])
def test_nothing_is_asked_of_what_is_masked(target) -> None:
    mask = torch.ones(2, 7, 5, dtype=torch.bool)
    mask[1] = False
    check(CrossEntropy(), LOGITS, target, mask=mask)
    with pytest.raises(ValueError, match="`target`"):
        check(CrossEntropy(), LOGITS, target, mask=~mask)


def test_an_unknown_value_may_be_masked() -> None:
    mask = torch.ones(2, 3, 7, 5, dtype=torch.bool)
    mask[1] = False
    check(Huber(), LOGITS, changed(SHARES, float("nan")), mask=mask)


@pytest.mark.parametrize("weight", [-1.0, float("nan")])
def test_a_sample_weight_is_finite_and_not_negative(weight) -> None:
    sample_weight = changed(torch.ones(2, 7, 5), weight)
    with pytest.raises(ValueError, match=r"`sample_weight` must be finite and >= 0; got .* at \[1, 0, 0\]"):
        check(CrossEntropy(), LOGITS, IDS, sample_weight=sample_weight)


class Root(LabelLoss):
    """Infinitely steep where the truth is certain."""

    def phi(self, log_p: torch.Tensor) -> torch.Tensor:
        """Take the root."""
        return (-log_p).sqrt()


def test_a_value_or_slope_that_is_not_finite_is_found() -> None:
    with pytest.raises(ValueError, match="the loss must be finite; got inf"):
        check(lambda prediction, target: prediction.sum() / 0, LOGITS.abs(), IDS)
    with pytest.raises(ValueError, match="the gradient must be finite; got"):
        check(Root(), torch.tensor([[1e4, 0.0]]), torch.tensor([0]))


def test_a_value_without_gradient_is_found() -> None:
    elsewhere = torch.ones((), requires_grad=True)
    for loss in (
        lambda prediction, target: prediction.argmax(1).sum().float(),
        lambda prediction, target: elsewhere * 2,
    ):
        with pytest.raises(ValueError, match="the loss must have a gradient"):
            check(loss, LOGITS, IDS)


def test_a_sure_label_and_a_weight_of_0_are_nothing_wrong() -> None:
    check(Focal(activation="sigmoid"), torch.zeros(1, 1, 2), torch.tensor([[[1.0, 0.0]]]))
    check(CrossEntropy(), torch.zeros(2, 2), torch.tensor([0, 1]), sample_weight=torch.tensor([0.0, 1.0]))


class TestTargetsByName:
    logits = torch.zeros(1, 2, 1, 3)
    labels = torch.tensor([[[0, 1, 7]]])

    def test_a_loss_that_reads_labels_is_handed_them(self) -> None:
        with pytest.raises(ValueError, match="`target` must hold class ids 0 to 1; got 7"):
            check(CrossEntropy(), self.logits, {"labels": self.labels, "distance": self.logits})

    def test_maps_must_be_finite(self) -> None:
        maps = torch.tensor([[[[0.0, 1.0, float("nan")]]]]).expand(1, 2, 1, 3)
        with pytest.raises(ValueError, match=r"`distance` must be finite; got nan at \[0, 0, 0, 2\] \(2 of 6\)"):
            check(Boundary(), self.logits, {"labels": self.labels.clamp(max=1), "distance": maps})
        check(Boundary(), self.logits, {"distance": maps.nan_to_num()})

    def test_a_loss_of_shapes_has_its_labels_looked_at(self) -> None:
        with pytest.raises(ValueError, match="`target` must hold class ids 0 to 1; got 7"):
            check(Hausdorff(), self.logits, self.labels)

    def test_boxes_must_be_finite_and_their_weights_too(self) -> None:
        boxes = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
        with pytest.raises(ValueError, match="`target` must be finite; got inf at"):
            check(BoxIoU(), boxes, boxes + torch.inf)
        with pytest.raises(ValueError, match="`sample_weight` must be finite and >= 0; got -1 at"):
            check(BoxIoU(), boxes, boxes + 0.5, sample_weight=torch.tensor([-1.0]))
        check(BoxIoU(), boxes, boxes + 0.5, sample_weight=torch.tensor([1.0]))

    def test_what_else_a_call_takes_is_handed_on(self) -> None:
        logits, text = torch.zeros(1, 2, 3), torch.tensor([[1, 2]])
        lengths = {"logit_lengths": torch.tensor([2]), "target_lengths": torch.tensor([2])}
        check(CTC(), logits, text, **lengths)
        with pytest.raises(ValueError, match=r"the loss must be finite; got inf\. A line has no alignment"):
            check(CTC(), logits, text.clamp(max=1), **lengths)
