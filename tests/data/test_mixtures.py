"""Steps that mix samples draw them from the split that they are in, by seed, epoch and index alone."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from piste.data import SegmentationDataRecipe, open_segmentation
from piste.data.detection import DetectionDataRecipe, open_detection
from tests.data.files import folder, picture

SPLIT = dict.fromkeys("abcd", "train") | dict.fromkeys("ef", "val")
MIXED = [{"copy_paste": {"p": 1.0, "share": 0.8}}, {"mosaic": {"p": 1.0}}, "horizontal_flip"]


@pytest.mark.parametrize("cache", [True, False])
def test_mosaics_of_a_folder_show_its_training_images_alone(tmp_path, cache):
    folder(tmp_path, "abcdef", split=SPLIT)
    recipe = SegmentationDataRecipe(path=str(tmp_path), classes=["background", "lake"], augment=MIXED, cache=cache)
    data = open_segmentation(recipe)
    training = {tuple(pixel) for seed in range(4) for pixel in picture(seed).reshape(-1, 3).tolist()}
    seen = set()
    for epoch in range(4):
        image, mask = data.augmented(1, epoch)
        assert image.shape == (6, 8, 3)
        assert mask.shape == (6, 8)
        seen |= {tuple(pixel) for pixel in image.reshape(-1, 3).tolist()}
    assert seen <= training
    assert len(seen) > 48  # of one image there would be 48
    np.testing.assert_array_equal(data.raw("val", 0)[0], picture(4))


def test_workers_draw_what_one_process_draws():
    augment = [{"copy_paste": {"outline": "ellipse"}}, {"mosaic": {"p": 1.0}}, "rotate90"]
    data = open_detection(DetectionDataRecipe(path="trees", augment=augment))
    dataset = data.dataset("train", train=True, seed=5)
    dataset.set_epoch(2)
    alone = [dataset[index] for index in range(6)]
    loader = DataLoader(
        torch.utils.data.Subset(dataset, range(6)), batch_size=3, num_workers=2, collate_fn=data.collate
    )
    batches = list(loader)
    for place, item in enumerate(alone):
        batch = batches[place // 3]
        assert torch.equal(batch["image"][place % 3], item["image"])
        assert torch.equal(batch["targets"][place % 3]["boxes"], item["target"]["boxes"])
    boxes = torch.cat([item["target"]["boxes"] for item in alone])
    assert ((boxes[:, 2:] - boxes[:, :2]) >= 1).all()
    assert boxes.min() >= 0
    assert boxes.max() <= 256
