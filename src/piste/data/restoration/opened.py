"""A restoration data set, opened by a recipe: verified, split, ready to be shown to a model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import final

from piste.data.augment.sizes import Crop
from piste.data.deal import deal_out, default_split
from piste.data.folder import BUILT_IN, locate
from piste.data.problems import DataError, Problem
from piste.data.restoration.both import sizes_after
from piste.data.restoration.dataset import RestorationDataset
from piste.data.restoration.degrade import scale_of
from piste.data.restoration.folder import Pair, list_clean, list_pairs
from piste.data.restoration.recipe import RestorationDataRecipe
from piste.data.restoration.store import PairStore, fits_in_memory
from piste.names import nearest


@final
class RestorationData:
    """Pairs of input and target in splits.

    Args:
        recipe: with everything decided that it left open: split and scale.
        folder: where the data lie.
        splits: pairs of `train`, `val` and, if there are any, `test`.
    """

    def __init__(self, recipe: RestorationDataRecipe, folder: Path, splits: Mapping[str, Sequence[Pair]]) -> None:
        self.recipe = recipe
        self.folder = folder
        self.splits = splits
        pairs = [pair for split in splits.values() for pair in split]
        self._cached = fits_in_memory(pairs) if recipe.cache == "auto" else recipe.cache
        self._stores: dict[str, PairStore] = {}

    @property
    def scale(self) -> int:
        """How many times larger targets are than inputs."""
        assert self.recipe.scale is not None, "open_restoration puts a number here"
        return self.recipe.scale

    def dataset(self, split: str, *, train: bool, seed: int = 0) -> RestorationDataset:
        """The samples of a split as the model sees them.

        Args:
            split: train, val or test.
            train: whether they are augmented, and degraded anew in each epoch.
            seed: what that follows from, with the epoch and the index.

        Raises:
            ValueError: there is no such split, or a file can't be read.
        """
        if split not in self.splits:
            raise ValueError(f"{self.folder} has no split {split}; {nearest(split, self.splits)}")
        if split not in self._stores:
            self._stores[split] = PairStore(self.splits[split], self.recipe.window, self._cached)
        augment = self.recipe.augment if train else []
        return RestorationDataset(self._stores[split], augment, self.recipe.degrade, seed if train else None)


def open_restoration(recipe: RestorationDataRecipe) -> RestorationData:
    """Open a folder or a built-in data set for training.

    Pairs and sizes are verified from the files' headers. Images are decoded when they are first asked for.

    Raises:
        FileNotFoundError: there is no such folder.
        DataError: the data can't be used; in one line, the first problem and how many more there are.
        ValueError: the recipe asks for what the data can't give.
    """
    folder = locate(recipe.path, holds="input/ and target/, or clean images")
    if recipe.path in BUILT_IN and not recipe.degrade:
        example = "data.degrade=[{downscale: {factor: 2}}]"
        raise ValueError(f"data.path {recipe.path} holds clean images; say what is to be undone, such as {example}")
    made = scale_of(recipe.degrade)
    listing = list_clean(folder, made) if recipe.degrade else list_pairs(folder, recipe.scale)
    if listing.problems:
        raise DataError(*listing.problems)
    pairs = {pair.name: pair for pair in listing.pairs}
    split = recipe.split or default_split(folder)
    deal = deal_out(split, folder, listing.names)
    if deal.problems:
        raise DataError(*deal.problems)
    splits = {split: [pairs[name] for name in names] for split, names in deal.members.items()}
    recipe = recipe.resolved(split=split.model_dump(mode="json"), scale=listing.pairs[0].scale)
    _check_crops(recipe)
    _check_sizes(recipe, splits["train"])
    return RestorationData(recipe, folder, splits)


def _check_crops(recipe: RestorationDataRecipe) -> None:
    """Refuse crops that would cut through a pixel of the input."""
    for crop in recipe.augment:
        if isinstance(crop, Crop) and (crop.height % (recipe.scale or 1) or crop.width % (recipe.scale or 1)):
            came = f"{crop.width}x{crop.height}"
            rule = f"is {recipe.scale} times as large as the input, and a crop of it must be divisible by that"
            raise ValueError(f"data.augment: the target {rule}; got a crop of {came} (width x height)")


def _check_sizes(recipe: RestorationDataRecipe, train: Sequence[Pair]) -> None:
    """Refuse training images that would not make a batch.

    Raises:
        DataError: an image is smaller than the crop.
        ValueError: sizes differ.
    """
    sizes: dict[tuple[int, int], Pair] = {}
    for pair in train:
        try:
            for size in sizes_after(pair.size, recipe.augment):
                sizes.setdefault(size, pair)
        except ValueError as error:
            raise DataError(Problem(pair.target, f"{error}; make the crop smaller or remove the image")) from None
    if len(sizes) > 1:
        (first, one), (second, other) = list(sizes.items())[:2]
        came = f"{first[1]}x{first[0]} of {one.target.name}, {second[1]}x{second[0]} of {other.target.name}"
        least = min(min(size) for size in sizes)
        side = max(recipe.scale or 1, min(64, least) // (recipe.scale or 1) * (recipe.scale or 1))
        cure = f"cut them to one size with data.augment: [..., {{crop: {{height: {side}, width: {side}}}}}]"
        raise ValueError(f"{recipe.path}: training images must come in one size, but there are {came}; {cure}")
