"""What a data set holds, split by split."""

from collections.abc import Mapping
from dataclasses import dataclass

from piste.balance import ClassCounts
from piste.data.segmentation import SegmentationData


@dataclass(frozen=True)
class SplitSummary:
    """One split.

    Args:
        images: how many.
        smallest: height and width of the image with the fewest pixels.
        largest: height and width of the image with the most.
        counts: class frequencies.
    """

    images: int
    smallest: tuple[int, int]
    largest: tuple[int, int]
    counts: ClassCounts


@dataclass(frozen=True)
class Summary:
    """A whole data set.

    Args:
        path: where it lies, or its built-in name.
        class_names: the classes in the order of their indices.
        background: index of the background, if any.
        splits: by name.
    """

    path: str
    class_names: tuple[str, ...]
    background: int | None
    splits: Mapping[str, SplitSummary]


def summarise(data: SegmentationData) -> Summary:
    """Read all masks and sum up what they hold."""
    splits = {}
    for split, samples in data.splits.items():
        sizes = sorted((sample.size for sample in samples), key=lambda size: (size[0] * size[1], size))
        splits[split] = SplitSummary(len(samples), sizes[0], sizes[-1], data.count(split))
    return Summary(data.recipe.path, data.class_names, data.background, splits)
