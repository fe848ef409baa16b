"""Data sets that come as arrays: IDX files, and scikit-learn's digits."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from piste.data.classification.labelled import Labelled, settle_numbers
from piste.data.classification.recipe import ClassificationDataRecipe
from piste.data.idx import FASHION_CLASSES, find_fashion_mnist, find_idx, read_idx
from piste.data.pictures import ImageArray, numbered
from piste.data.problems import DataError, Problem


def read_arrays(recipe: ClassificationDataRecipe, folder: Path) -> Labelled:
    """The IDX files of a folder, in the splits that their names say.

    Raises:
        DataError: what keeps them from being used.
    """
    pixels: list[NDArray[np.uint8]] = []
    labels: list[NDArray[np.uint8]] = []
    names: list[str] = []
    given: dict[str, range] = {}
    for split, (image_file, label_file) in find_idx(folder).items():
        images, its = read_idx(image_file, axes=3), read_idx(label_file, axes=1)
        if len(images) != len(its):
            raise DataError(Problem(label_file, f"holds {len(its)} labels for {len(images)} images"))
        if pixels and pixels[0].shape[1:] != images.shape[1:]:
            raise DataError(Problem(image_file, "holds images of another size than the other files"))
        given[split] = range(len(names), len(names) + len(images))
        pixels.append(images)
        labels.append(its)
        names += numbered(split, len(images))
    numbers = np.concatenate(labels).astype(np.int64)
    if not len(numbers):
        raise DataError(Problem(folder, "its IDX files hold no image"))
    classes = settle_numbers(recipe.classes, numbers, folder)
    return Labelled(folder, ImageArray(np.concatenate(pixels), names), classes, numbers, given)


def read_fashion(recipe: ClassificationDataRecipe) -> Labelled:
    """Fashion-MNIST, its classes named.

    Raises:
        FileNotFoundError: its files are not there; says how to get them.
        DataError: they are damaged.
    """
    classes = recipe.classes or list(FASHION_CLASSES)
    return read_arrays(recipe.model_copy(update={"classes": classes}), find_fashion_mnist())


def read_digits(recipe: ClassificationDataRecipe) -> Labelled:
    """Scikit-learn's 1797 written digits of 8 x 8 pixels (UCI, test part of Optical Recognition of Handwritten Digits).

    Their 17 shades become 0 … 255.
    """
    found = load_digits()
    pixels = (found.images * (255 / 16)).round().astype(np.uint8)
    numbers = found.target.astype(np.int64)
    place = Path("digits")
    classes = settle_numbers(recipe.classes, numbers, place)
    return Labelled(place, ImageArray(pixels, numbered("digit", len(pixels))), classes, numbers)
