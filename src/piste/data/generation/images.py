"""Images that are imitated, opened by a recipe; their labels, where they have some, help to judge what is made."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from piste.data.annotations import find_annotations
from piste.data.classification.opened import open_classification
from piste.data.classification.recipe import ClassificationDataRecipe
from piste.data.deal import deal_out, default_split
from piste.data.folder import SUFFIXES
from piste.data.generation.dataset import RealImages
from piste.data.generation.recipe import GenerationDataRecipe
from piste.data.idx import find_idx
from piste.data.limit import limited
from piste.data.picture_data import PictureData
from piste.data.pictures import ImageArray, ImageFiles
from piste.data.problems import DataError, Problem
from piste.names import nearest

SHARED = ("path", "split", "cache", "window", "prepare", "augment", "evaluate", "interpolation", "fill", "limit")
"""Keys that mean the same in classification."""


@final
class GenerationImages:
    """Images in splits.

    Args:
        recipe: with everything decided that it left open.
        pictures: the images.
        labels: int64 [N] of each split, where images have one label each; None otherwise.
        class_names: what the labels mean.
    """

    def __init__(
        self,
        recipe: GenerationDataRecipe,
        pictures: PictureData,
        labels: Mapping[str, Tensor] | None,
        class_names: tuple[str, ...],
    ) -> None:
        self.recipe = recipe
        self.pictures = pictures
        self.labels = labels
        self.class_names = class_names
        self.channels = 1 if recipe.grey else 3

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of every image."""
        image = self.reals("val", train=False).real(0)
        return image.shape[0], image.shape[1], image.shape[2]

    def reals(self, split: str, *, train: bool, seed: int = 0) -> RealImages:
        """The images of a split, augmented where they train."""
        none = torch.zeros(len(self.pictures.splits[split]))
        return RealImages(self.pictures.dataset(split, none, train=train, seed=seed, channels=self.channels))


def open_images(recipe: GenerationDataRecipe) -> GenerationImages:
    """Open images that are to be imitated; files are verified from their headers.

    Raises:
        FileNotFoundError: there is no such folder.
        DataError: the data can't be used; in one line, the first problem and how many more there are.
    """
    return _labelled(recipe) if recipe.path in recipe.built_in or _has_labels(recipe.path) else _plain(recipe)


def _labelled(recipe: GenerationDataRecipe) -> GenerationImages:
    shared = {key: value for key, value in recipe.model_dump(mode="json").items() if key in SHARED}
    normalize = recipe.model_dump(mode="json")["normalize"]
    data = open_classification(ClassificationDataRecipe.model_validate({**shared, "normalize": normalize}))
    found = data.recipe.model_dump(mode="json")
    array = data.pictures.pictures
    grey = isinstance(array, ImageArray) and array.pixels.ndim == 3
    settled = recipe.resolved(split=found["split"], grey=grey if recipe.grey is None else recipe.grey)
    labels = None if data.multi_label else data.targets
    return GenerationImages(settled, data.pictures, labels, data.class_names)


def _plain(recipe: GenerationDataRecipe) -> GenerationImages:
    folder = Path(recipe.path).expanduser()
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    paths = [path for path in paths if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    if not paths:
        raise DataError(Problem(folder, f"holds no image; {', '.join(SUFFIXES)} are read"))
    names = [path.relative_to(folder).as_posix() for path in paths]
    split = recipe.split or default_split(folder)
    deal = deal_out(split, folder, names)
    if deal.problems:
        raise DataError(*deal.problems)
    place = {name: i for i, name in enumerate(names)}
    splits = {name: [place[member] for member in members] for name, members in deal.members.items()}
    splits = limited(recipe.limit, splits, np.zeros(len(names), dtype=np.int64))
    settled = recipe.resolved(split=split.model_dump(mode="json"), grey=bool(recipe.grey))
    pictures = PictureData(settled, ImageFiles(paths, names, recipe.window), splits)
    pictures.refuse_mixed_sizes()
    return GenerationImages(settled, pictures, None, ())


def _has_labels(path: str) -> bool:
    """Whether images come as classification reads them: in a file, or in folders and nowhere else.

    Raises:
        FileNotFoundError: there is nothing.
    """
    place = Path(path).expanduser()
    if not place.exists():
        known: Any = GenerationDataRecipe.built_in
        raise FileNotFoundError(f"data {path} does not exist; built-in data sets: {nearest(path, known)}")
    if find_annotations(place) is not None or (place.is_dir() and find_idx(place)):
        return True
    if not place.is_dir():
        raise DataError(Problem(place, "is a file; give a folder of images, a CSV file, or a folder of IDX files"))
    inner = [each for each in place.iterdir() if not each.name.startswith(".")]
    folders = [each for each in inner if each.is_dir()]
    return len(folders) > 1 and not any(each.suffix.lower() in SUFFIXES for each in inner)
