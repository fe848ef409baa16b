"""Real samples of all kinds, and noise beside them."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError

from piste.data.generation.dataset import GenerationDataset
from piste.data.generation.gaussians import GaussianPoints, centres
from piste.data.generation.images import open_images
from piste.data.generation.recipe import GaussiansRecipe, GenerationDataRecipe
from piste.data.problems import DataError


def write(path: Path, value: int, size: tuple[int, int] = (12, 8)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*size, 3), value, np.uint8)).save(path)


def test_points_lie_around_the_modes_dealt_evenly():
    recipe = GaussiansRecipe(modes=5, radius=3.0, deviation=0.1, train=5000, val=50)
    points, middle = GaussianPoints(recipe, "train").points, centres(recipe)
    assert middle.norm(dim=1).tolist() == pytest.approx([3.0] * 5)
    assert torch.dist(middle[0], middle[1]).item() == pytest.approx(2 * 3 * math.sin(math.pi / 5))
    distance, mode = torch.cdist(points, middle).min(1)
    assert mode.bincount().tolist() == [1000] * 5
    apart = points - middle[mode]
    assert apart.std(0).tolist() == pytest.approx([0.1, 0.1], rel=0.05)
    assert distance.max() < 0.6


def test_splits_and_seeds_have_points_of_their_own():
    def drawn(split="val", seed=0):
        return GaussianPoints(GaussiansRecipe(train=16, val=16, seed=seed), split).points

    assert torch.equal(drawn(), drawn())
    assert not torch.equal(drawn(), drawn("train"))
    assert not torch.equal(drawn(), drawn(seed=1))
    assert not torch.equal(drawn("train"), drawn(seed=1))


def test_noise_depends_on_seed_epoch_and_index_alone():
    points = GaussianPoints(GaussiansRecipe(train=16, val=16), "train")

    def latent(seed=0, epoch=1, index=3, train=True):
        dataset = GenerationDataset(points, 4, seed, train=train)
        dataset.set_epoch(epoch)
        return dataset[index]["latent"]

    state = torch.get_rng_state()
    assert torch.equal(latent(), latent())
    for change in ({"seed": 1}, {"epoch": 2}, {"index": 4}, {"train": False}):
        assert not torch.equal(latent(), latent(**change))
    assert torch.equal(latent(train=False), latent(train=False, epoch=2))
    assert torch.equal(torch.get_rng_state(), state)
    many = torch.stack([latent(index=i) for i in range(16)] + [latent(epoch=e) for e in range(100)])
    assert abs(many.mean()) < 0.2
    assert abs(many.std() - 1) < 0.15


def test_a_folder_of_images_is_read_however_deep(tmp_path: Path):
    for i in range(10):
        write(tmp_path / f"{'in/' * (i % 3)}{i}.png", 25 * i)
    write(tmp_path / ".hidden" / "x.png", 0)
    data = open_images(GenerationDataRecipe(path=tmp_path, split={"ratio": [0.6, 0.4]}))
    assert {name: len(places) for name, places in data.pictures.splits.items()} == {"train": 6, "val": 4}
    assert data.shape == (3, 12, 8)
    assert data.labels is None
    assert data.recipe.grey is False
    reals = data.reals("train", train=True)
    shown = {reals.name(i): reals.real(i).unique().tolist() for i in range(6)}
    for name, values in shown.items():
        expected = 25 * int(Path(name).stem) / 127.5 - 1  # black is -1, white 1
        assert values == pytest.approx([expected], abs=1e-6)


def test_folders_of_classes_keep_their_labels_for_the_judge(tmp_path: Path):
    for kind, value in (("dark", 0), ("light", 255)):
        for i in range(6):
            write(tmp_path / kind / f"{i}.png", value)
    data = open_images(GenerationDataRecipe(path=tmp_path, split={"ratio": [0.5, 0.5], "stratify": True}, grey=True))
    assert data.class_names == ("dark", "light")
    assert data.shape == (1, 12, 8)
    reals = data.reals("val", train=False)
    labels = [2 * int(label) - 1 for label in data.labels["val"]]
    assert [reals.real(i).mean().item() for i in range(len(reals))] == pytest.approx(labels, abs=1e-5)


def test_digits_are_grey_and_limited():
    data = open_images(GenerationDataRecipe(path="digits", limit={"train": 50, "val": 20, "test": 10}))
    assert data.shape == (1, 8, 8)
    assert len(data.reals("train", train=True)) == 50
    assert data.recipe.grey is True
    assert GenerationDataRecipe.model_validate(data.recipe.model_dump(mode="json")) == data.recipe


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"path": "gaussians", "grey": True}, "grey is for images, and gaussians are points"),
        ({"path": "gaussians", "augment": ["flip_horizontal"]}, "augment"),
        ({"path": "digits", "gaussians": {"modes": 3}}, "gaussians goes with path: gaussians; got path: digits"),
        ({"path": "digits", "normalize": "data"}, "normalize is mean 0.5 and std 0.5 in generation"),
        ({"path": "gaussians", "gaussians": {"modes": 0}}, "greater than or equal to 1"),
    ],
)
def test_keys_that_do_not_suit_the_data_are_refused(keys, message):
    with pytest.raises(ValidationError, match=message):
        GenerationDataRecipe(**keys)


def test_data_that_cannot_be_used_are_refused_in_one_line(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"does not exist; built-in data sets: .*gaussians"):
        open_images(GenerationDataRecipe(path=tmp_path / "gausians"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no image"):
        open_images(GenerationDataRecipe(path=tmp_path / "empty"))
    for i in range(8):
        write(tmp_path / "sizes" / f"{i}.png", 0, (8, 8 + i % 2))
    with pytest.raises(DataError, match=r"a batch holds images of one size: add {resize"):
        open_images(GenerationDataRecipe(path=tmp_path / "sizes"))
    for i in range(8):
        write(tmp_path / "broken" / f"{i}.png", 0)
    (tmp_path / "broken" / "x.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"x.png: is empty \(0 bytes\)"):
        open_images(GenerationDataRecipe(path=tmp_path / "broken"))
    (tmp_path / "x.txt").write_text("")
    with pytest.raises(DataError, match="is a file; give a folder of images"):
        open_images(GenerationDataRecipe(path=tmp_path / "x.txt"))
