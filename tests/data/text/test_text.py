"""Folders of lines: what is read of them, how they are shown, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError

from piste.data.problems import DataError
from piste.data.text.check import check_text
from piste.data.text.dataset import NOTHING, collate
from piste.data.text.recipe import TextDataRecipe
from piste.data.text.text import open_text

TEXTS = ["one", "two more", "tree", "fé", "9", "ten"]
SPLITS = ["train", "train", "train", "val", "val", "test"]


def folder_of(path: Path, texts=TEXTS, splits=SPLITS, header="path,text,split") -> Path:
    """Grey images whose width is ten pixels a character and whose grey is their number times ten."""
    (path / "images").mkdir(parents=True)
    rows = [header]
    for i, (text, split) in enumerate(zip(texts, splits, strict=True)):
        Image.fromarray(np.full((20, 10 * len(text)), 10 * i, np.uint8)).save(path / "images" / f"{i}.png")
        rows.append(f'images/{i}.png,"{text}",{split}')
    (path / "labels.csv").write_text("\n".join(rows) + "\n", "utf-8")
    return path


@pytest.fixture
def folder(tmp_path):
    return folder_of(tmp_path / "lines")


def opened(path, **settings):
    return open_text(TextDataRecipe.model_validate({"path": path, "height": 16} | settings))


def test_lines_go_where_the_labels_say(folder):
    data = opened(folder)
    assert {split: data.lines(split) for split in data.splits} == {
        "train": ["one", "two more", "tree"],
        "val": ["fé", "9"],
        "test": ["ten"],
    }
    assert data.alphabet.characters == " emnortw"
    assert data.unknown == {"train": {}, "val": {"f": 1, "é": 1, "9": 1}, "test": {}}
    assert data.widths("train") == [24, 64, 32]
    assert data.path("val", 1) == folder / "images" / "4.png"
    assert data.recipe.split.file == "labels.csv"
    assert open_text(data.recipe).recipe == data.recipe


def test_a_line_keeps_its_shape_and_its_pixels(folder):
    for cache in (True, False):
        data = opened(folder, cache=cache, normalize={"mean": [0.0] * 3, "std": [1.0] * 3})
        item = data.dataset("train", train=True)[1]
        assert item["image"].shape == (3, 16, 64)
        torch.testing.assert_close(item["image"], torch.full((3, 16, 64), 10 / 255))
        assert torch.equal(data.image("train", 1), torch.full((3, 16, 64), 10, dtype=torch.uint8))
        assert item["name"] == "images/1.png"


def test_a_batch_is_padded_and_knows_its_lengths(folder):
    data = opened(folder)
    dataset = data.dataset("val", train=False)
    batch = collate([dataset[0], dataset[1]])
    assert batch["image"].shape == (2, 3, 16, 16)
    assert batch["width"] == [16, 8]
    assert (batch["image"][1, :, :, 8:] == 0).all()
    assert (batch["image"][1, :, :, :8] != 0).all()
    assert batch["length"] == [0, 0]  # what the model can't write is left out of the target, and stays in the truth
    assert [data.alphabet.text(row) for row in batch["truth"].tolist()] == ["fé", "9"]
    assert batch["truth"].tolist()[1][1:] == [NOTHING]
    assert (batch["truth"][batch["truth"] != NOTHING] >= data.alphabet.classes).all()
    dataset = data.dataset("train", train=False)
    batch = collate([dataset[i] for i in range(3)])
    assert batch["length"] == [3, 8, 4]
    assert [data.alphabet.text(row) for row in batch["target"].tolist()] == ["one", "two more", "tree"]


def test_the_mean_of_training_images_is_black_once_normalised(folder):
    data = opened(folder, normalize="data")
    pixels = torch.cat([data.dataset("train", train=False)[i]["image"].flatten(1) for i in range(3)], 1)
    torch.testing.assert_close(pixels.mean(1), torch.zeros(3), rtol=0, atol=1e-4)


def test_augmentation_follows_from_seed_epoch_and_index(folder):
    data = opened(folder, augment=[{"gaussian_noise": {"p": 1.0, "sigma": [0.1, 0.1]}}, {"rotate": {"degrees": 3}}])

    def drawn(epoch, seed=0):
        dataset = data.dataset("train", train=True, seed=seed)
        dataset.set_epoch(epoch)
        return dataset[1]["image"]

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))
    assert not torch.equal(drawn(1), drawn(1, seed=1))
    plain = data.dataset("train", train=False)[1]["image"]
    assert (plain == plain[:, :1, :1]).all()


def test_a_given_alphabet_holds_and_may_lack_nothing_of_training(folder):
    data = opened(folder, alphabet="enorwtm éf9z")
    assert data.alphabet.characters == "enorwtm éf9z"
    assert not any(data.unknown.values())
    with pytest.raises(
        DataError, match=r"labels.csv: data.alphabet lacks characters of training lines: 'r' \(2 times\)"
    ):
        opened(folder, alphabet="enowtm ")


def test_every_character_of_a_text_may_be_in_the_alphabet(tmp_path):
    data = opened(folder_of(tmp_path / "x", ["a\u00a0b", "q\u0301 z", "a"], ["train", "train", "val"]))
    assert data.alphabet.characters == " abqz\u00a0\u0301"
    assert open_text(data.recipe).alphabet.characters == data.alphabet.characters


def test_without_a_column_lines_are_dealt_out_by_ratio(tmp_path):
    path = folder_of(tmp_path / "x", [f"line {i}" for i in range(20)], [""] * 20, header="path,text,note")
    data = opened(path, split={"ratio": [0.5, 0.25, 0.25], "seed": 3})
    assert {split: len(places) for split, places in data.splits.items()} == {"train": 10, "val": 5, "test": 5}
    assert sorted(place for places in data.splits.values() for place in places) == list(range(20))
    assert {split: len(places) for split, places in opened(path).splits.items()} == {"train": 14, "val": 3, "test": 3}


def test_a_split_file_and_groups_work_for_lines(folder):
    (folder / "split.csv").write_text("name,split\n" + "".join(f"images/{i}.png,{s}\n" for i, s in enumerate(SPLITS)))
    assert opened(folder, split="file").splits == opened(folder).splits
    (folder / "labels.csv").write_text(
        "path,text,writer\n" + "".join(f"images/{i}.png,ab,{'xyz'[i // 2]}\n" for i in range(6))
    )
    splits = opened(
        folder, split={"file": "labels.csv", "ratio": [0.34, 0.33, 0.33], "group": {"column": "writer"}}
    ).splits
    assert sorted(tuple(sorted(places)) for places in splits.values()) == [(0, 1), (2, 3), (4, 5)]


def test_the_built_in_lines_open(tmp_path):
    lines = {"train": 12, "val": 4, "test": 3}
    data = opened("lines", lines=lines, normalize="data")
    assert {split: len(places) for split, places in data.splits.items()} == lines
    assert data.recipe.lines.train == 12
    assert open_text(data.recipe).recipe == data.recipe
    assert check_text(data.recipe) == []
    for index, text in enumerate(data.lines("train")):
        assert data.dataset("train", train=False)[index]["image"].shape == (3, 16, data.widths("train")[index])
        assert data.widths("train")[index] > 2 * len(text)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("images/0.png,one,train,more", "row 2 has more cells than the header; put a text with a comma"),
        (",one,train", "row 2 has no path"),
        ("images/0.png,  ,train", "row 2 has no text for images/0.png"),
        ('images/0.png,"a\nb",train', r"row 2 has '\\n' in the text"),
        ("images/0.png,one,train\nimages/0.png,two,val", "row 3 names images/0.png again"),
        ("images/7.png,one,train", r"images/7.png: no such file"),
        ("images/0.png,one,train\nimages/1.png,two,vall", "split 'vall'; nearest: val"),
        ("images/0.png,one,train", "puts no image into val"),
        ("", "has no rows"),
    ],
)
def test_bad_labels_are_refused_in_one_line(folder, rows, words):
    (folder / "labels.csv").write_text(f"path,text,split\n{rows}\n")
    with pytest.raises(DataError, match=words) as caught:
        opened(folder)
    assert "\n" not in str(caught.value)
    assert any(str(problem) in str(caught.value) for problem in check_text(TextDataRecipe(path=str(folder))))


def test_missing_parts_are_named(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        opened(tmp_path / "nowhere")
    (folder / "labels.csv").write_text("file,text\na,b\n")
    with pytest.raises(DataError, match="has no column path"):
        opened(folder)
    (folder / "labels.csv").unlink()
    with pytest.raises(DataError, match=r"no such file; a folder of lines holds a CSV file"):
        opened(folder)


def test_a_check_finds_broken_files_and_lines_in_two_splits(folder):
    recipe = TextDataRecipe(path=str(folder))
    assert check_text(recipe) == []
    (folder / "images" / "4.png").write_bytes((folder / "images" / "0.png").read_bytes())
    whole = (folder / "images" / "5.png").read_bytes()
    (folder / "images" / "5.png").write_bytes(whole[:50])
    found = [str(problem) for problem in check_text(recipe)]
    assert len(found) == 2
    assert "4.png: is the same picture as 0.png, but one is in val and the other in train" in found[0]
    assert "5.png" in found[1]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"alphabet": "aba"}, "'a' stands there twice"),
        ({"alphabet": ""}, "in one string"),
        ({"alphabet": "a\n"}, "composed characters"),
        ({"augment": ["horizontal_flip"]}, "horizontal_flip would turn, cut or resize lines"),
        ({"prepare": [{"resize": {"smallest": 16, "p": 1.0}}]}, "resize would turn, cut or resize lines"),
        ({"lines": {"train": 3}}, "`data.lines` describes the built-in data set lines"),
        ({"path": "lines", "split": "file"}, "`data.split` does not apply to lines"),
        ({"path": "lines", "window": [0, 9]}, "`data.window` does not apply to lines"),
        ({"path": "lines", "labels": "x.csv"}, "`data.labels` does not apply to lines"),
        ({"path": "lines", "cache": False}, "`data.cache` can't be off"),
        ({"path": "lines", "lines": {"words": [3, 1]}}, "low to high"),
        ({"path": "lines", "lines": {"sizes": [3, 10]}}, "greater than or equal to 8"),
        ({"split": {"ratio": [0.5, 0.5], "stratify": True}}, "stratify` does not apply to text"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, words):
    with pytest.raises(ValidationError) as caught:
        TextDataRecipe.model_validate({"path": "somewhere"} | settings)
    assert words in str(caught.value)
