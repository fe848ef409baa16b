"""Label losses beside independent implementations."""

import torch
from torch.nn import functional as F

from piste.losses import CrossEntropy

from .conftest import example


def test_cross_entropy_is_torch_s(witness) -> None:
    logits, target = example(5, 7, 3), torch.arange(15).view(5, 3) % 7
    witness("cross_entropy", "torch cross_entropy", CrossEntropy()(logits, target), F.cross_entropy(logits, target))
