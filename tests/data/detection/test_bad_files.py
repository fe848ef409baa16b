"""What is wrong with annotation files is said in one line that names the file, the object and the cure."""

import json

import pytest

from piste.data import DataError
from piste.data.detection import DetectionDataRecipe, check_detection, open_detection
from tests.data.detection.boxes import CLASSES, coco, voc, write, yolo
from tests.data.files import picture, save

SPLITS = {"train": ["a", "b"], "val": ["c", "d"]}


def refusal(path, **settings):
    with pytest.raises((DataError, ValueError)) as caught:
        open_detection(DetectionDataRecipe(path=str(path), **settings))
    text = str(caught.value)
    assert "\n" not in text
    return text.replace(f"{path}/", "").replace(f"{path}", "FOLDER")


def changed(folder, change, file="train.json"):
    entries = json.loads((folder / file).read_text())
    change(entries)
    write(folder / file, entries)
    return folder


def box(*values):
    def change(entries):
        entries["annotations"][0]["bbox"] = list(values)

    return change


def put(kind, key, value, place=0):
    def change(entries):
        entries[kind][place][key] = value

    return change


def drop(kind, key, place=0):
    def change(entries):
        del entries[kind][place][key]

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            box(5, 5, 0, 4),
            "annotation 100 of a.png has the box 5, 5, 5, 9 (left, top, right, bottom), which has no area",
        ),
        (box(5, 5, -2, 4), "annotation 100 of a.png has the box 5, 5, 3, 9 (left, top, right, bottom), whose right or"),
        (
            box(40, 5, 4, 4),
            "annotation 100 of a.png has the box 40, 5, 44, 9 (left, top, right, bottom), which lies outs",
        ),
        (
            box(25, 5, 9, 4),
            "annotation 100 of a.png has the box 25, 5, 34, 9 (left, top, right, bottom), which reaches 4",
        ),
        (box(1, 2, 3), "annotations.0.bbox: list must have at least 4 items after validation, not 3"),
        (box(1, 2, 3, "wide"), "annotations.0.bbox.3: must be a valid number, unable to parse"),
        (
            box(1, 2, float("nan"), 3),
            "annotation 100 of a.png has the box 1, 2, nan, 5 (left, top, right, bottom), which is",
        ),
        (
            put("annotations", "category_id", 99),
            "annotation 100 has the category_id 99, which no category has; add it to",
        ),
        (put("annotations", "image_id", 99), "annotation 100 has the image_id 99, which no image has"),
        (put("annotations", "id", 101), "has two annotation entries with the id 101; number them anew"),
        (
            put("annotations", "iscrowd", 3),
            "annotations.0.iscrowd: must be 0 or 1; COCO has images, annotations and cat",
        ),
        (put("images", "id", 11), "has two image entries with the id 11; number them anew"),
        (put("images", "file_name", "b.png"), "names the image b.png twice; keep one entry"),
        (
            put("images", "file_name", "z.png"),
            "the image z.png is not in FOLDER/images and FOLDER; add it, or say in da",
        ),
        (
            put("images", "width", 31),
            "says that a.png is 31x20 pixels (width x height), but it is 30x20; put boxes and",
        ),
        (
            drop("annotations", "bbox"),
            "annotations.0.bbox: field required; COCO has images, annotations and categories",
        ),
        (drop("images", "file_name"), "images.0.file_name: field required; COCO has"),
        (put("categories", "name", "tree"), "names the class tree twice; keep one entry"),
        (lambda entries: entries.pop("images"), "images: field required; COCO has images, annotations and categories"),
    ],
)
def test_coco_files(tmp_path, change, message):
    found = refusal(changed(coco(tmp_path, **SPLITS), change))
    assert found.startswith(f"train.json: {message}".replace("FOLDER/", ""))


def test_what_is_no_json_is_refused(tmp_path):
    folder = coco(tmp_path, **SPLITS)
    (folder / "val.json").write_text('{"images": [')
    assert refusal(folder).startswith("val.json: is no JSON (Expecting value")
    assert refusal(folder, annotations={"train": "train.json", "val": "other.json"}) == (
        "other.json: no such file; name it in data.annotations"
    )


def test_a_box_just_beyond_the_edge_is_clipped_and_one_further_out_if_asked_to(tmp_path):
    folder = changed(coco(tmp_path, **SPLITS), box(22, 5, 9, 4))
    assert open_detection(DetectionDataRecipe(path=str(folder))).raw("train", 0).boxes[0].tolist() == [22, 5, 30, 9]
    changed(folder, box(22, -3, 40, 6))
    assert refusal(folder).endswith("correct it or set data.clip to true")
    assert open_detection(DetectionDataRecipe(path=str(folder), clip=True)).raw("train", 0).boxes[0].tolist() == [
        *(22, 0, 30, 3)
    ]


def test_masks_need_an_outline_of_every_object(tmp_path):
    folder = changed(coco(tmp_path, **SPLITS), drop("annotations", "segmentation", 1))
    assert refusal(folder, masks=True) == (
        "train.json: annotation 101 of a.png has no outline to draw a mask from; add its segmentation, or read boxes"
        " alone"
    )
    changed(folder, put("annotations", "segmentation", [[1, 2, 3]], 1))
    assert refusal(folder, masks=True).startswith(
        "train.json: annotation 101 of a.png has a polygon that is not x, y of"
    )
    assert open_detection(DetectionDataRecipe(path=str(folder))).masks is False


def test_an_image_in_two_splits_is_refused(tmp_path):
    assert refusal(coco(tmp_path, train=["a", "b"], val=["b", "d"])) == (
        "val.json: the image b.png stands in train.json and in val.json; keep one"
    )


def test_a_split_that_the_files_say_can_not_be_dealt_anew(tmp_path):
    assert refusal(coco(tmp_path, **SPLITS), split={"ratio": [0.5, 0.5]}) == (
        "data.split does not apply where the files say the splits, as those of FOLDER do; remove it, or name one file"
        " in data.annotations"
    )


def test_a_missing_split_is_named(tmp_path):
    assert refusal(coco(tmp_path, train=["a", "b"], test=["d"])) == (
        "FOLDER: has no image in val; name its file in data.annotations"
    )


def test_a_folder_without_boxes_is_refused(tmp_path):
    save(tmp_path / "images/a.png", picture())
    assert refusal(tmp_path).startswith("FOLDER: holds no boxes that are found (coco: train.json and val.json, or one")
    assert refusal(tmp_path, format="yolo").startswith("FOLDER: holds no boxes as yolo: images/ and labels/ are looked")
    with pytest.raises(FileNotFoundError, match="does not exist; built-in data sets: there are trees"):
        open_detection(DetectionDataRecipe(path=str(tmp_path / "nowhere")))


def test_two_formats_at_once_need_a_word(tmp_path):
    coco(voc(tmp_path, **SPLITS), **SPLITS)
    assert refusal(tmp_path) == "FOLDER: holds boxes as coco and as voc; say which in data.format"
    assert open_detection(DetectionDataRecipe(path=str(tmp_path), format="voc")).recipe.format == "voc"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"annotations": "train.json", "format": "voc"}, "data.annotations goes with the format coco; the boxes of"),
        ({"images": "JPEGImages"}, "data.images goes with the format coco; the boxes of FOLDER are voc; remove it"),
        ({"masks": True}, "data.masks reads outlines, which voc has not; set it to false, or use coco or yolo"),
    ],
)
def test_keys_that_do_not_apply_are_refused(tmp_path, settings, message):
    assert refusal(voc(tmp_path, **SPLITS), **settings).startswith(message)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"classes": ["tree", "tree"]}, "names each class once; got ['tree', 'tree']"),
        ({"classes": {"tree": 1}}, "lists the names of the classes, such as [tree, shrub]; got {'tree': 1}"),
        ({"annotations": {"training": "a.json"}}, "is a path, or one for each split, such as"),
        ({"format": "coke"}, "Input should be 'coco', 'voc' or 'yolo'"),
        ({"min_visible": 2}, "Input should be less than or equal to 1"),
    ],
)
def test_the_section_itself_is_checked(settings, message):
    with pytest.raises(ValueError) as caught:
        DetectionDataRecipe(path="trees", **settings)
    assert message in str(caught.value)


def spoil_xml(folder):
    (folder / "Annotations/a.xml").write_text("<annotation><object>")


def spoil_root(folder):
    (folder / "Annotations/a.xml").write_text("<html></html>")


def spoil_edge(folder):
    path = folder / "Annotations/a.xml"
    path.write_text(path.read_text().replace("<xmin>3</xmin>", "<xmin>left</xmin>"))


def spoil_name(folder):
    path = folder / "Annotations/a.xml"
    path.write_text(path.read_text().replace("<name>tree</name>", "", 1))


def spoil_pair(folder):
    (folder / "Annotations/a.xml").unlink()


def spoil_image(folder):
    (folder / "JPEGImages/a.png").unlink()


def spoil_order(folder):
    path = folder / "Annotations/a.xml"
    path.write_text(path.read_text().replace("<xmin>3</xmin>", "<xmin>13</xmin>"))


def spoil_list(folder):
    (folder / "ImageSets/Main/val.txt").write_text("c\nd\na\n")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_xml, "Annotations/a.xml: is no XML (no element found"),
        (spoil_root, "Annotations/a.xml: is no annotation but a html; Pascal VOC's files begin with <annotation>"),
        (spoil_edge, "Annotations/a.xml: object 1 needs a number as xmin; got left"),
        (spoil_name, "Annotations/a.xml: object 1 has no name; add it"),
        (spoil_pair, "JPEGImages/a.png: image without annotations: add Annotations/a.xml, without an object if it sho"),
        (spoil_image, "Annotations/a.xml: has no image: add JPEGImages/a.jpg or remove the file"),
        (spoil_order, "Annotations/a.xml: object 1 of a.png has the box 12, 3, 10, 13 (left, top, right, bottom), who"),
        (spoil_list, "ImageSets/Main/val.txt: names a, which is in train.txt, too; keep one"),
    ],
)
def test_voc_files(tmp_path, spoil, message):
    folder = voc(tmp_path, **SPLITS)
    spoil(folder)
    assert refusal(folder).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 0.5 0.5 0.2\n", "line 1 has 4 numbers; a line is `class x y width height`, or a class and three points or"),
        ("\n0 0.5 0.5 0.2 wide\n", "line 2 holds what is no number: '0 0.5 0.5 0.2 wide'"),
        ("2 0.5 0.5 0.2 0.2\n", "line 1 has the class 2, but there are 2, from 0 on; add its name to data.yaml"),
        ("0.5 0.5 0.5 0.2 0.2\n", "line 1 has the class 0.5, but there are 2, from 0 on"),
        (
            "0 15 10 8 8\n",
            "line 1 has numbers beyond 2, which are no shares of the image's width and height, 0 … 1; div",
        ),
        (
            "0 0.9 0.5 0.4 0.2\n",
            "line 1 of a.png has the box 21, 8, 33, 12 (left, top, right, bottom), which reaches 3",
        ),
        (
            "0 0.5 0.5 0 0.2\n",
            "line 1 of a.png has the box 15, 8, 15, 12 (left, top, right, bottom), which has no area",
        ),
    ],
)
def test_yolo_files(tmp_path, text, message):
    folder = yolo(tmp_path, **SPLITS)
    (folder / "labels/train/a.txt").write_text(text)
    assert refusal(folder).startswith(f"labels/train/a.txt: {message}")


def test_yolo_needs_names(tmp_path):
    folder = yolo(tmp_path, **SPLITS)
    (folder / "data.yaml").unlink()
    assert refusal(folder) == "data.yaml: says no names of classes; add `names: [...]` or data.classes"
    assert open_detection(DetectionDataRecipe(path=str(folder), classes=CLASSES)).class_names == tuple(CLASSES)
    (folder / "classes.txt").write_text("shrub\ntree\n")
    assert open_detection(DetectionDataRecipe(path=str(folder))).class_names == tuple(CLASSES)
    (folder / "data.yaml").write_text("names: [shrub, tree")
    assert refusal(folder).startswith("data.yaml: is no YAML (")
    (folder / "data.yaml").write_text("names: {0: shrub, 1: tree}\n")
    (folder / "labels/val/z.txt").write_text("")
    assert refusal(folder) == "labels/val/z.txt: has no image: add one of that stem to val/ or remove the file"


def test_yolo_folders_may_be_named_in_data_yaml(tmp_path):
    folder = yolo(tmp_path, first=["a", "b"], second=["d"])
    (folder / "data.yaml").write_text(
        "path: ../elsewhere\ntrain: ./images/first\nval: images/second\nnames: [shrub, tree]\n"
    )
    data = open_detection(DetectionDataRecipe(path=str(folder)))
    assert {split: [one.name for one in held] for split, held in data.splits.items()} == {
        "train": ["a", "b"],
        "val": ["d"],
    }


def test_images_may_lie_elsewhere(tmp_path):
    folder = coco(tmp_path, **SPLITS)
    (folder / "images").rename(folder / "pictures")
    assert "is not in FOLDER/images" in refusal(folder).replace("images and ", "FOLDER/images and ")
    assert open_detection(DetectionDataRecipe(path=str(folder), images="pictures"))
    by_split = {"train": "pictures", "val": "pictures"}
    assert open_detection(DetectionDataRecipe(path=str(folder), images=by_split))


def test_check_lists_everything_at_once(tmp_path):
    folder = changed(coco(tmp_path, **SPLITS), box(5, 5, 0, 4))
    changed(folder, put("annotations", "category_id", 99), "val.json")
    (folder / "images/b.png").write_bytes(b"")
    found = check_detection(DetectionDataRecipe(path=str(folder)))
    assert [problem.path.name for problem in found] == ["b.png", "train.json", "val.json"]
    assert check_detection(DetectionDataRecipe(path=str(tmp_path / "nowhere")))[0].message.startswith("data folder")
    with pytest.raises(DataError, match=r"\(2 more; `piste data check` lists them all\)"):
        open_detection(DetectionDataRecipe(path=str(folder)))


def test_check_finds_a_picture_that_is_in_two_splits(tmp_path):
    folder = coco(tmp_path, **SPLITS)
    save(folder / "images/d.png", picture(0, 20, 30))
    (problem,) = check_detection(DetectionDataRecipe(path=str(folder)))
    assert problem.path.name == "d.png"
    assert problem.message.startswith(
        "is the same picture as a.png, but one is in val and the other in train; remove one"
    )


def test_several_files_that_may_be_meant_need_a_word(tmp_path):
    folder = coco(tmp_path)
    write(folder / "instances.json", json.loads((folder / "annotations.json").read_text()))
    assert refusal(folder).startswith("FOLDER: holds no boxes that are found")
    (folder / "split.csv").write_text("name,split\na,train\nb,train\nc,val\nd,val\n")
    data = open_detection(DetectionDataRecipe(path=str(folder), annotations="instances.json"))
    assert len(data.splits["train"]) == 2
