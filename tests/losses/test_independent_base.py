"""What losses of independent labels share: they refuse exclusive classes, and class weights divide the mean."""

import pytest
import torch

from piste.losses import Asymmetric, QualityFocal, Varifocal

LOSSES = [Asymmetric, QualityFocal, Varifocal]


@pytest.mark.parametrize("cls", LOSSES)
def test_exclusive_classes_are_refused(cls) -> None:
    with pytest.raises(ValueError, match=r'`activation` must be "sigmoid", .*; got \'softmax\''):
        cls(activation="softmax")


@pytest.mark.parametrize("cls", LOSSES)
def test_the_mean_is_over_the_weights_of_the_classes(cls) -> None:
    logits, target = torch.tensor([[1.0, -2.0], [0.5, 3.0]]), torch.tensor([[1, 0], [0, 1]])
    each = cls(reduction="none")(logits, target)
    expected = (each * torch.tensor([3.0, 1.0])).sum() / 8
    torch.testing.assert_close(cls(weight=[3.0, 1.0])(logits, target), expected)
