"""Everything that is wrong with a data folder, all at once."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from piste.data.classes import settle_classes
from piste.data.counts import count_classes
from piste.data.deal import deal_as_filed, deal_out, default_split
from piste.data.folder import BUILT_IN, Listing, Sample, locate
from piste.data.images import read_image
from piste.data.labelled import LabelMasks
from piste.data.leaks import find_leaks, fingerprint
from piste.data.masks import find_values
from piste.data.problems import DataError, Problem
from piste.data.recipe import SegmentationDataRecipe
from piste.data.segmentation import (
    absent_classes,
    classes_of_files,
    combinations_of,
    foreground_shares,
    listing_of,
    reader_of,
)

T = TypeVar("T")


def check_folder(recipe: SegmentationDataRecipe) -> list[Problem]:
    """Read every file of a data set and say what is wrong with it.

    Looked for are: missing folders; images without mask and masks without image; equal stems; sizes that differ; files
    that are empty, broken, cut short or of a kind that can't be read; mask values that no class has; a split file that
    names unknown images or splits, or leaves images out; empty splits; a group torn apart; a class that is absent from
    training; a label without masks, or without that of an image; the same picture in two splits (pictures of a single
    colour aside).

    Args:
        recipe: `SegmentationDataRecipe(path=...)` will do where the masks hold 0, 1, 2, … or the data set is built in.

    Returns:
        The problems, sorted by path; none where all is well.

    Raises:
        ValueError: the recipe contradicts itself or the data set's classes.
    """
    try:
        folder = locate(recipe.path)
    except FileNotFoundError as error:
        return [Problem(Path(recipe.path), str(error))]
    listing = listing_of(recipe, folder)
    problems = list(listing.problems)
    if listing.names:
        _check_samples(classes_of_files(recipe, listing), folder, listing, problems)
    return sorted(problems, key=lambda problem: (problem.path, problem.message))


def _check_samples(
    recipe: SegmentationDataRecipe,
    folder: Path,
    listing: Listing,
    problems: list[Problem],
) -> None:
    samples = listing.samples
    prints = {one.name: _attempt(problems, partial(_print, one.image, recipe)) or "" for one in samples}
    combinations = None
    if recipe.labels is None:
        settled = _settle(recipe, folder, samples, problems)
    else:
        samples = [one for one in samples if _attempt(problems, partial(combinations_of, recipe, folder, [one]))]
        combinations = _attempt(problems, partial(combinations_of, recipe, folder, samples))
        settled = None if combinations is None else recipe
    split = recipe.split or _attempt(problems, lambda: default_split(folder))
    if settled is None or split is None:
        return
    reader = reader_of(settled, combinations)
    masks = {sample: _attempt(problems, partial(reader.read_mask, sample)) for sample in samples}
    sound = [sample for sample, mask in masks.items() if mask is not None]
    foreground = None
    if split.stratify:
        foreground = _attempt(problems, lambda: foreground_shares(settled, reader, sound, combinations))
    if listing.splits is None:
        deal = deal_out(split, folder, listing.names, foreground)
    else:
        deal = deal_as_filed(listing.splits, folder, recipe.split)
    problems.extend(deal.problems)
    split_of = {name: split for split, members in deal.members.items() for name in members}
    if "train" in deal.members:
        training = (masks[sample] for sample in sound if split_of.get(sample.name) == "train")
        read = [mask for mask in training if mask is not None]
        counts = count_classes(read, len(settled.classes or ())) if combinations is None else combinations.count(read)
        problems.extend(absent_classes(settled, folder, counts))
    problems.extend(find_leaks({sample.name: sample.image for sample in listing.samples}, prints, split_of))


def _settle(
    recipe: SegmentationDataRecipe, folder: Path, samples: list[Sample], problems: list[Problem]
) -> SegmentationDataRecipe | None:
    """The recipe with its classes decided; None where that can't be."""
    values: set[int] = set()
    if recipe.classes is None and recipe.path not in BUILT_IN:
        for mask in (sample.mask for sample in samples if not isinstance(sample.mask, LabelMasks)):
            values |= _attempt(problems, partial(find_values, mask)) or set()
    return _attempt(problems, lambda: settle_classes(recipe, folder, values))


def _attempt(problems: list[Problem], act: Callable[[], T]) -> T | None:
    """What `act` returns, or None with its problems noted."""
    try:
        return act()
    except DataError as error:
        problems.extend(error.problems)
        return None


def _print(path: Path, recipe: SegmentationDataRecipe) -> str:
    return fingerprint(read_image(path, recipe.window))
