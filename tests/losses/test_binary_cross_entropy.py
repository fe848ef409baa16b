"""What binary cross-entropy alone promises: to be torch's own, and what pos_weight does."""

import pytest
import torch
from torch.nn import functional as F

from piste.losses import BinaryCrossEntropy, spec_of


def sample() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 7, 5, generator=generator, requires_grad=True)
    return logits, torch.rand(2, 3, 7, 5, generator=generator)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("pos_weight", [1.0, 5.0, [0.5, 2.0, 7.0]])
def test_is_torch_bce_with_logits(reduction, pos_weight) -> None:
    logits, target = sample()
    factor = torch.tensor(pos_weight)
    theirs = F.binary_cross_entropy_with_logits(
        logits, target, pos_weight=factor.view(-1, 1, 1) if factor.dim() else factor, reduction=reduction
    )
    value = BinaryCrossEntropy(pos_weight=pos_weight, reduction=reduction)(logits, target)
    torch.testing.assert_close(value, theirs)
    slopes = [torch.autograd.grad(each.sum(), logits)[0] for each in (value, theirs)]
    torch.testing.assert_close(*slopes)


@pytest.mark.parametrize("pos_weight", [1.0, 5.0, [0.5, 2.0, 7.0]])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_bool_integer_and_float_labels_cost_the_same(pos_weight, smoothing) -> None:
    logits, target = sample()
    loss = BinaryCrossEntropy(pos_weight=pos_weight, label_smoothing=smoothing)
    yes = target > 0.5
    torch.testing.assert_close(loss(logits, yes), loss(logits, yes.float()))
    torch.testing.assert_close(loss(logits, yes.long()), loss(logits, yes.float()))


def test_pos_weight_prices_positives_alone_and_is_not_divided_by() -> None:
    logits, target = sample()
    yes = target > 0.5
    plain = BinaryCrossEntropy(reduction="none")(logits, yes)
    expected = (plain[~yes].sum() + 9 * plain[yes].sum()) / yes.numel()
    torch.testing.assert_close(BinaryCrossEntropy(pos_weight=9.0)(logits, yes), expected)


def test_label_smoothing_turns_one_into_one_minus_half_of_it() -> None:
    logits, _ = sample()
    smoothed = BinaryCrossEntropy(label_smoothing=0.2)(logits, torch.ones_like(logits))
    torch.testing.assert_close(smoothed, BinaryCrossEntropy()(logits, torch.full_like(logits, 0.9)))


def test_ignored_integer_labels_do_not_count() -> None:
    logits, target = sample()
    labels = (target > 0.5).long()
    labels[0] = 255
    value = BinaryCrossEntropy(ignore_index=255)(logits, labels)
    torch.testing.assert_close(value, BinaryCrossEntropy()(logits[1:], labels[1:]))


def test_leans_to_recall_above_one_and_to_precision_below() -> None:
    spec = spec_of(BinaryCrossEntropy)
    leanings = [spec.leaning(pos_weight=w) for w in (0.5, 1.0, 3.0, [1.0, 9.0])]
    assert leanings == ["precision", "neither", "recall", "neither"]
    assert spec.leaning() == "neither"


def test_softmax_is_refused_with_the_loss_to_use() -> None:
    with pytest.raises(ValueError, match=r"`activation` must be \"sigmoid\".*got 'softmax'.*CrossEntropy"):
        BinaryCrossEntropy(activation="softmax")


@pytest.mark.parametrize("pos_weight", [-1.0, float("inf"), "3", None])
def test_pos_weight_must_be_a_factor(pos_weight) -> None:
    with pytest.raises(ValueError, match="`pos_weight`"):
        BinaryCrossEntropy(pos_weight=pos_weight)


def test_pos_weight_must_have_one_number_per_class() -> None:
    logits, target = sample()
    with pytest.raises(ValueError, match=r"`pos_weight` must have one number per class; got 2 for .* 3 classes"):
        BinaryCrossEntropy(pos_weight=[1.0, 2.0])(logits, target)
