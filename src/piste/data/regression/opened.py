"""A regression data set, opened by a recipe: verified, split, standardised, ready to be shown to a model."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from piste.data.annotations import IMAGE_COLUMN, find_annotations, read_annotations
from piste.data.deal import deal_out, split_of_table, strata_of
from piste.data.folder import BUILT_IN, list_samples, locate
from piste.data.limit import limited
from piste.data.masks import Codes, read_mask
from piste.data.picture_data import PictureData, settle_statistics
from piste.data.pictures import ImageFiles, Pictures
from piste.data.problems import DataError, Problem
from piste.data.regression.recipe import RegressionDataRecipe, ValueStatistics
from piste.data.table import Table
from piste.names import nearest

CORNERS = np.ones((3, 3), dtype=bool)  # pixels that touch at a corner belong to one lake


@dataclass(frozen=True)
class Valued:
    """Images and their numbers, before they are split.

    Args:
        place: the file or folder that messages name.
        folder: where a split file would lie.
        pictures: the images.
        names: of the values.
        values: float64 [N, V].
        table: what a CSV file says besides, by which images may be split.
    """

    place: Path
    folder: Path
    pictures: Pictures
    names: tuple[str, ...]
    values: NDArray[np.float64]
    table: Table | None = None


@final
class RegressionData:
    """Images with numbers, in splits.

    Args:
        recipe: with everything decided that it left open.
        pictures: the images, by split.
        values: by split, float64 [N, V], in their unit.
    """

    def __init__(self, recipe: RegressionDataRecipe, pictures: PictureData, values: Mapping[str, Tensor]) -> None:
        self.recipe = recipe
        self.pictures = pictures
        self.values = values
        known = recipe.standardize
        count = len(self.value_names)
        self.mean = torch.tensor(known.mean if isinstance(known, ValueStatistics) else [0.0] * count)
        self.std = torch.tensor(known.std if isinstance(known, ValueStatistics) else [1.0] * count)

    @property
    def spread(self) -> Tensor:
        """Standard deviation of each training value, in its unit [V]; 1 where it does not vary."""
        std = self.values["train"].std(0, correction=0)
        return torch.where(std > 0, std, 1.0)

    @property
    def value_names(self) -> tuple[str, ...]:
        """What the numbers are called, in order."""
        return tuple(self.recipe.values or ())

    def targets(self, split: str) -> Tensor:
        """What the model is to predict: float32 [N, V], standardised where the recipe says so."""
        return ((self.values[split] - self.mean) / self.std).float()

    def in_units(self, values: Tensor) -> Tensor:
        """What the model predicts, [N, V] or [N, V, Q], in the values' units."""
        along = (1, -1) if values.ndim == 2 else (1, -1, 1)
        return values * self.std.to(values.device).view(along) + self.mean.to(values.device).view(along)


def open_regression(recipe: RegressionDataRecipe) -> RegressionData:
    """Open images and their numbers for training; files are verified from their headers.

    Raises:
        FileNotFoundError: there is no such folder.
        DataError: the data can't be used; in one line, the first problem and how many more there are.
        ValueError: the recipe asks for what the data can't give.
    """
    valued = count_lakes(recipe) if recipe.path in recipe.built_in else read_values(recipe)
    split = recipe.split or split_of_table(valued.table, valued.folder)
    quarters = strata_of(dict(zip(valued.pictures.names, _ranks(valued.values[:, 0]), strict=True)))
    deal = deal_out(split, valued.folder, valued.pictures.names, strata=quarters, table=valued.table)
    if deal.problems:
        raise DataError(*deal.problems)
    place = {name: i for i, name in enumerate(valued.pictures.names)}
    splits = {name: sorted(place[member] for member in members) for name, members in deal.members.items()}
    splits = limited(recipe.limit, splits, np.array([quarters[name] for name in valued.pictures.names]))
    settled = recipe.resolved(values=list(valued.names), split=split.model_dump(mode="json"))
    training = valued.values[splits["train"]]
    if recipe.standardize is True:
        settled = settled.resolved(standardize=_statistics(training))
    settled, pictures = settle_statistics(settled, valued.pictures, splits)
    return RegressionData(
        settled, pictures, {name: torch.from_numpy(valued.values[places]) for name, places in splits.items()}
    )


def read_values(recipe: RegressionDataRecipe) -> Valued:
    """The images that a CSV file names, with the numbers in its columns.

    Raises:
        FileNotFoundError: there is nothing.
        DataError: what keeps them from being used.
    """
    path = Path(recipe.path).expanduser()
    if not path.exists():
        known = nearest(recipe.path, recipe.built_in)
        raise FileNotFoundError(f"data {recipe.path} does not exist; built-in data sets: {known}")
    file = find_annotations(path)
    if file is None:
        rule = "holds no labels.csv: a CSV file with the column path and columns of numbers belongs here, or is named"
        raise DataError(Problem(path, rule))
    annotations = read_annotations(file, recipe.values or ())
    table = annotations.table
    names = recipe.values or [column for column in table.columns if column not in (IMAGE_COLUMN, "split")]
    if not names:
        raise DataError(Problem(file, "has no column of numbers beside path and split; add one"))
    values, problems = [], list(table.problems)
    for name, row in table.rows.items():
        numbers = [_number(row[column]) for column in names]
        values.append([math.nan if number is None else number for number in numbers])
        for column, number in zip(names, numbers, strict=True):
            if number is None:
                cure = (
                    ""
                    if recipe.values
                    else f", or list the columns of numbers under data.values, such as [{names[-1]}]"
                )
                came = f"{name}: the column {column} holds {row[column][:40] or 'nothing'}, which is no finite number"
                problems.append(Problem(file, f"{came}; give one, remove the row{cure}"))
    if problems:
        raise DataError(*problems)
    pictures = ImageFiles(annotations.images, annotations.names, recipe.window)
    return Valued(file, file.parent, pictures, tuple(names), np.array(values, dtype=np.float64), table)


def count_lakes(recipe: RegressionDataRecipe) -> Valued:
    """The built-in tiles of satellite imagery, and how many lakes their masks show.

    Raises:
        DataError: a file of the package is damaged.
    """
    folder = locate(recipe.path)
    listing = list_samples(folder)
    if listing.problems:
        raise DataError(*listing.problems)
    codes = Codes.of(dict(BUILT_IN["lakes"]), [])
    masks = [sample.mask for sample in listing.samples if isinstance(sample.mask, Path)]
    counts = [ndimage.label(read_mask(mask, codes) == 1, CORNERS)[1] for mask in masks]
    pictures = ImageFiles([s.image for s in listing.samples], [s.name for s in listing.samples], recipe.window)
    return Valued(folder, folder, pictures, ("lakes",), np.array(counts, dtype=np.float64)[:, None])


def _number(text: str) -> float | None:
    """The finite number that a text holds, if it does."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _ranks(values: NDArray[np.float64]) -> Sequence[float]:
    """The place of each value among all, in (0, 1]; equal ones share it."""
    ordered = np.sort(values)
    shares: Sequence[float] = (np.searchsorted(ordered, values, side="right") / len(values)).tolist()
    return shares


def _statistics(values: NDArray[np.float64]) -> dict[str, list[float]]:
    """Mean and deviation of each column; one that is the same everywhere keeps its unit."""
    std = values.std(axis=0)
    return {
        "mean": [float(f"{mean:.9g}") for mean in values.mean(axis=0)],
        "std": [float(f"{each:.9g}") if each > 0 else 1.0 for each in std],
    }
