"""What the model is shown depends on (seed, epoch, index) alone, whoever draws it, and batches pad what differs."""

import pickle

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from piste.data import DataError, SegmentationDataRecipe, open_segmentation
from piste.data.dataset import collate
from tests.data.files import folder, picture, save

AUGMENT = ["horizontal_flip", "rotate", "colour_jitter", "gaussian_noise"]


@pytest.fixture
def data(tmp_path):
    folder(tmp_path, split=dict.fromkeys("abcdef", "train") | dict.fromkeys("gh", "val"))
    return open_segmentation(
        SegmentationDataRecipe(path=str(tmp_path), classes=["background", "lake"], augment=AUGMENT)
    )


def test_an_image_is_normalised_and_its_target_is_indices(data):
    item = data.dataset("val", train=False)[1]
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    pixels = torch.from_numpy(picture(7)).float() / 255  # h is the eighth picture
    torch.testing.assert_close(item["image"], ((pixels - mean) / std).permute(2, 0, 1))
    assert item["target"].dtype == torch.int64
    assert item["target"].sum() == 5
    assert (item["index"], item["name"]) == (1, "h")


def epochs(data, seed=0, **loader):
    """Two epochs of augmented images in batches of four, of which the second is drawn by workers that live on."""
    dataset = data.dataset("train", train=True, seed=seed)
    batches = DataLoader(dataset, batch_size=4, collate_fn=data.collate(), generator=torch.Generator(), **loader)
    found = []
    for epoch in (1, 2):
        dataset.set_epoch(epoch)
        found.append(torch.cat([batch["image"] for batch in batches]))
    return found


@pytest.mark.parametrize(
    "loader",
    [
        {"num_workers": 1},
        {"num_workers": 2},
        {"num_workers": 2, "persistent_workers": True},
        {"num_workers": 1, "persistent_workers": True, "prefetch_factor": 8},
        pytest.param(
            {"num_workers": 1, "persistent_workers": True, "multiprocessing_context": "spawn"}, marks=pytest.mark.slow
        ),
    ],
    ids=str,
)
def test_workers_draw_what_the_process_draws(data, loader):
    torch.testing.assert_close(epochs(data, **loader), epochs(data), rtol=0, atol=0)


def test_epochs_seeds_and_samples_draw_differently(data):
    first, second = epochs(data)
    assert not torch.equal(first, second)
    other, _ = epochs(data, seed=1)
    assert not torch.equal(first, other)
    torch.testing.assert_close(epochs(data), [first, second], rtol=0, atol=0)


def test_equal_images_are_drawn_differently(tmp_path):
    folder(tmp_path, split=dict.fromkeys("abcdef", "train") | dict.fromkeys("gh", "val"))
    for name in "abcdef":
        save(tmp_path / f"images/{name}.png", picture(0))
    noise = [{"gaussian_noise": {"p": 1, "sigma": [0.1, 0.1]}}]
    data = open_segmentation(SegmentationDataRecipe(path=str(tmp_path), classes=["background", "lake"], augment=noise))
    assert not np.array_equal(data.augmented(0, epoch=1)[0], data.augmented(1, epoch=1)[0])


def test_evaluation_does_not_augment(data):
    dataset = data.dataset("train", train=False)
    first = dataset[0]["image"]
    dataset.set_epoch(5)
    torch.testing.assert_close(dataset[0]["image"], first, rtol=0, atol=0)


def test_reading_leaves_the_process_s_random_state(data):
    dataset = data.dataset("train", train=True)
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()
    [dataset[index] for index in range(len(dataset))]
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == np.random.get_state()[1].tolist()


def test_a_dataset_travels_with_its_epoch(data):
    dataset = data.dataset("train", train=True)
    dataset.set_epoch(7)
    there = pickle.loads(pickle.dumps(dataset))
    torch.testing.assert_close(there[2]["image"], dataset[2]["image"], rtol=0, atol=0)


def test_a_file_that_breaks_in_a_worker_is_named_in_one_line(tmp_path):
    folder(tmp_path, split=dict.fromkeys("abcdef", "train") | dict.fromkeys("gh", "val"))
    data = open_segmentation(SegmentationDataRecipe(path=str(tmp_path), classes=["background", "lake"], cache=False))
    (tmp_path / "images/c.png").write_bytes(b"")
    loader = DataLoader(data.dataset("train", train=True), num_workers=1, collate_fn=data.collate())
    with pytest.raises(DataError) as caught:
        list(loader)
    assert str(caught.value) == f"{tmp_path}/images/c.png: is empty (0 bytes); restore the file or remove it"


def item(height, width, name="a"):
    return {
        "image": torch.ones(3, height, width),
        "target": torch.ones(height, width, dtype=torch.int64),
        "index": height,
        "name": name,
    }


def test_samples_of_one_size_are_stacked():
    batch = collate([item(4, 6, "a"), item(4, 6, "b")], multiple=2)
    assert batch["image"].shape == (2, 3, 4, 6)
    assert batch["target"].shape == (2, 4, 6)
    assert batch["index"].tolist() == [4, 4]
    assert batch["name"] == ["a", "b"]


@pytest.mark.parametrize(("multiple", "size"), [(1, (5, 6)), (2, (6, 6)), (4, (8, 8)), (32, (32, 32))])
def test_samples_of_many_sizes_are_padded_with_what_counts_for_nothing(multiple, size):
    batch = collate([item(4, 6), item(5, 3)], multiple)
    assert batch["image"].shape == (2, 3, *size)
    assert batch["target"].shape == (2, *size)
    assert batch["target"].dtype == torch.int64
    for place, (height, width) in enumerate([(4, 6), (5, 3)]):
        assert (batch["image"][place, :, :height, :width] == 1).all()
        assert (batch["target"][place, :height, :width] == 1).all()
        assert batch["image"][place].sum() == 3 * height * width  # 0 everywhere else
        assert (batch["target"][place] == 255).sum() == size[0] * size[1] - height * width


def test_augmented_oblong_images_come_in_one_batch(data):
    turned = open_segmentation(data.recipe.resolved(augment=["rotate90"]))
    dataset = turned.dataset("train", train=True)
    (batch,) = DataLoader(dataset, batch_size=6, collate_fn=turned.collate(4))
    assert batch["image"].shape == (6, 3, 8, 8)
    assert (batch["target"] != 255).sum() == 6 * 6 * 8
