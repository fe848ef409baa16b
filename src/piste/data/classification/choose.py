"""Which images of each split are used, and which of their labels are made wrong."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from piste.data.classification.labelled import Labelled
from piste.data.classification.recipe import ClassificationDataRecipe, LabelNoiseRecipe
from piste.data.deal import deal_out, split_of_table
from piste.data.problems import DataError, Problem
from piste.data.split import SPLITS, SplitRecipe

Labels = NDArray[np.int64] | NDArray[np.bool_]


def settle_split(recipe: ClassificationDataRecipe, labelled: Labelled) -> SplitRecipe | None:
    """How images are dealt out, where the recipe leaves it open; None where the data come in splits."""
    if recipe.split is not None or {"train", "val"} <= labelled.given.keys():
        return recipe.split
    if labelled.given:
        return SplitRecipe(ratio=(0.9, 0.1), stratify=True)
    folder = labelled.place if labelled.table is None else labelled.table.path.parent
    return split_of_table(labelled.table, folder)


def deal_labelled(split: SplitRecipe | None, labelled: Labelled) -> dict[str, list[int]]:
    """The places of the images in each split.

    Raises:
        DataError: what is wrong with the split file, or with the outcome.
    """
    names = labelled.pictures.names
    kept: list[int] = []
    if split is None:
        found = {name: list(labelled.given[name]) for name in SPLITS if name in labelled.given}
        for name in ("train", "val"):
            if not found.get(name):
                raise DataError(Problem(labelled.place, f"has no images for {name}; add some, or set data.split"))
        return found
    if split.ratio is not None and len(split.ratio) == 2:
        kept = list(labelled.given.get("test", ()))
    fixed = set(kept)
    place = {name: i for i, name in enumerate(names) if i not in fixed}
    folder = labelled.table.path.parent if labelled.table else labelled.place
    strata = {name: int(stratum) for name, stratum in zip(names, strata_of(labelled), strict=True) if name in place}
    deal = deal_out(split, folder, list(place), strata=strata, table=labelled.table)
    if deal.problems:
        raise DataError(*deal.problems)
    found = {name: sorted(place[member] for member in members) for name, members in deal.members.items()}
    return found | ({"test": kept} if kept else {})


def strata_of(labelled: Labelled) -> NDArray[np.int64]:
    """The class of each image; of several labels the one that is rarest in the whole, and one more for none."""
    labels = labelled.labels
    if labels.ndim == 1:
        return np.asarray(labels, dtype=np.int64)
    often = np.where(labels, labels.sum(0), len(labels) + 1)
    return np.asarray(np.where(labels.any(1), often.argmin(1), labels.shape[1]), dtype=np.int64)


def noisy(noise: LabelNoiseRecipe | None, labels: Labels, classes: int, place: Path) -> Labels:
    """Training labels of which each is, with a probability, another class.

    Raises:
        DataError: images have several labels, or there is no other class.
    """
    if noise is None or noise.rate == 0:
        return labels
    if labels.ndim == 2:
        rule = "data.label_noise makes one class of another; an image of several labels has none to exchange"
        raise DataError(Problem(place, f"{rule}: take the key away"))
    if classes < 2:
        raise DataError(Problem(place, "data.label_noise needs two classes or more"))
    generator = np.random.default_rng([noise.seed, 0x6E6F697365])
    wrong = generator.random(len(labels)) < noise.rate
    away = generator.integers(1, classes, len(labels))
    return np.where(wrong, (labels + away) % classes, labels)
