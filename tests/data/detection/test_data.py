"""The same boxes in any format are the same data, split as files or the recipe say, and shown as they were drawn."""

import numpy as np
import pytest
import torch

from piste.balance import ClassCounts
from piste.data import DataError
from piste.data.detection import DetectionDataRecipe, check_detection, open_detection
from piste.data.detection.dataset import counted
from tests.data.detection.boxes import CLASSES, HEIGHT, OBJECTS, WIDTH, as_drawn, coco, content, voc, write, yolo
from tests.data.files import picture

SPLITS = {"train": ["a", "b"], "val": ["c", "d"]}
FORMATS = {"coco": coco, "voc": voc, "yolo": yolo}


def recipe(path, **settings):
    return DetectionDataRecipe(path=str(path), **settings)


def all_train(path):
    (path / "split.csv").write_text("name,split\na,train\nb,train\nc,val\nd,train\n")


def test_the_trees_are_as_their_page_says():
    data = open_detection(recipe("trees"))
    assert {split: len(held) for split, held in data.splits.items()} == {"train": 52, "val": 16}
    assert data.class_names == ("tree",)
    assert data.counts == ClassCounts(pixels=(450,), images=(48,), containing=(450,), total=450)
    boxes = np.concatenate([one.boxes for one in data.splits["val"]])
    assert len(boxes) == 243
    assert 30 < np.median(boxes[:, 2] - boxes[:, 0]) < 50
    assert data.dataset("train", train=True)[0]["image"].shape == (3, 256, 256)


@pytest.mark.parametrize("write_folder", FORMATS.values(), ids=FORMATS)
def test_every_format_says_the_same(tmp_path, write_folder):
    data = open_detection(recipe(write_folder(tmp_path, **SPLITS), masks=False))
    assert data.class_names == ("shrub", "tree")
    assert {split: [one.name for one in held] for split, held in data.splits.items()} == SPLITS
    for split, names in SPLITS.items():
        for index, name in enumerate(names):
            seen = data.raw(split, index)
            assert as_drawn(seen) == list(OBJECTS[name])
            seed = names.index(name) if write_folder is yolo else "abcd".index(name)
            np.testing.assert_array_equal(seen.image, picture(seed, HEIGHT, WIDTH))
            assert not seen.crowd.any()
    assert data.counts == ClassCounts(pixels=(1, 2), images=(1, 2), containing=(2, 3), total=3)


@pytest.mark.parametrize("write_folder", FORMATS.values(), ids=FORMATS)
def test_without_splits_in_the_files_images_are_dealt_out(tmp_path, write_folder):
    folder = write_folder(tmp_path)
    all_train(folder)
    data = open_detection(recipe(folder))
    assert {split: [one.name for one in held] for split, held in data.splits.items()} == {
        "train": ["a", "b", "d"],
        "val": ["c"],
    }
    (folder / "split.csv").unlink()
    dealt = open_detection(recipe(folder, split={"ratio": [0.75, 0.25], "seed": 1}))
    assert {split: len(held) for split, held in dealt.splits.items()} == {"train": 3, "val": 1}


def test_opening_what_was_resolved_gives_the_same(tmp_path):
    data = open_detection(recipe(coco(tmp_path), normalize="data", split={"ratio": [0.5, 0.5], "seed": 2}))
    again = open_detection(data.recipe)
    assert again.recipe == data.recipe
    assert (again.recipe.format, again.recipe.classes) == ("coco", CLASSES)
    assert {s: [o.name for o in held] for s, held in again.splits.items()} == {
        s: [o.name for o in held] for s, held in data.splits.items()
    }


def test_items_are_what_torchvision_takes_and_batches_keep_sizes(tmp_path):
    data = open_detection(recipe(coco(tmp_path, **SPLITS)))
    dataset = data.dataset("val", train=False)
    batch = data.collate([dataset[0], dataset[1]])
    assert batch["name"] == ["c", "d"]
    assert batch["index"].tolist() == [0, 1]
    torch.testing.assert_close(batch["image"][1], torch.from_numpy(picture(3, HEIGHT, WIDTH)).permute(2, 0, 1) / 255)
    empty, target = batch["targets"]
    assert empty["boxes"].shape == (0, 4)
    assert (target["boxes"].dtype, target["labels"].dtype) == (torch.float32, torch.int64)
    assert target["labels"].tolist() == [1]
    assert target["area"].tolist() == [12.5]  # as the file says: half of the box


def test_classes_may_be_ordered_and_one_that_is_not_listed_is_refused(tmp_path):
    folder = coco(tmp_path, **SPLITS)
    assert open_detection(recipe(folder, classes=["tree", "shrub"])).raw("train", 1).labels.tolist() == [1]
    with pytest.raises(DataError, match=r"annotation 101 of a\.png has the class shrub, which data\.classes lacks"):
        open_detection(recipe(folder, classes=["tree"]))


def test_a_category_that_no_box_has_is_no_class(tmp_path):
    folder = coco(tmp_path, **SPLITS)
    for split, names in SPLITS.items():
        entries = content(names)
        entries["categories"].insert(0, {"id": 1, "name": "plants"})
        write(folder / f"{split}.json", entries)
    assert open_detection(recipe(folder)).class_names == ("shrub", "tree")


def test_a_class_that_training_never_shows_is_refused(tmp_path):
    with pytest.raises(DataError, match="no training image has a box of the class shrub; move an image"):
        open_detection(recipe(coco(tmp_path, train=["b"], val=["a"])))


def test_crowds_are_left_out_of_training_and_flagged_in_evaluation(tmp_path):
    folder = coco(tmp_path, train=["a", "b"], val=["a", "d"])
    for name in ("train", "val"):
        entries = content(["a", "b"] if name == "train" else ["d"])
        entries["annotations"][0]["iscrowd"] = 1
        write(folder / f"{name}.json", entries)
    data = open_detection(recipe(folder, classes=CLASSES))
    assert data.dataset("train", train=True)[0]["target"]["labels"].tolist() == [1]
    target = data.dataset("val", train=False)[0]["target"]
    assert target["crowd"].tolist() == [True]
    assert counted(target)["boxes"].shape == (0, 4)
    assert data.counts.pixels == (1, 1)


def test_voc_objects_that_are_difficult_count_for_nothing(tmp_path):
    folder = voc(tmp_path, train=["a", "b", "d"], val=["a2"])
    for part in ("JPEGImages", "Annotations"):
        for path in (folder / part).glob("a.*"):
            path.with_stem("a2").write_bytes(path.read_bytes().replace(b"<difficult>0", b"<difficult>1"))
    assert open_detection(recipe(folder)).raw("val", 0).crowd.tolist() == [True, True]


@pytest.mark.parametrize("write_folder", [coco, yolo])
def test_outlines_become_masks(tmp_path, write_folder):
    """A triangle: half of each box, along the diagonal from its upper left to its lower right."""
    folder = write_folder(tmp_path, **SPLITS)
    if write_folder is yolo:
        for split, names in SPLITS.items():
            for name in names:
                lines = []
                for kind, (x, y, right, bottom) in OBJECTS[name]:
                    corners = (x / WIDTH, y / HEIGHT, right / WIDTH, y / HEIGHT, right / WIDTH, bottom / HEIGHT)
                    lines.append(f"{CLASSES.index(kind)} {' '.join(map(str, corners))}\n")
                (folder / "labels" / split / f"{name}.txt").write_text("".join(lines))
    data = open_detection(recipe(folder, masks=True))
    seen = data.raw("train", 0)
    assert seen.masks.shape == (2, HEIGHT, WIDTH)
    first = seen.masks[0]
    assert first[3, 3:10].all()
    assert not first[12, :8].any()
    assert not first[:3].any()
    assert abs(int(first.sum()) - 40) <= 5  # half of 8 x 10
    assert data.raw("val", 0).masks.shape == (0, HEIGHT, WIDTH)
    assert data.dataset("train", train=True)[0]["target"]["masks"].shape == (2, HEIGHT, WIDTH)


@pytest.mark.parametrize("cache", [True, False])
@pytest.mark.parametrize("masks", [True, False])
def test_samples_follow_from_seed_epoch_and_index_alone(tmp_path, cache, masks):
    augment = [{"horizontal_flip": {}}, {"crop": {"height": 12, "width": 16}}, "colour_jitter"]
    data = open_detection(recipe(coco(tmp_path, **SPLITS), augment=augment, cache=cache, masks=masks))
    dataset = data.dataset("train", train=True, seed=7)
    before = torch.get_rng_state()
    drawn = []
    for epoch in (0, 1, 0):
        dataset.set_epoch(epoch)
        drawn.append([{key: dataset[index][key] for key in ("image", "target")} for index in (1, 0)])
    assert torch.equal(torch.get_rng_state(), before)
    torch.testing.assert_close(drawn[0], drawn[2])
    assert not torch.equal(drawn[0][0]["image"], drawn[1][0]["image"])
    for index, item in zip((1, 0), drawn[1], strict=True):
        seen = data.augmented(index, epoch=1, seed=7)
        np.testing.assert_array_equal(item["target"]["boxes"], seen.boxes)
        np.testing.assert_allclose(item["image"].permute(1, 2, 0), seen.image / 255, atol=1e-6)


def test_memory_holds_what_the_files_hold(tmp_path):
    folder = coco(tmp_path, **SPLITS)
    read, kept = (open_detection(recipe(folder, cache=cache, masks=True)) for cache in (False, True))
    for split in SPLITS:
        for index in range(2):
            mine, other = vars(read.raw(split, index)), vars(kept.raw(split, index))
            for key, values in mine.items():
                np.testing.assert_array_equal(values, other[key])


def test_what_is_prepared_moves_boxes_too(tmp_path):
    half = [{"resize": {"height": 10, "width": 15}}]
    data = open_detection(recipe(coco(tmp_path, **SPLITS), prepare=half))
    assert data.raw("train", 0).boxes.tolist() == [[1, 1.5, 5, 6.5], [6, 2, 10, 9]]
    assert data.dataset("train", train=False)[0]["target"]["area"].tolist() == [10, 14]


def test_little_of_an_object_is_none(tmp_path):
    corner = [{"centre_crop": {"height": 12, "width": 30}}]  # rows 4 … 16: of the shrub in the corner 1 row of 5 stays
    folder = coco(tmp_path, train=["a", "b"], val=["d"])
    assert len(open_detection(recipe(folder, evaluate=corner, min_visible=0.1)).raw("val", 0).boxes) == 1
    assert len(open_detection(recipe(folder, evaluate=corner)).raw("val", 0).boxes) == 0


def test_stems_that_occur_twice_are_told_apart_by_their_folders(tmp_path):
    data = open_detection(recipe(yolo(tmp_path, train=["a", "b"], val=["a"])))
    assert [one.name for one in data.splits["val"]] == ["images/val/a"]
    assert [one.name for one in data.splits["train"]] == ["b", "images/train/a"]


def test_an_image_alone_is_prepared_as_for_evaluation(tmp_path):
    data = open_detection(recipe(coco(tmp_path, **SPLITS), prepare=[{"resize": {"longest": 15}}]))
    image, size = data.read(tmp_path / "images/a.png")
    torch.testing.assert_close(image, data.dataset("train", train=False)[0]["image"])
    assert (image.shape, size) == ((3, 10, 15), (HEIGHT, WIDTH))


def test_a_sound_folder_has_no_problems_and_a_broken_image_is_found(tmp_path):
    folder = coco(tmp_path, **SPLITS)
    assert check_detection(recipe(folder)) == []
    whole = (folder / "images/b.png").read_bytes()
    (folder / "images/b.png").write_bytes(whole[: len(whole) // 2])
    (problem,) = check_detection(recipe(folder))
    assert problem.path == folder / "images/b.png"
    with pytest.raises(ValueError, match="has no split test; there are train, val"):
        open_detection(recipe(folder)).dataset("test", train=False)
