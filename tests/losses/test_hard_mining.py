"""What hard mining alone promises: the mean over the hardest share of what counts, of any loss of labels."""

from math import ceil

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from piste.losses import (
    Asymmetric,
    BinaryCrossEntropy,
    BiTempered,
    CrossEntropy,
    Focal,
    HardMining,
    Poly,
    Quadratic,
    QualityFocal,
    SquaredError,
    SymmetricCrossEntropy,
)

WEIGHT = [0.5, 3.0, 1.0]
EXCLUSIVE = [
    CrossEntropy(weight=WEIGHT, ignore_index=255),
    CrossEntropy(label_smoothing=0.1),
    Focal(weight=WEIGHT),
    Poly(),
    Quadratic(weight=WEIGHT, ignore_index=1),
    SymmetricCrossEntropy(weight=WEIGHT, ignore_index=255),
    BiTempered(weight=WEIGHT, label_smoothing=0.1),
]
INDEPENDENT = [
    BinaryCrossEntropy(pos_weight=3.0, weight=WEIGHT),
    Focal(activation="sigmoid", alpha=0.25),
    Asymmetric(weight=WEIGHT, ignore_index=255),
    QualityFocal(),
    BiTempered(activation="sigmoid", weight=WEIGHT),
]


def _batch(loss, *, soft: bool) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
    dice = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(2, 3, 5, 7, generator=dice, dtype=torch.float64)
    shape = (2, 5, 7) if loss.activation == "softmax" else (2, 3, 5, 7)
    call = {"mask": torch.rand(shape, generator=dice) < 0.7, "sample_weight": torch.rand(shape, generator=dice)}
    target = torch.randint(3 if loss.activation == "softmax" else 2, shape, generator=dice)
    if soft:
        noise = torch.randn(2, 3, 5, 7, generator=dice, dtype=torch.float64)
        target = noise.softmax(1) if loss.activation == "softmax" else noise.sigmoid()
        everywhere = call["mask"].unsqueeze(1) if loss.activation == "softmax" else call["mask"]
        target = target.where(everywhere, torch.nan)
    elif loss.ignore_index == 255:
        target[:, 0] = 255
    return logits, target, call


@pytest.mark.parametrize("loss", EXCLUSIVE + INDEPENDENT, ids=repr)
@pytest.mark.parametrize("soft", [False, True])
def test_keeping_all_is_the_loss_inside_value_and_slope(loss, soft) -> None:
    if soft and loss.ignore_index is not None:
        loss = type(loss)(**{**loss.arguments, "ignore_index": None})
    logits, target, call = _batch(loss, soft=soft)
    found = []
    for each in (HardMining(loss=loss, keep=1.0), loss):
        leaf = logits.clone().requires_grad_()
        value = each(leaf, target, **call)
        found.append((value, *torch.autograd.grad(value, leaf)))
    torch.testing.assert_close(*found)


@given(st.integers(1, 40), st.floats(0.01, 1.0))
def test_a_share_is_kept_rounded_up(number, keep) -> None:
    logits = torch.randn(number, 3, generator=torch.Generator().manual_seed(number), dtype=torch.float64)
    target = torch.arange(number) % 3
    hardest = CrossEntropy(reduction="none")(logits, target).sort(descending=True).values
    expected = hardest[: ceil(round(keep * number, 3))].mean()
    torch.testing.assert_close(HardMining(keep=round(keep * number, 3) / number)(logits, target), expected)


@pytest.mark.parametrize(("number", "keep", "kept"), [(25, 0.6, 15), (50, 0.3, 15), (100, 0.15, 15), (3, 0.01, 1)])
def test_a_share_that_is_a_whole_number_is_not_rounded_up(number, keep, kept) -> None:
    """In float32, 0.6 * 25 comes out above 15."""
    logits = torch.arange(number).double().unsqueeze(1) * torch.tensor([[0.0, 1.0]])
    hardest = CrossEntropy(reduction="none")(logits, torch.zeros(number, dtype=torch.long))[-kept:]
    torch.testing.assert_close(HardMining(keep=keep)(logits, torch.zeros(number, dtype=torch.long)), hardest.mean())


@pytest.mark.parametrize("loss", [CrossEntropy(weight=[1.0, 9.0]), CrossEntropy()])
def test_weights_price_what_is_kept_and_do_not_choose_it(loss) -> None:
    logits = torch.tensor([[0.0, 3.0], [0.0, 2.0], [0.0, -1.0], [0.0, -0.5]])  # -ln p of 0, 0, 1, 1: falling from 3
    target = torch.tensor([0, 0, 1, 1])
    value = HardMining(loss=loss, keep=0.5)(logits, target, sample_weight=torch.tensor([1.0, 3.0, 100.0, 100.0]))
    each = CrossEntropy(reduction="none")(logits, target)
    torch.testing.assert_close(value, (each[0] + 3 * each[1]) / 4)


def test_only_what_is_kept_pulls_and_ties_are_kept_together() -> None:
    logits = torch.tensor([[0.0, 0.0], [0.0, 0.0], [5.0, 0.0], [6.0, 0.0]], requires_grad=True)
    HardMining(keep=0.25)(logits, torch.zeros(4, dtype=torch.long)).backward()
    pulled = torch.tensor([[-0.25, 0.25], [-0.25, 0.25], [0.0, 0.0], [0.0, 0.0]])
    torch.testing.assert_close(logits.grad, pulled)


def test_what_does_not_count_is_not_among_those_to_choose_from() -> None:
    logits = torch.tensor([[0.0, 9.0], [0.0, 8.0], [0.0, 1.0], [0.0, 2.0]])
    loss = HardMining(loss=CrossEntropy(ignore_index=255), keep=0.5)
    value = loss(logits, torch.tensor([255, 0, 0, 0]), mask=torch.tensor([True, False, True, True]))
    torch.testing.assert_close(value, CrossEntropy()(logits[3:], torch.tensor([0])))


def test_the_loss_inside_stays_as_it_is_and_says_how_to_call() -> None:
    inner = Focal(gamma=1.0, activation="sigmoid", ignore_index=7)
    loss = HardMining(loss=inner)
    assert loss.loss is inner
    assert inner.reduction == "mean"
    assert (loss.activation, loss.ignore_index) == ("sigmoid", 7)
    assert repr(loss) == "HardMining(loss=Focal(gamma=1.0, activation='sigmoid', ignore_index=7))"


@pytest.mark.parametrize(
    "nonsense", [CrossEntropy(reduction="none"), SquaredError(), HardMining(), Focal, "focal", 0.5]
)
def test_only_a_mean_of_labels_can_be_mined(nonsense) -> None:
    with pytest.raises(ValueError, match=r'`loss` must be a loss of labels with reduction="mean", .*; got'):
        HardMining(loss=nonsense)


@pytest.mark.parametrize("keep", [0, -0.5, 1.5, "all"])
def test_keep_is_a_share(keep) -> None:
    with pytest.raises(ValueError, match=r"`keep` is a share and must be a number > 0 and <= 1; got"):
        HardMining(keep=keep)
