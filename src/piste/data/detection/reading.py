"""Which format a folder has, and what its files say."""

from pathlib import Path

from piste.data.detection.annotated import Reading
from piste.data.detection.coco import find_coco, read_coco
from piste.data.detection.recipe import DetectionDataRecipe
from piste.data.detection.voc import find_voc, read_voc
from piste.data.detection.yolo import find_yolo, read_yolo
from piste.data.problems import DataError, Problem

LOOKED_FOR = {
    "coco": "train.json and val.json, or one annotations.json",
    "voc": "Annotations/ with XML files and JPEGImages/",
    "yolo": "images/ and labels/",
}


def settle_format(folder: Path, recipe: DetectionDataRecipe) -> DetectionDataRecipe:
    """The recipe with its format decided.

    Raises:
        DataError: the folder holds no boxes, or boxes in several formats.
        ValueError: a key of the recipe does not go with the format.
    """
    kind: str | None = recipe.format or ("coco" if recipe.annotations is not None else None)
    if kind is None:
        found = [name for name, held in _found(folder).items() if held]
        if not found:
            looked = "; ".join(f"{name}: {what}" for name, what in LOOKED_FOR.items())
            raise DataError(
                Problem(folder, f"holds no boxes that are found ({looked}); name the file in data.annotations")
            )
        if len(found) > 1:
            raise DataError(Problem(folder, f"holds boxes as {' and as '.join(found)}; say which in data.format"))
        kind = found[0]
    for key in ("annotations", "images"):
        if getattr(recipe, key) is not None and kind != "coco":
            raise ValueError(f"data.{key} goes with the format coco; the boxes of {folder} are {kind}; remove it")
    if recipe.masks and kind == "voc":
        raise ValueError("data.masks reads outlines, which voc has not; set it to false, or use coco or yolo")
    return recipe.resolved(format=kind)


def read(folder: Path, recipe: DetectionDataRecipe) -> Reading:
    """What the files of a folder say, in the recipe's format."""
    if recipe.format == "coco":
        said = recipe.annotations
        files: dict[str | None, Path] = find_coco(folder)
        if isinstance(said, str):
            files = {None: folder / said}
        elif said is not None:
            files = {split: folder / path for split, path in said.items()}
        if not files:
            return _nothing(folder, "coco")
        if len(files) == 1:  # its images are dealt out
            files = dict.fromkeys([None], *files.values())
        return read_coco(folder, files, recipe.images, recipe.masks)
    if recipe.format == "voc":
        voc = find_voc(folder)
        return _nothing(folder, "voc") if voc is None else read_voc(folder, *voc)
    places = find_yolo(folder)
    if len(places) == 1:
        places = dict.fromkeys([None], *places.values())
    return read_yolo(folder, places, recipe.classes, recipe.masks) if places else _nothing(folder, "yolo")


def _found(folder: Path) -> dict[str, bool]:
    coco = bool(find_coco(folder))
    return {"coco": coco, "voc": find_voc(folder) is not None, "yolo": bool(find_yolo(folder))}


def _nothing(folder: Path, kind: str) -> Reading:
    return Reading([], [], [Problem(folder, f"holds no boxes as {kind}: {LOOKED_FOR[kind]} are looked for")])
