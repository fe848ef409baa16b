"""An opened data set has its scale and its splits decided; samples follow from seed, epoch and index alone."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from piste.data.problems import DataError
from piste.data.restoration.dataset import SameSize
from piste.data.restoration.opened import open_restoration
from piste.data.restoration.recipe import RestorationDataRecipe
from tests.data.files import picture, save
from tests.data.restoration.test_folder import draw_pairs

NOISE = [{"downscale": {"factor": 2}}, {"noise": {"sigma": [0.0, 0.2]}}]


def opened(path, **keys):
    return open_restoration(RestorationDataRecipe.model_validate({"path": str(path), **keys}))


def draw_clean(folder, count=8, height=12, width=16):
    for seed in range(count):
        save(folder / f"{seed}.png", picture(seed, height, width))
    return folder


@pytest.mark.parametrize("cache", [True, False])
def test_pairs_come_as_they_lie_in_the_files(tmp_path, cache):
    data = opened(draw_pairs(tmp_path, "abcdefgh", scale=3), cache=cache)
    assert data.scale == data.recipe.scale == 3
    assert {split: len(pairs) for split, pairs in data.splits.items()} == {"train": 6, "val": 1, "test": 1}
    item, name = data.dataset("val", train=False)[0], data.splits["val"][0].name
    assert item["image"].dtype == item["target"].dtype == torch.float32
    assert item["target"].shape == (3, 18, 24)
    expected = torch.from_numpy(picture("abcdefgh".index(name), 6, 8)).permute(2, 0, 1) / 255
    torch.testing.assert_close(item["image"], expected)


def test_lakes_are_clean_images():
    data = opened("lakes", degrade=NOISE)
    assert (len(data.splits["train"]), data.scale) == (138, 2)
    item = data.dataset("val", train=False)[3]
    assert (item["image"].shape, item["target"].shape) == ((3, 48, 48), (3, 96, 96))
    with pytest.raises(ValueError, match="holds clean images; say what is to be undone"):
        opened("lakes")


def test_a_training_sample_follows_from_seed_epoch_and_index_alone(tmp_path):
    data = opened(draw_clean(tmp_path), degrade=NOISE, augment=["rotate90", {"crop": {"height": 8, "width": 8}}])
    one, two = data.dataset("train", train=True, seed=4), data.dataset("train", train=True, seed=4)
    one.set_epoch(2)
    two.set_epoch(2)
    torch.manual_seed(0)
    first = [item["image"] for item in (one[0], one[1])]
    state = torch.random.get_rng_state()
    assert torch.equal(two[1]["image"], first[1])
    assert torch.equal(torch.random.get_rng_state(), state)
    two.set_epoch(3)
    assert not torch.equal(two[1]["image"], first[1])
    other = data.dataset("train", train=True, seed=5)
    other.set_epoch(2)
    assert not torch.equal(other[1]["image"], first[1])


def test_workers_that_outlive_an_epoch_hear_of_the_next(tmp_path):
    dataset = opened(draw_clean(tmp_path), degrade=NOISE).dataset("train", train=True)
    loader = DataLoader(dataset, batch_size=6, num_workers=1, persistent_workers=True)
    for epoch in (1, 2):
        dataset.set_epoch(epoch)
        (batch,) = loader
        expected = torch.stack([dataset[i]["image"] for i in range(6)])
        assert torch.equal(batch["image"], expected)


def test_what_is_evaluated_stays_the_same_in_any_epoch_seed_and_split(tmp_path):
    clean = draw_clean(tmp_path)
    data = opened(clean, degrade=NOISE)
    dataset, again = data.dataset("val", train=False), data.dataset("val", train=False, seed=9)
    again.set_epoch(7)
    assert torch.equal(dataset[0]["image"], again[0]["image"])
    name = data.splits["val"][0].name
    to = {name: "test", str((int(name) + 1) % 8): "val"}
    rows = "".join(f"{i},{to.get(str(i), 'train')}\n" for i in range(8))
    (clean / "split.csv").write_text(f"name,split\n{rows}")
    moved = opened(clean, degrade=NOISE).dataset("test", train=False)[0]
    assert moved["name"] == name
    assert torch.equal(moved["image"], dataset[0]["image"])
    images = [item["image"] for item in (dataset[0], data.dataset("test", train=False)[0])]
    assert not torch.equal(images[0], images[1])


def test_targets_are_cut_to_a_multiple_of_the_scale(tmp_path):
    data = opened(draw_clean(tmp_path, height=13, width=17), degrade=[{"downscale": {"factor": 4, "kernel": "area"}}])
    item, name = data.dataset("val", train=False)[0], data.splits["val"][0].name
    assert item["target"].shape == (3, 12, 16)
    pixels = picture(int(name), 13, 17)[:12, :16].astype(np.float64)
    cells = pixels.reshape(3, 4, 4, 4, 3).mean((1, 3)).transpose(2, 0, 1)
    assert np.abs(item["image"].numpy() * 255 - cells).max() <= 0.51


def test_training_images_of_several_sizes_need_a_crop(tmp_path):
    save(draw_clean(tmp_path) / "0.png", picture(0, 10, 16))
    rows = "".join(f"{i},{'val' if i == 7 else 'train'}\n" for i in range(8))
    (tmp_path / "split.csv").write_text(f"name,split\n{rows}")
    with pytest.raises(
        ValueError, match=r"must come in one size, .* 16x10 of 0.png, 16x12 of 1.png; cut them .*height: 10"
    ):
        opened(tmp_path, degrade=NOISE)
    crop = {"crop": {"height": 8, "width": 8}}
    assert opened(tmp_path, degrade=NOISE, augment=[crop, "rotate90"]).dataset("train", train=True)[0][
        "target"
    ].shape == (3, 8, 8)
    with pytest.raises(DataError, match=r"0.png: the crop of 8x12 is larger than 16x10 pixels"):
        opened(tmp_path, degrade=NOISE, augment=[{"crop": {"height": 12, "width": 8}}])
    with pytest.raises(ValueError, match="crop of it must be divisible by that; got a crop of 7x8"):
        opened(tmp_path, degrade=NOISE, augment=[{"crop": {"height": 8, "width": 7}}])


def test_evaluation_batches_hold_one_size_each():
    sizes = [(4, 4), (6, 4), (4, 4), (4, 4), (6, 4)]
    assert list(SameSize(sizes, 2)) == [[0, 2], [3], [1, 4]]
    assert len(SameSize(sizes, 2)) == 3


def test_what_can_not_be_opened_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        opened(tmp_path / "nowhere")
    with pytest.raises(DataError, match="no such folder"):
        opened(tmp_path)
    draw_pairs(tmp_path)
    with pytest.raises(ValueError, match="has no split vall; nearest: val"):
        opened(tmp_path).dataset("vall", train=False)
    (tmp_path / "target/a.jpg").write_bytes((tmp_path / "target/a.jpg").read_bytes()[:-60])
    data = opened(tmp_path, split={"ratio": [0.7, 0.3]}, cache=True)
    split = next(split for split, pairs in data.splits.items() if "a" in [pair.name for pair in pairs])
    with pytest.raises(DataError, match=r"a.jpg: broken image"):
        data.dataset(split, train=False)
