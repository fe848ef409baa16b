"""What the mean of cross-entropy and overlap alone promises: to be just that, whatever the keywords."""

import pytest
import torch

from piste.losses import CrossEntropy, CrossEntropyIoU, Jaccard

LOGITS = torch.randn(2, 3, 7, 5, generator=torch.Generator().manual_seed(0))
TARGET = torch.randint(3, (2, 7, 5), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("both", "overlap_only"),
    [
        ({}, {}),
        ({"weight": [1.0, 5.0, 0.2]}, {}),
        ({"ignore_index": 1}, {}),
        ({}, {"per_image": True}),
        ({}, {"classes": [0, 2]}),
        ({"ignore_index": 1}, {"absent": "formula"}),
    ],
)
def test_is_the_mean_of_its_halves(both, overlap_only) -> None:
    keep = torch.rand(2, 7, 5, generator=torch.Generator().manual_seed(2)) > 0.3
    halves = CrossEntropy(**both), Jaccard(**both, **overlap_only)
    entropy, overlap = (half(LOGITS, TARGET, mask=keep) for half in halves)
    value = CrossEntropyIoU(**both, **overlap_only)(LOGITS, TARGET, mask=keep)
    torch.testing.assert_close(value, (entropy + overlap) / 2)


def test_of_independent_labels_too() -> None:
    target = torch.rand(2, 3, 7, 5, generator=torch.Generator().manual_seed(2))
    halves = CrossEntropy(activation="sigmoid"), Jaccard(activation="sigmoid")
    entropy, overlap = (half(LOGITS, target) for half in halves)
    torch.testing.assert_close(CrossEntropyIoU(activation="sigmoid")(LOGITS, target), (entropy + overlap) / 2)


def test_has_no_reduction_since_it_is_made_of_two() -> None:
    with pytest.raises(TypeError, match="reduction"):
        CrossEntropyIoU(reduction="sum")


def test_prints_itself_and_not_its_halves() -> None:
    assert repr(CrossEntropyIoU(per_image=True)) == "CrossEntropyIoU(per_image=True)"
