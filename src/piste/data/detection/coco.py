"""COCO's JSON: images, annotations and categories by their numbers."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from piste.data.detection.annotated import Listed, Marked, Reading
from piste.data.detection.outlines import Outline, read_outline
from piste.data.problems import DataError, Problem
from piste.data.split import SPLITS


class Picture(BaseModel):
    """An entry of `images`."""

    id: int | str
    file_name: str
    width: int | None = None
    height: int | None = None


class Object(BaseModel):
    """An entry of `annotations`; the box is left, top, width, height in pixels."""

    id: int | str | None = None
    image_id: int | str
    category_id: int | str
    bbox: Annotated[list[float], Field(min_length=4, max_length=4)]
    area: Annotated[float, Field(ge=0)] | None = None
    iscrowd: Literal[0, 1] = 0
    segmentation: Any = None


class Category(BaseModel):
    """An entry of `categories`."""

    id: int | str
    name: str


class CocoFile(BaseModel):
    """What is read of the file; other keys are passed over."""

    images: list[Picture]
    annotations: list[Object]
    categories: Annotated[list[Category], Field(min_length=1)]


def find_coco(folder: Path) -> dict[str | None, Path]:
    """The annotation files of a folder by split; one file whose split is not said has the key None."""
    found: dict[str | None, Path] = {}
    for split in SPLITS:
        words = ("valid", "validation", "val") if split == "val" else (split,)
        for word in words:
            patterns = (f"{word}.json", f"annotations/{word}.json", f"annotations/instances_{word}*.json")
            for pattern in (*patterns, f"{word}/_annotations.coco.json"):
                for path in sorted(folder.glob(pattern)):
                    found.setdefault(split, path)
    if not found:
        names = ("annotations.json", "instances.json", "_annotations.coco.json")
        lone = [folder / name for name in names if (folder / name).is_file()] or list(folder.glob("annotations/*.json"))
        if len(lone) == 1:
            found[None] = lone[0]
    return found


def read_coco(
    folder: Path, files: Mapping[str | None, Path], images: str | Mapping[str, str] | None, masks: bool
) -> Reading:
    """What COCO files say.

    Args:
        folder: where the data lie.
        files: the files by split.
        images: the folder of the images, from `folder` on, or one for each split; None looks for them.
        masks: whether outlines are read.
    """
    reading = Reading([], [])
    for split, path in files.items():
        try:
            content = load(path)
        except DataError as error:
            reading.problems.extend(error.problems)
            continue
        place = images.get(split or "") if isinstance(images, Mapping) else images
        folders = [folder / place] if place else [folder / "images", folder, path.parent / "images", path.parent]
        reading.problems.extend(repeated(path, content))
        names = [one.name for one in content.categories]
        reading.class_names.extend(name for name in names if name not in reading.class_names)
        for one in content.categories:
            if reading.numbers.setdefault(one.name, one.id) != one.id:
                came = f"numbers the class {one.name} {one.id}, and another file numbers it {reading.numbers[one.name]}"
                reading.problems.append(Problem(path, f"{came}; number it alike"))
        _list(path, split, content, folders, masks, reading)
    return reading


def load(path: Path) -> CocoFile:
    """A file, as far as it is read.

    Raises:
        DataError: it is missing, is no JSON, or lacks what COCO has.
    """
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise DataError(Problem(path, "no such file; name it in data.annotations")) from None
    except (OSError, ValueError) as error:
        why = " ".join(str(error).split())
        raise DataError(Problem(path, f"is no JSON ({why:.80}); export it again")) from None
    try:
        return CocoFile.model_validate(content)
    except ValidationError as errors:
        first = errors.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        more = f" (and {errors.error_count() - 1} more such)" if errors.error_count() > 1 else ""
        message = first["msg"].removeprefix("Input ").lower().replace("should ", "must ")
        raise DataError(
            Problem(path, f"{where}: {message}{more}; COCO has images, annotations and categories")
        ) from None


def repeated(path: Path, content: CocoFile) -> list[Problem]:
    """What stands in a file twice."""
    problems = []
    for kind, entries in (
        ("image", content.images),
        ("annotation", content.annotations),
        ("category", content.categories),
    ):
        seen = set[Any]()
        for entry in entries:
            if entry.id is not None and entry.id in seen:
                problems.append(Problem(path, f"has two {kind} entries with the id {entry.id}; number them anew"))
            seen.add(entry.id)
    for what, values in (
        ("image", [one.file_name for one in content.images]),
        ("class", [one.name for one in content.categories]),
    ):
        for value in sorted(
            {value for value in values if values.count(value) > 1} if len(set(values)) < len(values) else ()
        ):
            problems.append(Problem(path, f"names the {what} {value} twice; keep one entry"))
    return problems


def _list(
    path: Path, split: str | None, content: CocoFile, folders: Sequence[Path], masks: bool, reading: Reading
) -> None:
    kinds = {one.id: one.name for one in content.categories}
    listed: dict[int | str, Listed] = {}
    for picture in content.images:
        image = next((place / picture.file_name for place in folders if (place / picture.file_name).is_file()), None)
        if image is None:
            looked = " and ".join(dict.fromkeys(str(place) for place in folders))
            cure = f"is not in {looked}; add it, or say in data.images where it lies"
            reading.problems.append(Problem(path, f"the image {picture.file_name} {cure}"))
            image = folders[0] / picture.file_name
            listed[picture.id] = Listed(image, path, split, [])
            continue
        size = (picture.height, picture.width)
        known = (size[0], size[1]) if size[0] is not None and size[1] is not None else None
        listed[picture.id] = Listed(image, path, split, [], known)
        reading.listed.append(listed[picture.id])
    for number, entry in enumerate(content.annotations):
        where = f"annotation {number if entry.id is None else entry.id}"
        if entry.image_id not in listed:
            reading.problems.append(Problem(path, f"{where} has the image_id {entry.image_id}, which no image has"))
        elif entry.category_id not in kinds:
            came = f"{where} has the category_id {entry.category_id}, which no category has"
            reading.problems.append(Problem(path, f"{came}; add it to categories"))
        else:
            one = listed[entry.image_id]
            try:
                outline = _outline(entry, one.size) if masks else None
            except ValueError as error:
                reading.problems.append(Problem(path, f"{where} of {one.image.name} {error}"))
                continue
            left, top, width, height = entry.bbox
            box = (left, top, left + width, top + height)
            one.marks.append(Marked(where, kinds[entry.category_id], box, bool(entry.iscrowd), entry.area, outline))


def _outline(entry: Object, size: tuple[int, int] | None) -> Outline | None:
    return read_outline(entry.segmentation, size) if entry.segmentation else None
