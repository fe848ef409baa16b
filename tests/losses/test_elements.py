"""What fits together and what is refused, before a loss computes anything."""

import pytest
import torch

from piste.losses import CrossEntropy, Dice, Quadratic
from piste.losses.elements import counted, fit_elements, product

IDS = torch.zeros(2, 7, 5, dtype=torch.long)
LOGITS = torch.zeros(2, 3, 7, 5)


@pytest.mark.parametrize("cls", [CrossEntropy, Dice, Quadratic])
@pytest.mark.parametrize(
    ("logits", "target", "cure"),
    [
        (LOGITS, LOGITS.long(), r'A target of the same shape goes with activation="sigmoid", or holds probabilities'),
        (LOGITS, IDS.float(), r"It came as torch.float32; class ids are integers: target.long\(\)"),
        (LOGITS, IDS.bool(), r"It came as torch.bool"),
        (LOGITS, IDS.unsqueeze(1), r"Class ids are integers \[N, \*S\]"),
        (LOGITS, IDS[:1], r"got \[2, 3, 7, 5\] and \[1, 7, 5\]"),
        (LOGITS[:, :1], IDS, r'One foreground class goes with activation="sigmoid"'),
        (LOGITS.long(), IDS, r"`logits` must be floating"),
        (LOGITS[0, 0, 0], IDS, r"`logits` must be floating, \[N, C, \*S\]; got torch.float32 \[5\]"),
    ],
)
def test_softmax_refuses_what_does_not_fit(cls, logits, target, cure) -> None:
    with pytest.raises(ValueError, match=cure):
        cls()(logits, target)


@pytest.mark.parametrize("cls", [CrossEntropy, Dice, Quadratic])
@pytest.mark.parametrize("target", [IDS, IDS.unsqueeze(1), torch.zeros(2, 3, 7, 1)])
def test_sigmoid_takes_a_target_of_the_shape_of_the_logits_alone(cls, target) -> None:
    with pytest.raises(
        ValueError, match=r'must both be \[N, C, \*S\] with activation="sigmoid".*target.unsqueeze\(1\)'
    ):
        cls(activation="sigmoid")(LOGITS, target)


@pytest.mark.parametrize("cls", [CrossEntropy, Dice, Quadratic])
def test_weights_of_another_length_are_refused(cls) -> None:
    with pytest.raises(ValueError, match=r"`weight` must have one number per class; got 2 for logits of 3 classes"):
        cls(weight=[1.0, 2.0])(LOGITS, IDS)


def test_ignore_index_goes_with_integers() -> None:
    with pytest.raises(ValueError, match=r"`ignore_index` goes with integer targets; got .*torch.float32. Pass mask="):
        CrossEntropy(ignore_index=255)(LOGITS, LOGITS)


@pytest.mark.parametrize("given", [torch.ones(7, 5), torch.ones(1, 2, 7, 5), torch.ones(2, 7, 3), torch.ones(())])
@pytest.mark.parametrize("name", ["mask", "sample_weight"])
def test_a_mask_has_the_axes_of_the_elements(name, given) -> None:
    """Trailing axes alone would be taken for others when sizes happen to agree."""
    with pytest.raises(
        ValueError, match=rf"`{name}` must have the elements' axes, \[2, 7, 5\], each of that size or 1"
    ):
        CrossEntropy()(LOGITS, IDS, **{name: given.bool() if name == "mask" else given})


def test_a_mask_is_bool() -> None:
    with pytest.raises(ValueError, match=r"`mask` must be bool.*got torch.uint8. Use mask.bool\(\)"):
        fit_elements(IDS.shape, torch.ones(2, 7, 5, dtype=torch.uint8), None)


def test_axes_of_size_one_stand_for_all() -> None:
    logits = torch.randn(2, 3, 7, 5, generator=torch.Generator().manual_seed(0))
    per_image = torch.tensor([1.0, 3.0]).view(2, 1, 1)
    each = CrossEntropy(reduction="none")(logits, IDS).mean((1, 2))
    torch.testing.assert_close(CrossEntropy()(logits, IDS, sample_weight=per_image), (each[0] + 3 * each[1]) / 4)


def test_what_counts_is_known_and_unmasked() -> None:
    target = torch.tensor([0, 255, 1])
    mask = torch.tensor([True, True, False])
    assert counted(target, None, None) is None
    assert counted(target, None, mask) is mask
    assert counted(target, 255, None).tolist() == [True, False, True]
    assert counted(target, 255, mask).tolist() == [True, False, False]


def test_product_passes_over_what_is_not_there() -> None:
    assert product(None, None) is None
    assert product(None, torch.tensor(3), torch.tensor(2)) == 6
