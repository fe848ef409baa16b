"""A segmentation data set, opened by a recipe: verified, split, counted, ready to be shown to a model."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from piste.balance import ClassCounts
from piste.data.augment.copy_paste import CopyPaste
from piste.data.classes import settle_classes
from piste.data.counts import IGNORE_INDEX, count_classes
from piste.data.dataset import Item, Items, SegmentationDataset, collate
from piste.data.deal import deal_as_filed, deal_out, default_split
from piste.data.folder import BUILT_IN, Listing, Sample, list_samples, locate
from piste.data.images import read_image
from piste.data.labelled import YES, Combinations, LabelMasks
from piste.data.labelled_folder import list_labelled
from piste.data.masks import Codes, find_values, read_mask
from piste.data.outlined import coco_files, list_outlined
from piste.data.problems import DataError, Problem
from piste.data.recipe import SegmentationDataRecipe
from piste.data.section import Statistics
from piste.data.statistics import colour_statistics
from piste.data.store import Reader, Store, draw_sample, fits_in_memory
from piste.names import nearest


@final
class SegmentationData:
    """Images and masks in splits.

    Args:
        recipe: with everything decided that it left open: classes, background, split, normalisation in numbers.
        folder: where the data lies.
        splits: samples of `train`, `val` and, if there are any, `test`.
        counts: class frequencies of the training masks, after `prepare`.
        combinations: where the data have labels that do not exclude each other: what the indices in masks stand for.
    """

    def __init__(
        self,
        recipe: SegmentationDataRecipe,
        folder: Path,
        splits: Mapping[str, Sequence[Sample]],
        counts: ClassCounts,
        combinations: Combinations | None = None,
    ) -> None:
        self.recipe = recipe
        self.folder = folder
        self.splits = splits
        self.counts = counts
        self.combinations = combinations
        self._reader = reader_of(recipe, combinations)
        samples = [sample for split in splits.values() for sample in split]
        self._cached = fits_in_memory(samples) if recipe.cache == "auto" else recipe.cache
        self._stores: dict[str, Store] = {}

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes in the order of their indices, or the labels."""
        return class_names_of(self.recipe)

    @property
    def background(self) -> int | None:
        """Index of the class that is no object, where there is one."""
        return None if self.recipe.background is None else self.class_names.index(self.recipe.background)

    def dataset(
        self, split: str, *, train: bool, seed: int = 0, distance: Callable[[Tensor], Tensor] | None = None
    ) -> SegmentationDataset:
        """The samples of a split as the model sees them.

        Args:
            split: train, val or test.
            train: whether they are augmented; otherwise the recipe's `evaluate` is done to them.
            seed: what augmentation follows from, with the epoch and the index.
            distance: makes distance maps [C, H, W] of a target; None where no loss reads any.

        Raises:
            ValueError: there is no such split, or a file can't be read.
        """
        steps = self.recipe.augment if train else self.recipe.evaluate
        normalize = self.recipe.normalize
        assert isinstance(normalize, Statistics), "open_segmentation puts numbers here"
        store = self._store(split)
        pipeline = self.recipe.pipeline(steps, self.recipe.outside)
        nothing = self.background if self.combinations is None else 0
        pipeline = pipeline.mixing(partial(draw_sample, store), background=nothing)
        return SegmentationDataset(store, pipeline, normalize, seed, distance)

    def collate(self, multiple: int = 1) -> Callable[[Sequence[Item]], Items]:
        """A DataLoader's `collate_fn`: pads what differs in size, and to a multiple of what the model needs."""
        return partial(collate, multiple=multiple)

    def raw(self, split: str, index: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """A sample as evaluation sees it, before it is normalised and padded: image [H, W, 3] and mask [H, W]."""
        return _picture(
            *self.recipe.pipeline(self.recipe.evaluate, self.recipe.outside)(*self._store(split)[index], Random(0))
        )

    def read(self, path: Path) -> tuple[Item, tuple[int, int]]:
        """An image file that has no mask, as evaluation would see it, and the height and width it came with.

        Raises:
            DataError: the file can't be read.
        """
        image = torch.from_numpy(read_image(path, self.recipe.window)).permute(2, 0, 1).contiguous()
        shown = image
        for steps in (self.recipe.prepare, self.recipe.evaluate):
            shown = self.recipe.pipeline(steps, self.recipe.outside).image(shown, Random(0))
        assert isinstance(self.recipe.normalize, Statistics), "open_segmentation puts numbers here"
        target = torch.full(shown.shape[1:], IGNORE_INDEX)
        item = Item(image=self.recipe.normalize(shown), target=target, index=0, name=path.stem)
        return item, (image.shape[1], image.shape[2])

    def augmented(self, index: int, epoch: int, seed: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """A training sample as it is drawn in an epoch, before it is normalised: image [H, W, 3] and mask [H, W]."""
        dataset = self.dataset("train", train=True, seed=seed)
        dataset.set_epoch(epoch)
        return _picture(*dataset.pixels(index))

    def masks(self, split: str) -> Iterator[NDArray[np.uint8]]:
        """The masks of a split, one after the other, read from disk and prepared."""
        return map(self._reader.read_mask, self.splits[split])

    def count(self, split: str) -> ClassCounts:
        """How often each class, or label, occurs in a split."""
        return _count(self.masks(split), self.recipe, self.combinations)

    def _store(self, split: str) -> Store:
        if split not in self.splits:
            raise ValueError(f"{self.folder} has no split {split}; {nearest(split, self.splits)}")
        if split not in self._stores:
            self._stores[split] = Store(self._reader, self.splits[split], self._cached)
        return self._stores[split]


def open_segmentation(recipe: SegmentationDataRecipe) -> SegmentationData:
    """Open a folder or a built-in data set for training.

    Pairs and sizes are verified from the files' headers, and the training masks are read, to count classes. Images
    are decoded when they are first asked for.

    Raises:
        FileNotFoundError: there is no such folder.
        DataError: the data can't be used; in one line, the first problem and how many more there are.
        ValueError: the recipe asks for what the data can't give.
    """
    folder = locate(recipe.path)
    listing = listing_of(recipe, folder)
    if listing.problems:
        raise DataError(*listing.problems)
    samples = {sample.name: sample for sample in listing.samples}
    recipe, combinations = _settled(classes_of_files(recipe, listing), folder, listing)
    reader = reader_of(recipe, combinations)
    if listing.splits is None:
        split = recipe.split or default_split(folder)
        recipe = recipe.resolved(split=split.model_dump(mode="json"))
        foreground = foreground_shares(recipe, reader, listing.samples, combinations) if split.stratify else None
        deal = deal_out(split, folder, listing.names, foreground)
    else:
        deal = deal_as_filed(listing.splits, folder, recipe.split)
    if deal.problems:
        raise DataError(*deal.problems)
    splits = {split: [samples[name] for name in names] for split, names in deal.members.items()}
    counts = _count(map(reader.read_mask, splits["train"]), recipe, combinations)
    absent = absent_classes(recipe, folder, counts)
    if absent:
        raise DataError(*absent)
    data = SegmentationData(recipe, folder, splits, counts, combinations)
    if recipe.normalize == "data":
        store = data._store("train")
        recipe = recipe.resolved(normalize=colour_statistics(store[index][0] for index in range(len(store))))
        data = SegmentationData(recipe, folder, splits, counts, combinations)
    return data


def listing_of(recipe: SegmentationDataRecipe, folder: Path) -> Listing:
    """The images of a folder and their masks: files, one a label, or drawn from those of COCO."""
    if recipe.labels is not None:
        return list_labelled(folder, recipe.labels)
    files = coco_files(folder, recipe.annotations)
    return list_outlined(folder, files) if files else list_samples(folder)


def classes_of_files(recipe: SegmentationDataRecipe, listing: Listing) -> SegmentationDataRecipe:
    """The recipe with the classes that the files say, where it names none."""
    if recipe.classes is None and listing.classes is not None:
        return recipe.resolved(classes=dict(listing.classes))
    return recipe


def _settled(
    recipe: SegmentationDataRecipe, folder: Path, listing: Listing
) -> tuple[SegmentationDataRecipe, Combinations | None]:
    """The recipe with its classes and its background decided; of labels, their combinations."""
    if recipe.labels is not None:
        return recipe, combinations_of(recipe, folder, listing.samples)
    open_ended = recipe.classes is None and recipe.path not in BUILT_IN
    masks = [sample.mask for sample in listing.samples if not isinstance(sample.mask, LabelMasks)]
    values = {value for mask in masks for value in find_values(mask)} if open_ended else set()
    recipe = settle_classes(recipe, folder, values)
    if recipe.background is None and any(isinstance(step, CopyPaste) for step in recipe.augment):
        raise ValueError("data.augment: copy_paste needs to know what is no object; name that class in data.background")
    return recipe, None


def combinations_of(recipe: SegmentationDataRecipe, folder: Path, samples: Iterable[Sample]) -> Combinations:
    """The combinations of labels in the masks of samples.

    Raises:
        DataError: a mask can't be read, or there are more than have a code.
    """
    masks = (sample.mask for sample in samples if isinstance(sample.mask, LabelMasks))
    ignore = [value for value in recipe.ignore if isinstance(value, int)]
    return Combinations.found(masks, len(recipe.labels or ()), ignore, folder / "masks")


def class_names_of(recipe: SegmentationDataRecipe) -> tuple[str, ...]:
    """The classes in the order of their indices, or the labels."""
    return recipe.labels or tuple(recipe.classes or ())


def _count(
    masks: Iterable[NDArray[np.uint8]], recipe: SegmentationDataRecipe, combinations: Combinations | None
) -> ClassCounts:
    return count_classes(masks, len(recipe.classes or ())) if combinations is None else combinations.count(masks)


def reader_of(recipe: SegmentationDataRecipe, combinations: Combinations | None = None) -> Reader:
    """Reads samples as a recipe with settled classes says, or as the combinations of its labels do."""
    if combinations is None:
        decode: Callable[[Any], NDArray[np.uint8]] = partial(
            read_mask, codes=Codes.of(recipe.classes or {}, recipe.ignore)
        )
    else:
        decode = combinations.read
    return Reader(decode, recipe.window, recipe.pipeline(recipe.prepare, recipe.outside))


def foreground_shares(
    recipe: SegmentationDataRecipe,
    reader: Reader,
    samples: Sequence[Sample],
    combinations: Combinations | None = None,
) -> dict[str, float]:
    """Each image's share of pixels, among those that count, that are not background, or that have any label.

    Raises:
        DataError: no class is background, or a mask can't be read.
    """
    if combinations is not None:
        some = (combinations.table == YES).any(1).numpy()
        masks = {sample.name: reader.read_mask(sample) for sample in samples}
        return {name: float(some[mask].sum() / max((mask != IGNORE_INDEX).sum(), 1)) for name, mask in masks.items()}
    if recipe.background is None:
        message = "data.split.stratify needs to know the background; name that class in data.background"
        raise DataError(Problem(Path(recipe.path), message))
    background = list(recipe.classes or ()).index(recipe.background)
    shares = {}
    for sample in samples:
        mask = reader.read_mask(sample)
        counted = int((mask != IGNORE_INDEX).sum())
        shares[sample.name] = 1 - int((mask == background).sum()) / counted if counted else 0.0
    return shares


def absent_classes(recipe: SegmentationDataRecipe, folder: Path, counts: ClassCounts) -> list[Problem]:
    """A problem for each class or label that no training mask holds."""
    kind, key = ("class", "classes") if recipe.labels is None else ("label", "labels")
    cure = f"move an image that has it into train, or remove the {kind} from data.{key}"
    return [
        Problem(folder / "masks", f"no training mask holds the {kind} {name}; {cure}")
        for name, pixels in zip(class_names_of(recipe), counts.pixels, strict=True)
        if not pixels
    ]


def _picture(image: Tensor, mask: Tensor) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    return image.permute(1, 2, 0).contiguous().numpy().copy(), mask.contiguous().numpy().copy()
