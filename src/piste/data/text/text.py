"""A data set of lines, opened by a recipe: verified, split, its alphabet known, ready to be shown to a model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import final

from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode

from piste.data.deal import deal_out, default_split
from piste.data.folder import locate
from piste.data.picture_store import PictureStore, pictures_fit_in_memory
from piste.data.pictures import ImageFiles, Pictures
from piste.data.problems import DataError, Problem
from piste.data.section import Statistics
from piste.data.split import SPLITS, SplitRecipe
from piste.data.statistics import colour_statistics
from piste.data.text.alphabet import Alphabet, characters_of, unknown_characters
from piste.data.text.dataset import TextDataset
from piste.data.text.labels import read_labels
from piste.data.text.lines import render_lines
from piste.data.text.recipe import LINES, LinesRecipe, TextDataRecipe
from piste.data.text.scaled import Scaled, scaled
from piste.names import nearest


@final
class TextData:
    """Lines in splits.

    Args:
        recipe: with everything decided that it left open: alphabet, split, normalisation in numbers.
        folder: where the data lies; the name of a built-in data set.
        pictures: the images of all lines.
        texts: what each of them says.
        splits: places among the images, of `train`, `val` and, if there are any, `test`.

    Attributes:
        pictures: the images at the height of the recipe.
        cached: whether they are kept in memory.
    """

    def __init__(
        self,
        recipe: TextDataRecipe,
        folder: Path,
        pictures: Pictures,
        texts: Sequence[str],
        splits: Mapping[str, Sequence[int]],
    ) -> None:
        self.recipe = recipe
        self.folder = folder
        self.texts = tuple(texts)
        self.splits = {split: tuple(places) for split, places in splits.items()}
        self.pictures = Scaled(pictures, recipe.height, self._mode)
        self.unknown = {split: unknown_characters(self.lines(split), recipe.alphabet or "") for split in self.splits}
        self.alphabet = Alphabet(
            recipe.alphabet or "", characters_of("".join(found) for found in self.unknown.values())
        )
        every = [place for places in self.splits.values() for place in places]
        fits = recipe.cache == "auto" and pictures_fit_in_memory(self.pictures, every)
        self.cached = fits or recipe.cache is True
        self._stores: dict[str, PictureStore] = {}

    def lines(self, split: str) -> list[str]:
        """What the lines of a split say."""
        return [self.texts[place] for place in self.splits[split]]

    def widths(self, split: str) -> list[int]:
        """How wide the lines of a split are once scaled, in pixels."""
        return [self.pictures.sizes[place][1] for place in self.splits[split]]

    def path(self, split: str, index: int) -> Path:
        """Where a line lies."""
        return self.folder / self.pictures.names[self.splits[split][index]]

    def dataset(self, split: str, *, train: bool, seed: int = 0) -> TextDataset:
        """The lines of a split as the model sees them.

        Args:
            split: train, val or test.
            train: whether they are augmented; otherwise the recipe's `evaluate` is done to them.
            seed: what augmentation follows from, with the epoch and the index.

        Raises:
            ValueError: there is no such split, or a file can't be read.
        """
        pipeline = self.recipe.pipeline(self.recipe.augment if train else self.recipe.evaluate)
        store = self._store(split)
        return TextDataset(store, self.lines(split), self.alphabet, pipeline, self._normalize, seed)

    def image(self, split: str, index: int) -> Tensor:
        """A line as evaluation sees it, before it is normalised: uint8 [3, H, W]."""
        return self.recipe.pipeline(self.recipe.evaluate).image(self._store(split)[index], Random(0))

    def prepared(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Any image, uint8 [3, H, W], as evaluation sees it, before and after it is normalised."""
        image = scaled(image, self.recipe.height, self._mode)
        for steps in (self.recipe.prepare, self.recipe.evaluate):
            image = self.recipe.pipeline(steps).image(image, Random(0))
        return image, self._normalize(image)

    @property
    def _mode(self) -> InterpolationMode:
        return self.recipe.pipeline([]).canvas.resize_mode

    @property
    def _normalize(self) -> Statistics:
        assert isinstance(self.recipe.normalize, Statistics), "open_text puts numbers here"
        return self.recipe.normalize

    def _store(self, split: str) -> PictureStore:
        if split not in self.splits:
            raise ValueError(f"{self.folder} has no split {split}; {nearest(split, self.splits)}")
        if split not in self._stores:
            prepare = self.recipe.pipeline(self.recipe.prepare)
            self._stores[split] = PictureStore(self.pictures, self.splits[split], prepare, self.cached)
        return self._stores[split]

    def resolved(self) -> "TextData":
        """The same data with a normalisation in numbers."""
        if isinstance(self.recipe.normalize, Statistics):
            return self
        store = self._store("train")
        statistics = colour_statistics(store[place] for place in range(len(store)))
        recipe = self.recipe.resolved(normalize=statistics)
        data = TextData(recipe, self.folder, self.pictures.pictures, self.texts, self.splits)
        data._stores = self._stores
        return data


def open_text(recipe: TextDataRecipe) -> TextData:
    """Open a folder of lines, or render the built-in ones.

    Sizes are read from the files' headers. Images are decoded when they are first asked for.

    Raises:
        FileNotFoundError: there is no such folder.
        DataError: the data can't be used; in one line, the first problem and how many more there are.
        ValueError: the recipe asks for what the data can't give.
    """
    if recipe.path == LINES:
        lines = render_lines(recipe.lines or LinesRecipe())
        recipe = recipe.resolved(lines=(recipe.lines or LinesRecipe()).model_dump(mode="json"))
        splits = {split: [i for i, name in enumerate(lines.names) if name.startswith(split)] for split in SPLITS}
        return _opened(recipe, Path(LINES), lines, lines.texts, splits)
    folder = locate(recipe.path, f"{recipe.labels} and images of lines")
    texts, table = read_labels(folder / recipe.labels)
    pictures = ImageFiles([folder / name for name in texts], list(texts), recipe.window)
    split = recipe.split or (SplitRecipe(file=recipe.labels) if "split" in table.columns else default_split(folder))
    recipe = recipe.resolved(split=split.model_dump(mode="json"))
    deal = deal_out(split, folder, list(texts), table=table)
    if deal.problems:
        raise DataError(*deal.problems)
    place_of = {name: place for place, name in enumerate(texts)}
    splits = {split: [place_of[name] for name in names] for split, names in deal.members.items()}
    return _opened(recipe, folder, pictures, list(texts.values()), splits)


def _opened(
    recipe: TextDataRecipe, folder: Path, pictures: Pictures, texts: Sequence[str], splits: Mapping[str, Sequence[int]]
) -> TextData:
    """The data with the alphabet settled."""
    training = [texts[place] for place in splits["train"]]
    if recipe.alphabet is None:
        recipe = recipe.resolved(alphabet=characters_of(training))
    unknown = unknown_characters(training, recipe.alphabet or "")
    if unknown:
        shown = ", ".join(f"{char!r} ({count} times)" for char, count in list(unknown.items())[:5])
        message = f"data.alphabet lacks characters of training lines: {shown}; add them, or leave alphabet out"
        raise DataError(Problem(folder / recipe.labels if recipe.path != LINES else folder, message))
    return TextData(recipe, folder, pictures, texts, splits).resolved()
