"""Independent labels: how their masks are coded and counted, and what is said of folders that lack something."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from piste.balance import ClassCounts
from piste.data.check import check_folder
from piste.data.distance import distance_maps
from piste.data.labelled import Combinations, LabelMasks
from piste.data.problems import DataError
from piste.data.recipe import SegmentationDataRecipe
from piste.data.segmentation import SegmentationData, open_segmentation
from piste.data.summary import summarise
from tests.data.files import picture, save
from tests.data.labelled import NAMES, SIDE, UNKNOWN, drawn, labelled


@pytest.fixture
def town(tmp_path: Path) -> Path:
    return labelled(tmp_path / "town", {"train": 6, "val": 3, "test": 2})


def recipe(folder: Path, **settings: object) -> SegmentationDataRecipe:
    given = {"path": str(folder), "labels": list(NAMES), "ignore": [UNKNOWN], **settings}
    return SegmentationDataRecipe.model_validate(given)


def opened(folder: Path, **settings: object) -> SegmentationData:
    return open_segmentation(recipe(folder, **settings))


def states_of(folder: Path, name: str) -> np.ndarray:
    """Read by hand: 0, 1, or 255 where the value is unknown."""
    planes = [np.asarray(Image.open(folder / "masks" / label / f"{name}.png")) for label in NAMES]
    return np.stack([np.where(plane == UNKNOWN, 255, plane > 0) for plane in planes])


@pytest.mark.parametrize("cache", [True, False])
def test_codes_stand_for_what_the_files_hold(town: Path, cache: bool) -> None:
    data = opened(town, cache=cache)
    assert data.class_names == NAMES
    assert data.background is None
    assert data.combinations is not None
    for split in data.splits:
        dataset = data.dataset(split, train=False)
        for i in range(len(dataset)):
            item = dataset[i]
            states = data.combinations.states(item["target"])
            assert np.array_equal(states.numpy(), states_of(town, item["name"]))
    # none; roof, shadow, both, each with or without road; and, in the first row, roof or none with shadow unknown
    assert len(data.combinations.keys) == 8 + 2


def test_what_no_label_knows_has_no_code(tmp_path: Path) -> None:
    folder = labelled(tmp_path / "town", {"train": 2, "val": 1})
    for label in NAMES:
        save(folder / "masks" / label / "train0.png", np.full((SIDE, SIDE), UNKNOWN, np.uint8))
    data = opened(folder)
    assert data.combinations is not None
    assert (data.dataset("train", train=False)[0]["target"] == 255).all()
    assert (data.combinations.states(torch.tensor([[255]])) == 255).all()
    assert all(key != 3**3 - 1 for key in data.combinations.keys)
    assert data.counts.total == SIDE * SIDE


def test_labels_are_counted_one_by_one(town: Path) -> None:
    counts = opened(town).counts
    per = {
        name: sum(int((states_of(town, f"train{i}")[k] == 1).sum()) for i in range(6)) for k, name in enumerate(NAMES)
    }
    assert per == {"roof": 6 * 96, "shadow": 6 * 90, "road": 6 * 64}  # the first row of shadows is unknown
    whole = 6 * SIDE * SIDE
    expected = ClassCounts((6 * 96, 6 * 90, 6 * 64), (6, 6, 6), (whole, whole - 6 * SIDE, whole), whole)
    assert counts == expected
    assert summarise(opened(town)).splits["train"].counts == expected


def test_distance_maps_are_those_of_each_label(town: Path) -> None:
    data = opened(town)
    assert data.combinations is not None
    target = data.dataset("train", train=False)[0]["target"]
    maps = data.combinations.distance_maps(target)
    for k in range(len(NAMES)):
        alone = torch.from_numpy(states_of(town, "train0")[k]).long()
        torch.testing.assert_close(maps[k], distance_maps(alone, classes=[1])[0])


@pytest.mark.parametrize("steps", [["mosaic"], ["copy_paste"], [{"rotate": {"degrees": 40}}], ["horizontal_flip"]])
def test_augmentation_keeps_every_pixel_as_one_of_its_images_has_it(town: Path, steps: list[object]) -> None:
    data = opened(town, augment=steps, interpolation="nearest", fill=7)
    assert data.combinations is not None
    for i in range(3):
        image, codes = data.augmented(i, epoch=1)
        states = data.combinations.states(torch.from_numpy(codes)).numpy()
        inside = (image != 7).all(-1)  # filled from outside
        assert inside.any()
        for k in range(len(NAMES)):
            known = inside & (states[k] != 255)
            assert np.array_equal(states[k][known] == 1, image[..., k][known] == 255)


def test_copy_paste_takes_what_has_a_label_and_leaves_the_rest(tmp_path: Path) -> None:
    folder = labelled(tmp_path / "town", {"train": 2, "val": 1})
    bare, ground = np.full((SIDE, SIDE, 3), 40, np.uint8), np.full((SIDE, SIDE, 3), 80, np.uint8)
    ground[4:12, 4:12] = (255, 0, 0)
    save(folder / "images" / "train0.png", bare)
    save(folder / "images" / "train1.png", ground)
    for label in NAMES:
        save(folder / "masks" / label / "train0.png", np.zeros((SIDE, SIDE), np.uint8))
        roof = (ground[..., 0] == 255) & (label == "roof")
        save(folder / "masks" / label / "train1.png", roof.astype(np.uint8))
    data = opened(folder, labels=["roof"], augment=[{"copy_paste": {"p": 1.0, "share": 1.0}}], interpolation="nearest")
    pasted = 0
    for epoch in range(8):
        image, codes = data.augmented(0, epoch=epoch)
        assert set(np.unique(image[..., 0])) <= {40, 255}
        assert np.array_equal(codes == 1, image[..., 0] == 255)
        pasted += int((codes == 1).any())
    assert pasted > 0


def test_a_split_can_have_as_much_of_any_label_everywhere(tmp_path: Path) -> None:
    folder = labelled(tmp_path / "town", {"train": 8, "val": 8})
    for i in range(8):  # half of the images have nothing
        for label in NAMES:
            save(folder / "masks" / label / f"val{i}.png", np.zeros((SIDE, SIDE), np.uint8))
    data = opened(folder, split={"ratio": [0.5, 0.5], "stratify": True})
    for samples in data.splits.values():
        assert sum(sample.name.startswith("val") for sample in samples) == 4


def test_too_many_combinations_are_refused(tmp_path: Path) -> None:
    labels = [f"l{k}" for k in range(9)]
    numbers = np.arange(256, dtype=np.int64).reshape(16, 16)
    for k, label in enumerate(labels):
        save(tmp_path / label / "a.png", ((numbers >> k) % 2).astype(np.uint8))
    masks = LabelMasks(tuple(tmp_path / label / "a.png" for label in labels))
    with pytest.raises(DataError, match="256 combinations of labels in their pixels, and 255 can be told apart"):
        Combinations.found([masks], 9, (), tmp_path)
    numbers[15, 15] = 0
    for k, label in enumerate(labels):
        save(tmp_path / label / "a.png", ((numbers >> k) % 2).astype(np.uint8))
    found = Combinations.found([masks], 9, (), tmp_path)
    assert np.array_equal((found.states(torch.from_numpy(found.read(masks))) == 1).sum(0).numpy(), _bits(numbers))


def _bits(numbers: np.ndarray) -> np.ndarray:
    return np.vectorize(lambda number: int(number).bit_count())(numbers)


def test_a_mask_that_changes_while_it_is_used_is_named(town: Path) -> None:
    data = opened(town, cache=False)
    everything = np.full((SIDE, SIDE), 255, np.uint8)
    everything[0] = 0
    for label in NAMES:
        save(town / "masks" / label / "val0.png", everything)
    save(town / "masks" / "shadow" / "val0.png", np.where(drawn()["shadow"], 0, everything))
    save(town / "masks" / "roof" / "val0.png", np.full((SIDE, SIDE), UNKNOWN, np.uint8))
    with pytest.raises(DataError, match="has changed since it was first read"):
        data.dataset("val", train=False)[0]


def said(folder: Path, **settings: object) -> list[str]:
    found = [str(problem) for problem in check_folder(recipe(folder, **settings))]
    assert all("\n" not in text for text in found)
    if found:
        with pytest.raises(DataError):
            opened(folder, **settings)
    return found


def test_a_sound_folder_has_nothing_wrong(town: Path) -> None:
    assert said(town) == []


def test_what_a_folder_lacks_is_named(town: Path) -> None:
    (town / "masks" / "road" / "val1.png").unlink()
    save(town / "masks" / "roof" / "val0.png", np.zeros((SIDE, SIDE + 1), np.uint8))
    save(town / "masks" / "shadow" / "extra.png", np.zeros((SIDE, SIDE), np.uint8))
    save(town / "masks" / "road" / "train2.png", picture(1, SIDE, SIDE))
    (town / "masks" / "road" / "train3.png").unlink()
    save(town / "masks" / "road" / "train3.jpg", np.zeros((SIDE, SIDE), np.uint8))
    (town / "masks" / "roof" / "test0.png").write_bytes(b"")
    found = said(town)
    for words in (
        "images/val1.png: image without mask of road: add masks/road/val1.png",
        "masks/roof/val0.png: is 17x16 pixels (width x height) but its image val0.png is 16x16",
        "masks/shadow/extra.png: mask without image",
        "masks/road/train2.png: is a mask in colour",
        "masks/road/train3.jpg: is a JPEG",
        "masks/roof/test0.png:",
    ):
        assert sum(words in text for text in found) == 1, (words, found)


def test_a_label_without_a_folder_or_a_pixel_is_named(town: Path) -> None:
    assert any("no such folder for the label roofs; nearest: roof" in text for text in said(town, labels=["roofs"]))
    for i in range(6):
        save(town / "masks" / "road" / f"train{i}.png", np.zeros((SIDE, SIDE), np.uint8))
    assert any("no training mask holds the label road" in text for text in said(town))
    assert opened(town, labels=["roof", "shadow"]).class_names == ("roof", "shadow")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"labels": []}, "lists the names of folders"),
        ({"labels": ["roof", "roof"]}, "names each label once"),
        ({"labels": ["../roof"]}, "takes names of folders"),
        ({"labels": [f"l{i}" for i in range(33)]}, "takes 32 labels at most; got 33"),
        ({"classes": ["ground", "roof"]}, "classes does not go with labels"),
        ({"background": "ground"}, "background does not go with labels"),
        ({"annotations": "a.json"}, "annotations does not go with labels"),
        ({"mask_fill": "roof"}, "mask_fill must be ignore with labels"),
        ({"ignore": [0]}, "ignore takes values of 1"),
        ({"ignore": [[1, 2, 3]]}, "ignore takes values of 1"),
        ({"path": "lakes"}, "lakes has classes"),
    ],
)
def test_refusals(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        recipe(Path("town"), **settings)
