"""Images in batches: the same sample whoever draws it, normalised, in colour or in grey, all of one size."""

from pathlib import Path
from random import getstate

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from piste.data.picture_data import PictureData, sets_size, settle_statistics
from piste.data.picture_dataset import collate_pictures
from piste.data.pictures import ImageArray, ImageFiles, numbered
from piste.data.problems import DataError
from piste.data.section import ImagesSection
from tests.data.files import picture, save

SHIFTS = [{"shift_scale_rotate": {"p": 1.0}}, "gaussian_noise"]


def data(section: ImagesSection, count: int = 7) -> PictureData:
    pixels = np.stack([picture(i, 6, 5) for i in range(count)])
    pictures = ImageArray(pixels, numbered("x", count))
    return settle_statistics(section, pictures, {"train": range(1, count), "val": [0]})[1]


def section(**keys: object) -> ImagesSection:
    return ImagesSection.model_validate({"path": "x", "normalize": "data", **keys})


def test_a_sample_follows_from_seed_epoch_and_index_alone() -> None:
    loaders = []
    for workers in (0, 2):
        dataset = data(section(augment=SHIFTS)).dataset("train", torch.arange(6), train=True, seed=5)
        dataset.set_epoch(3)
        loaders.append(list(DataLoader(dataset, batch_size=4, num_workers=workers, collate_fn=collate_pictures)))
    for ours, theirs in zip(*loaders, strict=True):
        assert torch.equal(ours["image"], theirs["image"])
        assert ours["name"] == theirs["name"]
    again = data(section(augment=SHIFTS)).dataset("train", torch.arange(6), train=True, seed=5)
    again.set_epoch(4)
    assert not torch.equal(again[0]["image"], loaders[0][0]["image"][0])


def test_reading_leaves_the_random_state_of_the_process_alone() -> None:
    dataset = data(section(augment=SHIFTS)).dataset("train", torch.arange(6), train=True)
    before = getstate(), torch.get_rng_state()
    _ = dataset[0]
    assert getstate() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])


def test_images_are_normalised_by_the_training_images() -> None:
    dataset = data(section()).dataset("train", torch.arange(6), train=False)
    images = torch.stack([dataset[i]["image"] for i in range(6)])
    torch.testing.assert_close(images.mean((0, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(images.std((0, 2, 3), correction=0), torch.ones(3), atol=1e-4, rtol=0)


def test_one_channel_is_the_grey_of_the_image() -> None:
    statistics = {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}
    dataset = data(section(normalize=statistics)).dataset("val", torch.arange(1), train=False, channels=1)
    red, green, blue = (picture(0, 6, 5) / 255).transpose(2, 0, 1)
    expected = (0.299 * red + 0.587 * green + 0.114 * blue - 0.5) / 0.25
    torch.testing.assert_close(dataset[0]["image"], torch.tensor(expected[None]).float())


@pytest.mark.parametrize("cache", [True, False])
def test_files_and_arrays_show_the_same(tmp_path: Path, cache: bool) -> None:
    paths = [save(tmp_path / f"{i}.png", picture(i, 6, 5)) for i in range(3)]
    files = PictureData(section(cache=cache, normalize="imagenet"), ImageFiles(paths, ["a", "b", "c"]), {"val": [2, 0]})
    assert np.array_equal(files.shown("val", 0), picture(2, 6, 5))
    assert files.store("val").name(1) == "a"


def test_mixed_sizes_are_refused_unless_a_step_makes_them_equal(tmp_path: Path) -> None:
    paths = [save(tmp_path / f"{i}.png", picture(i, 6, 5 + i)) for i in range(2)]
    pictures = ImageFiles(paths, ["a", "b"])
    with pytest.raises(DataError, match=r"b: is 6x6 pixels \(width x height\), but a is 5x6; a batch holds images of"):
        settle_statistics(section(), pictures, {"train": [0, 1]})
    for keys in (
        {"prepare": [{"resize": {"height": 4, "width": 4}}]},
        {"evaluate": [{"centre_crop": {"height": 4, "width": 4}}], "augment": [{"crop": {"height": 4, "width": 4}}]},
    ):
        settle_statistics(section(**keys), pictures, {"train": [0, 1]})
    with pytest.raises(DataError, match="a batch holds images of one size"):
        settle_statistics(section(augment=[{"crop": {"height": 4, "width": 4}}]), pictures, {"train": [0, 1]})
    assert not sets_size(section(prepare=[{"resize": {"longest": 4}}]).prepare)
    dataset = settle_statistics(section(), pictures, {"train": [0], "val": [1]})[1]
    items = [dataset.dataset(split, torch.arange(1), train=False)[0] for split in ("train", "val")]
    with pytest.raises(ValueError, match=r"b is 6x6 pixels .* and a 5x6: images of a batch must have one size"):
        collate_pictures(items)


def test_broken_files_are_all_named(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"")
    (tmp_path / "y.png").write_text("not an image")
    with pytest.raises(DataError, match=r"is empty .* \(1 more") as caught:
        ImageFiles([tmp_path / "x.png", tmp_path / "y.png"], ["x", "y"])
    assert len(caught.value.problems) == 2
