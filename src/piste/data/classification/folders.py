"""Image folders by class: `cat/x.jpg`, or by split and class: `train/cat/x.jpg`."""

from pathlib import Path

import numpy as np

from piste.data.classification.labelled import Labelled, settle_classes
from piste.data.classification.recipe import ClassificationDataRecipe
from piste.data.folder import SUFFIXES
from piste.data.pictures import ImageFiles
from piste.data.problems import DataError, Problem

SPLIT_FOLDERS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
"""What split each folder of this name is."""


def read_folders(recipe: ClassificationDataRecipe, folder: Path) -> Labelled:
    """The images below a folder; the folder that an image lies in, or lies in below it, is its class.

    Raises:
        DataError: what keeps the images from being used.
    """
    parts = _folders(folder)
    split_of = {name: SPLIT_FOLDERS[name.lower()] for name in parts if name.lower() in SPLIT_FOLDERS}
    if split_of and len(split_of) < len(parts):
        odd = next(name for name in parts if name not in split_of)
        rule = f"lies beside {next(iter(split_of))}, so it should be one of {', '.join(SPLIT_FOLDERS)}"
        raise DataError(Problem(folder / odd, f"{rule}; classes belong inside each split"))
    _refuse_two_of_a_split(folder, split_of)
    paths: list[Path] = []
    labels: list[str] = []
    given: dict[str, list[int]] = {}
    for top in [folder / name for name in split_of] or [folder]:
        classes = _folders(top)
        if not classes:
            raise DataError(Problem(top, "holds no folder; each class has one, with its images in it"))
        for name in classes:
            images = _images(top / name)
            given.setdefault(split_of.get(top.name, ""), []).extend(range(len(paths), len(paths) + len(images)))
            paths += images
            labels += [name] * len(images)
    if not paths:
        raise DataError(Problem(folder, f"holds no image; {', '.join(SUFFIXES)} are read"))
    names = [path.relative_to(folder).as_posix() for path in paths]
    found = settle_classes(recipe.classes, set(labels), folder)
    index = {name: i for i, name in enumerate(found)}
    return Labelled(
        folder,
        ImageFiles(paths, names, recipe.window),
        found,
        np.array([index[label] for label in labels], dtype=np.int64),
        given if split_of else {},
    )


def _folders(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__")))


def _images(folder: Path) -> list[Path]:
    """The images of a class, in folders below its own, too."""
    found = [path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")]
    if not found:
        raise DataError(Problem(folder, f"holds no image, so its class has none; {', '.join(SUFFIXES)} are read"))
    return sorted(found)


def _refuse_two_of_a_split(folder: Path, split_of: dict[str, str]) -> None:
    for name, split in split_of.items():
        twin = next((other for other, its in split_of.items() if its == split and other != name), None)
        if twin is not None:
            raise DataError(Problem(folder, f"holds both {name} and {twin}, which are the same split; keep one"))
