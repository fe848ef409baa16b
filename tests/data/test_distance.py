"""Distance maps of a sample: those of the library, made after augmentation, and nothing where nothing is known."""

import pytest
import torch

from piste.data import SegmentationDataRecipe, open_segmentation
from piste.data.counts import IGNORE_INDEX
from piste.data.dataset import collate
from piste.data.distance import distance_maps
from piste.losses import signed_distance
from tests.data.files import folder


def labels(*shape: int) -> torch.Tensor:
    dice = torch.Generator().manual_seed(3)
    target = torch.randint(3, shape, generator=dice)
    target[torch.rand(shape, generator=dice) < 0.3] = IGNORE_INDEX
    return target


@pytest.mark.parametrize("spacing", [1.0, (0.5, 2.0)])
def test_they_are_those_of_the_library(spacing) -> None:
    target = labels(13, 7)
    got = distance_maps(target, classes=[0, 2], spacing=spacing)
    whole = signed_distance(target[None], classes=3, mask=(target != IGNORE_INDEX)[None], spacing=spacing)
    torch.testing.assert_close(got, whole[0, [0, 2]])


def test_distances_are_real_numbers_and_not_rounded() -> None:
    target = torch.zeros(3, 3, dtype=torch.long)
    target[0, 0] = 1
    expected = torch.tensor([[[-1, 1, 2], [1, 2**0.5, 5**0.5], [2, 5**0.5, 8**0.5]]])
    torch.testing.assert_close(distance_maps(target, classes=[1]), expected)


def test_a_class_that_is_nowhere_or_everywhere_and_an_unknown_sample_have_no_outline() -> None:
    for target in (torch.zeros(4, 5, dtype=torch.long), torch.full((4, 5), IGNORE_INDEX)):
        assert not distance_maps(target, classes=[0, 1]).any()


def test_they_are_those_of_the_augmented_mask_and_padded_with_nothing(tmp_path) -> None:
    folder(tmp_path, split=dict.fromkeys("abcdef", "train") | dict.fromkeys("gh", "val"))
    recipe = SegmentationDataRecipe(
        path=str(tmp_path), classes=["background", "lake"], augment=["rotate90", "vertical_flip"]
    )
    data = open_segmentation(recipe).dataset("train", train=True, distance=lambda target: distance_maps(target, [1]))
    items = [data[i] for i in range(len(data))]
    assert any((item["target"] != data.store[item["index"]][1]).any() for item in items)
    for item in items:
        torch.testing.assert_close(item["distance"], distance_maps(item["target"], [1]))
    batch = collate(items, multiple=32)
    assert batch["distance"].shape == (6, 1, *batch["target"].shape[1:])
    for maps, item in zip(batch["distance"], items, strict=True):
        height, width = item["target"].shape
        assert not maps[:, height:].any()
        assert not maps[..., width:].any()
        torch.testing.assert_close(maps[:, :height, :width], item["distance"])
