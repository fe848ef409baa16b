"""YOLO's text: a file for each image, a line for each box."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from piste.data.detection.annotated import Listed, Marked, Reading
from piste.data.detection.outlines import Polygons
from piste.data.folder import files_by_stem
from piste.data.images import read_size
from piste.data.problems import DataError, Problem
from piste.data.split import SPLITS

SETTINGS = ("data.yaml", "data.yml", "dataset.yaml")


def find_yolo(folder: Path) -> dict[str | None, Path]:
    """The folders of images by split; one whose split is not said has the key None."""
    found: dict[str | None, Path] = {}
    settings = _settings(folder)
    for split in SPLITS:
        for word in ("val", "valid") if split == "val" else (split,):
            entry = settings.get(word)
            places = [folder / "images" / word, folder / word / "images"]
            if isinstance(entry, str):
                inside = Path(entry.lstrip("./"))
                places = [folder / str(settings.get("path", "")) / entry, folder / entry, folder / inside, *places]
            for place in places:
                if place.is_dir() and labels_of(place).is_dir():
                    found.setdefault(split, place)
    if not found and (folder / "images").is_dir() and (folder / "labels").is_dir():
        found[None] = folder / "images"
    return found


def labels_of(images: Path) -> Path:
    """The folder of the text files that goes with a folder of images: `labels` for `images` in its path."""
    parts = list(images.parts)
    for place in reversed(range(len(parts))):
        if parts[place] == "images":
            parts[place] = "labels"
            break
    return Path(*parts)


def class_names(folder: Path, classes: Sequence[str] | None) -> list[str]:
    """The names of the classes in the order of their numbers.

    Raises:
        DataError: nothing says them.
    """
    names = _settings(folder).get("names")
    if isinstance(names, dict) and sorted(names) == list(range(len(names))):
        names = [names[number] for number in range(len(names))]
    if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
        return names
    if classes is not None:
        return list(classes)
    text = folder / "classes.txt"
    if text.is_file():
        return [line.strip() for line in text.read_text(encoding="utf-8").splitlines() if line.strip()]
    raise DataError(Problem(folder / SETTINGS[0], "says no names of classes; add `names: [...]` or data.classes"))


def read_yolo(folder: Path, places: dict[str | None, Path], classes: Sequence[str] | None, masks: bool) -> Reading:
    """What text files say of the images with their stems; an image without a file shows nothing.

    A line has the number of a class and the middle, width and height of a box, or the points of a polygon, all as
    shares of the image's width and height.

    Args:
        folder: where the data lie.
        places: the folders of images by split.
        classes: the names of the classes, where the folder does not say them.
        masks: whether outlines are read.
    """
    try:
        names = class_names(folder, classes)
    except DataError as error:
        return Reading([], [], list(error.problems))
    reading = Reading([], names)
    for split, place in places.items():
        files = files_by_stem(place)
        reading.problems.extend(files.problems)
        labels = labels_of(place)
        for stem, image in files.files.items():
            path = labels / f"{stem}.txt"
            try:
                marks = _read(path, image, names, masks) if path.is_file() else []
            except DataError as error:
                reading.problems.extend(error.problems)
            else:
                reading.listed.append(Listed(image, path, split, marks))
        for path in sorted(labels.glob("*.txt")):
            if path.stem not in files.files and path.name != "classes.txt":
                cure = f"has no image: add one of that stem to {place.name}/ or remove the file"
                reading.problems.append(Problem(path, cure))
    return reading


def _read(path: Path, image: Path, names: Sequence[str], masks: bool) -> list[Marked]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(Problem(path, f"is no text in UTF-8 ({error})")) from None
    if not any(line.strip() for line in lines):
        return []
    height, width = read_size(image)
    marks = []
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        try:
            values = [float(word) for word in words]
        except ValueError:
            raise DataError(Problem(path, f"line {number} holds what is no number: {line.strip()!r:.60}")) from None
        if len(values) != 5 and (len(values) < 7 or len(values) % 2 == 0):
            rule = "a line is `class x y width height`, or a class and three points or more"
            raise DataError(Problem(path, f"line {number} has {len(values)} numbers; {rule}"))
        if values[0] != int(values[0]) or not 0 <= values[0] < len(names):
            came = f"line {number} has the class {words[0]}, but there are {len(names)}, from 0 on"
            raise DataError(Problem(path, f"{came}; add its name to data.yaml"))
        if max(abs(value) for value in values[1:]) > 2:
            rule = "shares of the image's width and height, 0 … 1"
            raise DataError(Problem(path, f"line {number} has numbers beyond 2, which are no {rule}; divide by them"))
        marks.append(_marked(f"line {number}", names[int(values[0])], values[1:], height, width, masks))
    return marks


def _marked(where: str, kind: str, values: list[float], height: int, width: int, masks: bool) -> Marked:
    if len(values) == 4:
        x, y, across, down = values
        box = ((x - across / 2) * width, (y - down / 2) * height, (x + across / 2) * width, (y + down / 2) * height)
        return Marked(where, kind, box)
    xs, ys = [x * width for x in values[0::2]], [y * height for y in values[1::2]]
    points = tuple(value for point in zip(xs, ys, strict=True) for value in point)
    outline = Polygons((points,)) if masks else None
    return Marked(where, kind, (min(xs), min(ys), max(xs), max(ys)), outline=outline)


def _settings(folder: Path) -> dict[str, Any]:
    for name in SETTINGS:
        path = folder / name
        if path.is_file():
            try:
                content = yaml.safe_load(path.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
                why = " ".join(str(error).split())
                raise DataError(Problem(path, f"is no YAML ({why:.80})")) from None
            return content if isinstance(content, dict) else {}
    return {}
