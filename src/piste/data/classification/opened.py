"""A classification data set, opened by a recipe: verified, split, counted, ready to be shown to a model."""

from collections.abc import Mapping
from pathlib import Path
from typing import final

import numpy as np
import torch
from torch import Tensor

from piste.balance import ClassCounts
from piste.data.annotations import find_annotations
from piste.data.classification.arrays import read_arrays, read_digits, read_fashion
from piste.data.classification.choose import Labels, deal_labelled, noisy, settle_split, strata_of
from piste.data.classification.folders import read_folders
from piste.data.classification.labelled import Labelled
from piste.data.classification.recipe import ClassificationDataRecipe
from piste.data.classification.rows import read_rows
from piste.data.classification.torchvision_sets import read_torchvision
from piste.data.idx import find_idx
from piste.data.limit import limited
from piste.data.picture_data import PictureData, settle_statistics
from piste.data.pictures import ImageFiles
from piste.data.problems import DataError, Problem
from piste.names import nearest


@final
class ClassificationData:
    """Labelled images in splits.

    Args:
        recipe: with everything decided that it left open.
        pictures: the images, by split.
        targets: by split: int64 [N], or bool [N, C] where images may have several labels.
        noise: how many training labels were made wrong.
    """

    def __init__(
        self,
        recipe: ClassificationDataRecipe,
        pictures: PictureData,
        targets: Mapping[str, Tensor],
        noise: int,
    ) -> None:
        self.recipe = recipe
        self.pictures = pictures
        self.targets = targets
        self.noise = noise

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes in the order of their indices."""
        return tuple(self.recipe.classes or ())

    @property
    def multi_label(self) -> bool:
        """Whether an image may have several labels or none."""
        return self.targets["train"].ndim == 2

    @property
    def counts(self) -> ClassCounts:
        """How many training images have each class, as they are labelled."""
        return count_labels(self.targets["train"], len(self.class_names))


def open_classification(recipe: ClassificationDataRecipe) -> ClassificationData:
    """Open labelled images for training; files are verified from their headers.

    Raises:
        FileNotFoundError: there is no such folder.
        DataError: the data can't be used; in one line, the first problem and how many more there are.
        ValueError: the recipe asks for what the data can't give.
    """
    labelled = read_labelled(recipe)
    if recipe.window is not None and not isinstance(labelled.pictures, ImageFiles):
        raise ValueError("data.window is for image files with more than 8 bits; these images have 8: take it away")
    split = settle_split(recipe, labelled)
    settled = recipe.resolved(
        classes=list(labelled.classes), split=split if split is None else split.model_dump(mode="json")
    )
    splits = limited(recipe.limit, deal_labelled(split, labelled), strata_of(labelled))
    labels = {name: labelled.labels[places] for name, places in splits.items()}
    _refuse_absent(labelled, labels["train"])
    given = labels["train"]
    labels["train"] = noisy(recipe.label_noise, given, len(labelled.classes), labelled.place)
    settled, pictures = settle_statistics(settled, labelled.pictures, splits)
    targets = {name: torch.from_numpy(values) for name, values in labels.items()}
    return ClassificationData(settled, pictures, targets, int((given != labels["train"]).sum()))


def read_labelled(recipe: ClassificationDataRecipe) -> Labelled:
    """The images and labels that a recipe's path holds, by whichever of the layouts is there.

    Raises:
        FileNotFoundError: there is nothing.
        DataError: what is there can't be used.
    """
    if recipe.path == "digits":
        return read_digits(recipe)
    if recipe.path == "fashion":
        return read_fashion(recipe)
    path = Path(recipe.path).expanduser()
    if not path.exists():
        known = nearest(recipe.path, recipe.built_in)
        raise FileNotFoundError(f"data {recipe.path} does not exist; built-in data sets: {known}")
    if recipe.torchvision is not None:
        return read_torchvision(recipe, path)
    file = find_annotations(path)
    if file is not None:
        return read_rows(recipe, file)
    if not path.is_dir():
        rule = "is a file; give a folder of classes, a CSV file, or a folder of IDX files"
        raise DataError(Problem(path, rule))
    return read_arrays(recipe, path) if find_idx(path) else read_folders(recipe, path)


def count_labels(targets: Tensor, classes: int) -> ClassCounts:
    """How often each class occurs among labels; an image counts as one element.

    Args:
        targets: int64 [N], or bool [N, C].
        classes: how many there are.

    Example:
        >>> count_labels(torch.tensor([0, 2, 2]), classes=3)
        ClassCounts(pixels=(1, 0, 2), images=(1, 0, 2), containing=(3, 3, 3), total=3)
    """
    counts = tuple((targets.sum(0) if targets.ndim == 2 else targets.bincount(minlength=classes)).tolist())
    return ClassCounts(pixels=counts, images=counts, containing=(len(targets),) * classes, total=len(targets))


def _refuse_absent(labelled: Labelled, training: Labels) -> None:
    """Refuse a class that no training image has, and labels that all or no training images have."""
    held = training.sum(0) if training.ndim == 2 else np.bincount(training, minlength=len(labelled.classes))
    absent = [name for name, count in zip(labelled.classes, held, strict=True) if not count]
    cure = "move an image that has it into train, or remove the class from data.classes"
    if absent:
        raise DataError(
            *(Problem(labelled.place, f"no training image has the class {name}; {cure}") for name in absent)
        )
    if len(labelled.classes) < 2 and training.ndim == 1:
        raise DataError(Problem(labelled.place, f"holds one class, {labelled.classes[0]}; there is nothing to tell"))
