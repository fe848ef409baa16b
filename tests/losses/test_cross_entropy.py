"""What cross-entropy alone promises: to be torch's own, and what label smoothing does."""

from math import log

import pytest
import torch
from torch.nn import functional as F

from piste.losses import CrossEntropy

WEIGHT = [0.5, 2.0, 3.0]


def sample(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, 3, 7, 5, generator=generator, requires_grad=True)
    return logits, torch.randint(3, (2, 7, 5), generator=generator)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("ignore_index", [None, 1, 255])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_is_torch_cross_entropy(reduction, weight, ignore_index, smoothing) -> None:
    logits, target = sample()
    if ignore_index == 255:
        target[0, 0] = 255
    ours = CrossEntropy(weight=weight, ignore_index=ignore_index, reduction=reduction, label_smoothing=smoothing)
    theirs = F.cross_entropy(
        logits,
        target,
        weight=None if weight is None else torch.tensor(weight),
        ignore_index=-100 if ignore_index is None else ignore_index,
        reduction=reduction,
        label_smoothing=smoothing,
    )
    value = ours(logits, target)
    torch.testing.assert_close(value, theirs)
    slopes = [torch.autograd.grad(each.sum(), logits)[0] for each in (value, theirs)]
    torch.testing.assert_close(*slopes)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_soft_labels_are_torch_cross_entropy(smoothing) -> None:
    logits, _ = sample()
    target = torch.rand(2, 3, 7, 5, generator=torch.Generator().manual_seed(1)).softmax(1)
    value = CrossEntropy(label_smoothing=smoothing)(logits, target)
    torch.testing.assert_close(value, F.cross_entropy(logits, target, label_smoothing=smoothing))


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_one_hot_probabilities_cost_what_their_ids_cost_with_weights_too(smoothing) -> None:
    logits, target = sample()
    one_hot = F.one_hot(target, 3).movedim(-1, 1).float()
    loss = CrossEntropy(weight=WEIGHT, label_smoothing=smoothing)
    torch.testing.assert_close(loss(logits, one_hot), loss(logits, target))


def test_is_binary_cross_entropy_with_sigmoid() -> None:
    logits, _ = sample()
    target = torch.rand(2, 3, 7, 5, generator=torch.Generator().manual_seed(1))
    value = CrossEntropy(activation="sigmoid")(logits, target)
    torch.testing.assert_close(value, F.binary_cross_entropy_with_logits(logits, target))


def test_label_smoothing_puts_the_best_probability_below_one() -> None:
    """Of two classes, e = 0.2 makes the label (0.9, 0.1), which the best p equals: logits ln 9 apart."""
    loss = CrossEntropy(label_smoothing=0.2)
    best, surer, less_sure = (loss(torch.tensor([[x, 0.0]]), torch.tensor([0])) for x in (log(9), 4.0, 1.0))
    assert best < surer
    assert best < less_sure


def test_a_stray_minus_100_raises_instead_of_vanishing() -> None:
    logits, target = sample()
    target[0, 0, 0] = -100
    with pytest.raises((IndexError, RuntimeError), match="out of bounds"):
        CrossEntropy()(logits, target)


@pytest.mark.parametrize("smoothing", [-0.1, 1.1, float("nan"), "0.1", True])
def test_label_smoothing_must_be_a_share(smoothing) -> None:
    with pytest.raises(ValueError, match=r"`label_smoothing` is a share and must be a number >= 0 and <= 1; got"):
        CrossEntropy(label_smoothing=smoothing)
