"""Small detection folders in each format, of the same images and objects."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tests.data.files import picture, save

HEIGHT, WIDTH = 20, 30
OBJECTS: Mapping[str, Sequence[tuple[str, tuple[float, float, float, float]]]] = {
    "a": [("tree", (2, 3, 10, 13)), ("shrub", (12, 4, 20, 18))],
    "b": [("tree", (0, 0, 30, 20))],
    "c": [],
    "d": [("shrub", (25, 15, 30, 20))],
}
"""Image -> its objects: class, and left, top, right, bottom in pixels."""
CLASSES = ["shrub", "tree"]


def images(folder: Path, names: Sequence[str] = tuple(OBJECTS), suffix: str = "png") -> None:
    for seed, name in enumerate(names):
        save(folder / f"{name}.{suffix}", picture(seed, HEIGHT, WIDTH))


def content(names: Sequence[str] = tuple(OBJECTS)) -> dict[str, list[dict[str, object]]]:
    """COCO's JSON, images numbered from 10, annotations from 100, categories from 5."""
    entries = []
    for place, name in enumerate(names):
        for kind, (left, top, right, bottom) in OBJECTS[name]:
            entries.append(
                {
                    "id": 100 + len(entries),
                    "image_id": 10 + place,
                    "category_id": 5 + CLASSES.index(kind),
                    "bbox": [left, top, right - left, bottom - top],
                    "area": (right - left) * (bottom - top) / 2,
                    "iscrowd": 0,
                    "segmentation": [[left, top, right, top, right, bottom]],
                }
            )
    return {
        "images": [
            {"id": 10 + place, "file_name": f"{name}.png", "width": WIDTH, "height": HEIGHT}
            for place, name in enumerate(names)
        ],
        "annotations": entries,
        "categories": [{"id": 5 + place, "name": name} for place, name in enumerate(CLASSES)],
    }


def coco(folder: Path, **splits: Sequence[str]) -> Path:
    """`images/` and a file for each split; without any, one file for all."""
    images(folder / "images")
    if not splits:
        write(folder / "annotations.json", content())
    for split, names in splits.items():
        write(folder / f"{split}.json", content(names))
    return folder


def write(path: Path, entries: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(entries))
    return path


def voc(folder: Path, **splits: Sequence[str]) -> Path:
    """`JPEGImages/` and `Annotations/`, edges counted from 1, the last one inside."""
    images(folder / "JPEGImages")
    for name, objects in OBJECTS.items():
        entries = "".join(
            f"<object><name>{kind}</name><difficult>0</difficult><bndbox><xmin>{left + 1}</xmin><ymin>{top + 1}</ymin>"
            f"<xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object>"
            for kind, (left, top, right, bottom) in objects
        )
        size = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height><depth>3</depth></size>"
        path = folder / "Annotations" / f"{name}.xml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"<annotation><filename>{name}.png</filename>{size}{entries}</annotation>")
    for split, names in splits.items():
        path = folder / "ImageSets" / "Main" / f"{split}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{name}\n" for name in names))
    return folder


def yolo(folder: Path, **splits: Sequence[str]) -> Path:
    """`images/` and `labels/`, or in each a folder for each split."""
    for split, names in (splits or {"": tuple(OBJECTS)}).items():
        images(folder / "images" / split, names)
        (folder / "labels" / split).mkdir(parents=True)
        for name in names:
            lines = [
                f"{CLASSES.index(kind)} {(left + right) / 2 / WIDTH} {(top + bottom) / 2 / HEIGHT} "
                f"{(right - left) / WIDTH} {(bottom - top) / HEIGHT}\n"
                for kind, (left, top, right, bottom) in OBJECTS[name]
            ]
            if lines:
                (folder / "labels" / split / f"{name}.txt").write_text("".join(lines))
    (folder / "data.yaml").write_text(f"names: [{', '.join(CLASSES)}]\n")
    return folder


def as_drawn(seen: object) -> list[tuple[str, tuple[float, ...]]]:
    """The objects of a sample, as `OBJECTS` has them."""
    rounded = np.round(seen.boxes, 4).tolist()
    return [(CLASSES[label - 1], tuple(box)) for label, box in zip(seen.labels, rounded, strict=True)]
