"""Classes are counted by pixel and by image, and what is ignored counts for nothing."""

import numpy as np

from piste.balance import ClassCounts
from piste.data.counts import count_classes


def test_counts_follow_from_the_masks():
    masks = [[[0, 0, 1, 255]], [[2, 2, 2, 2]], [[0, 255, 255, 255]], [[255, 255, 255, 255]]]
    assert count_classes((np.array(mask, np.uint8) for mask in masks), classes=4) == ClassCounts(
        pixels=(3, 1, 4, 0),
        images=(2, 1, 1, 0),
        containing=(3 + 1, 3, 4, 0),  # class 0: three pixels count in the first image, one in the third
        total=8,
    )


def test_no_mask_has_no_counts():
    assert count_classes([], classes=2) == ClassCounts((0, 0), (0, 0), (0, 0), 0)
