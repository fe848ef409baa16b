"""Outlines in COCO's JSON are masks of classes: the smaller object is seen, and a crowd counts for nothing."""

import numpy as np
import pytest

from piste.data import DataError, SegmentationDataRecipe, check_folder, open_segmentation
from tests.data.detection.boxes import write
from tests.data.files import labels, picture, save

NAMES = "abcd"


def rectangle(left, top, right, bottom):
    return [[left, top, right, top, right, bottom, left, bottom]]


def entries(names, objects=(), categories=((4, "pond"), (7, "reed"))):
    """Each image has a pond in columns 1 … 5, rows 1 … 4, and the objects given: (category, segmentation, crowd)."""
    annotations = []
    for place, _ in enumerate(names):
        for number, segmentation, crowd in ((4, rectangle(1, 1, 5, 4), 0), *objects):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": place,
                    "category_id": number,
                    "bbox": [0, 0, 8, 6],
                    "iscrowd": crowd,
                    "segmentation": segmentation,
                    "area": area(segmentation),
                }
            )
    return {
        "images": [{"id": place, "file_name": f"{name}.png"} for place, name in enumerate(names)],
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for number, name in categories],
    }


def area(segmentation):
    if isinstance(segmentation, dict):
        return sum(segmentation["counts"][1::2])
    left, top, right, *_, bottom = (*segmentation[0][:3], segmentation[0][5])
    return (right - left) * (bottom - top)


REED = (7, rectangle(3, 2, 7, 3), 0)  # 4 pixels, two of them in the pond
HERD = (7, {"counts": [0, 12, 36], "size": [6, 8]}, 1)  # the first two columns


def folder(path, objects=(REED,), **splits):
    for seed, name in enumerate(NAMES):
        save(path / "images" / f"{name}.png", picture(seed))
    for split, names in (splits or {"train": "abc", "val": "d"}).items():
        write(path / f"{split}.json", entries(names, objects))
    return path


def recipe(path, **settings):
    return SegmentationDataRecipe(path=str(path), **settings)


def refusal(path, **settings):
    with pytest.raises(ValueError) as caught:
        open_segmentation(recipe(path, **settings))
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(f"{path}/", "").replace(f"{path}", "FOLDER")


def test_objects_are_drawn_the_smaller_over_the_larger(tmp_path):
    data = open_segmentation(recipe(folder(tmp_path)))
    assert data.class_names == ("background", "pond", "reed")
    assert data.recipe.classes == {"background": 0, "pond": 4, "reed": 7}
    assert data.background == 0
    wanted = np.zeros((6, 8), np.uint8)
    wanted[1:4, 1:5] = 1
    wanted[2:3, 3:7] = 2
    for split, count in (("train", 3), ("val", 1)):
        assert len(data.splits[split]) == count
        np.testing.assert_array_equal(data.raw(split, 0)[1], wanted)
    assert data.counts.pixels == (3 * (48 - 14), 3 * 10, 3 * 4)
    assert data.dataset("train", train=True)[2]["target"].tolist() == wanted.tolist()


def test_the_order_in_the_file_does_not_matter(tmp_path):
    large = (7, rectangle(0, 0, 8, 5), 0)
    data = open_segmentation(recipe(folder(tmp_path, [large])))
    mask = data.raw("val", 0)[1]
    assert (mask == 1).sum() == 12  # the pond lies on what comes after it
    assert (mask == 2).sum() == 40 - 12


def test_what_only_a_crowd_covers_counts_for_nothing(tmp_path):
    data = open_segmentation(recipe(folder(tmp_path, [REED, HERD])))
    mask = data.raw("val", 0)[1]
    assert (mask[:, 0] == 255).all()
    assert mask[:, 1].tolist() == [255, 1, 1, 1, 255, 255]
    assert (mask == 255).sum() == 9
    assert data.counts.total == 3 * (48 - 9)


def test_classes_may_be_given_by_the_ids_of_categories(tmp_path):
    folder(tmp_path)
    data = open_segmentation(recipe(tmp_path, classes={"water": 4, "land": 0}, ignore=[7], background="land"))
    mask = data.raw("val", 0)[1]
    assert ((mask == 0).sum(), (mask == 1).sum(), (mask == 255).sum()) == (10, 34, 4)
    assert refusal(tmp_path, classes={"land": 0, "water": 4}) == (
        "train.json: holds values that no class has: 7 (4 px); classes have 0, 4; add them to data.classes or"
        " data.ignore"
    )
    assert refusal(tmp_path, classes={"land": [0, 0, 0], "water": [0, 0, 255]}).startswith(
        "train.json: holds outlines, whose values are the ids of categories, but data.classes names colours; give ids"
    )


def test_one_file_is_dealt_out(tmp_path):
    folder(tmp_path, all=NAMES)
    data = open_segmentation(recipe(tmp_path, annotations="all.json", split={"ratio": [0.5, 0.5]}))
    assert {split: len(samples) for split, samples in data.splits.items()} == {"train": 2, "val": 2}
    again = open_segmentation(data.recipe)
    assert again.splits == data.splits
    assert again.recipe == data.recipe


def test_masks_win_over_outlines_unless_these_are_named(tmp_path):
    folder(tmp_path)
    for name in NAMES:
        save(tmp_path / "masks" / f"{name}.png", labels())
    split = {"ratio": [0.5, 0.5]}
    assert open_segmentation(recipe(tmp_path, split=split)).class_names == ("class_0", "class_1")
    named = {"train": "train.json", "val": "val.json"}
    assert open_segmentation(recipe(tmp_path, annotations=named)).class_names == ("background", "pond", "reed")
    assert refusal(tmp_path, annotations=named, split=split) == (
        "data.split does not apply where the files say the splits, as those of FOLDER do; remove it, or name one file"
        " in data.annotations"
    )


def test_samples_are_the_same_kept_in_memory_or_not_and_augmented(tmp_path):
    folder(tmp_path)
    steps = ["horizontal_flip", {"crop": {"height": 4, "width": 5}}]
    kept, read = (open_segmentation(recipe(tmp_path, augment=steps, cache=cache)) for cache in (True, False))
    for index in range(3):
        for mine, other in zip(kept.augmented(index, 1), read.augmented(index, 1), strict=True):
            np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"categories": ((4, "pond"), (0, "reed"))},
            "gives the category reed the id 0, which can't be the value of its p",
        ),
        (
            {"categories": ((4, "background"), (7, "reed"))},
            "has a category called background, which is what no object co",
        ),
        ({"objects": [(7, [[1, 2, 3]], 0)]}, "annotation 2 of a.png has a polygon that is not x, y of three points or"),
        ({"objects": [(7, [], 0)]}, "annotation 2 of a.png has no outline to draw a mask from; add its segment"),
        ({"objects": [(9, rectangle(0, 0, 2, 2), 0)]}, "annotation 2 has the category_id 9, which no category has"),
    ],
)
def test_what_can_not_be_drawn_is_refused(tmp_path, change, message):
    folder(tmp_path)
    objects = change.get("objects", [REED])
    if "categories" in change:
        objects = [(change["categories"][1][0], REED[1], 0)]
    content = entries("abc", (), change.get("categories", ((4, "pond"), (7, "reed"))))
    for number, segmentation, _ in objects:
        content["annotations"].append(
            {"id": 2, "image_id": 0, "category_id": number, "bbox": [0, 0, 4, 4], "segmentation": segmentation}
        )
    for place, entry in enumerate(content["annotations"]):
        entry["id"] = {3: 2}.get(place, place + 10)
    write(tmp_path / "train.json", content)
    write(tmp_path / "val.json", entries("d", (), change.get("categories", ((4, "pond"), (7, "reed")))))
    assert refusal(tmp_path).startswith(f"train.json: {message}")


def test_a_sound_folder_has_no_problems_and_a_leak_is_found(tmp_path):
    folder(tmp_path)
    assert check_folder(recipe(tmp_path)) == []
    save(tmp_path / "images/d.png", picture(0))
    (problem,) = check_folder(recipe(tmp_path))
    assert problem.message.startswith("is the same picture as a.png, but one is in val and the other in train")
    with pytest.raises(DataError, match=r"other\.json: no such file; name it in data\.annotations"):
        open_segmentation(recipe(tmp_path, annotations="other.json"))
