r"""Scores of whole objects: how many were found, how many were made up, and how wrong their number is.

An object is a connected component of one class. A predicted and a true object of a class match where their areas
overlap with \(|P \cap T| / |P \cup T| \ge 0.5\). From there on a match is one to one without any search: an object
that shares at least half of a union has no room for another partner that does, unless the two partners fill it
exactly, and then they touch and are one object.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from piste.metrics.names import flat_scores, foreground_indices
from piste.metrics.tally import Tally

NEIGHBOURS = {4: ndimage.generate_binary_structure(2, 1), 8: ndimage.generate_binary_structure(2, 2)}


class ObjectCounts(NamedTuple):
    """How many objects of a class are in the truth, how many were predicted, and how many pairs of them match."""

    truth: int
    predicted: int
    matched: int


class ObjectScores:
    """Object-wise precision, recall, F1 and count error of each foreground class.

    `object_recall` is the share of the true objects that were found, `object_precision` the share of the predicted
    ones that are real, `object_f1` their harmonic mean, `object_count_error` the difference between the numbers of
    predicted and true objects in an image, averaged over the images without its sign. A class that has no object in
    truth and prediction has no score (NaN) and is in no mean. Pixels whose truth is `ignore_index` belong to no object.

    Args:
        class_names: the classes in the order of their indices.
        background: the class that forms no objects; None where every class does.
        ignore_index: truth that nothing is counted on.
        connectivity: 8 where pixels that touch at a corner belong together, 4 where only sides join them.
        min_iou: overlap from which two objects match, in [0.5, 1].

    Example:
        >>> scores = ObjectScores(["background", "lake"], background=0)
        >>> scores.update(torch.tensor([[[1, 1, 0, 1]]]), torch.tensor([[[1, 1, 0, 0]]]))
        >>> scores.counts()["lake"], scores.compute()["object_precision"]
        (ObjectCounts(truth=1, predicted=2, matched=1), 0.5)
    """

    def __init__(
        self,
        class_names: Sequence[str],
        background: int | None = None,
        *,
        ignore_index: int = 255,
        connectivity: int = 8,
        min_iou: float = 0.5,
    ) -> None:
        if connectivity not in NEIGHBOURS:
            raise ValueError(f"`connectivity` must be 4 or 8; got {connectivity}")
        if not 0.5 <= min_iou <= 1.0:
            raise ValueError(f"`min_iou` must lie in [0.5, 1], where an object has one partner at most; got {min_iou}")
        self.class_names = list(class_names)
        self.foreground = foreground_indices(len(self.class_names), background)
        self.ignore_index = ignore_index
        self.min_iou = min_iou
        self._neighbours = NEIGHBOURS[connectivity]
        classes = (len(self.foreground),)
        self._tally = Tally(truth=classes, predicted=classes, matched=classes, count_error=classes, images=())

    def update(self, predicted: Tensor, truth: Tensor) -> None:
        """Count the objects of a batch.

        Args:
            predicted: int `[N, H, W]`, class indices.
            truth: int `[N, H, W]`, class indices or `ignore_index`.
        """
        if predicted.shape != truth.shape or predicted.ndim != 3:
            raise ValueError(
                f"`predicted` and `truth` must both be class indices [N, H, W]; got {tuple(predicted.shape)} "
                f"and {tuple(truth.shape)}"
            )
        device, images = predicted.device, len(predicted)
        predicted, truth = predicted.cpu(), truth.cpu()
        counted = truth != self.ignore_index
        self._add(
            (((predicted == index) & counted, (truth == index) & counted) for index in self.foreground), images, device
        )

    def update_labels(self, predicted: Tensor, truth: Tensor, counted: Tensor) -> None:
        """Count the objects of a batch whose classes are labels that do not exclude each other.

        Args:
            predicted: bool `[N, K, H, W]`, K the number of foreground classes.
            truth: bool, of the same shape.
            counted: bool, of the same shape: where the truth is known.
        """
        if not predicted.shape == truth.shape == counted.shape or predicted.shape[1:2] != (len(self.foreground),):
            raise ValueError(
                f"`predicted`, `truth` and `counted` must be [N, {len(self.foreground)}, H, W]; got "
                f"{tuple(predicted.shape)}, {tuple(truth.shape)} and {tuple(counted.shape)}"
            )
        device, images = predicted.device, len(predicted)
        said, is_so = (predicted & counted).cpu(), (truth & counted).cpu()
        self._add(zip(said.unbind(1), is_so.unbind(1), strict=True), images, device)

    def _add(self, maps: Iterable[tuple[Tensor, Tensor]], images: int, device: torch.device) -> None:
        """Count the objects in maps [N, H, W] of what was predicted and of what is true, class by class."""
        rows = np.zeros((4, len(self.foreground)), dtype=np.int64)
        for column, pair in enumerate(maps):
            said, is_so = (each.numpy() for each in pair)
            for image in np.flatnonzero((said | is_so).any(axis=(1, 2))):
                found = match_objects(said[image], is_so[image], self._neighbours, self.min_iou)
                rows[:, column] += (*found, abs(found.predicted - found.truth))
        counts = dict(
            zip(("truth", "predicted", "matched", "count_error"), torch.from_numpy(rows).to(device), strict=True)
        )
        self._tally.to(device).update(**counts, images=torch.tensor(images, device=device))

    def compute(self) -> dict[str, float]:
        """Flat names to scores: means over the foreground classes, then those of each class."""
        tally = self._tally.totals()
        images = int(tally["images"])
        names = [self.class_names[index] for index in self.foreground]
        scores: dict[str, dict[str, float]] = {
            metric: {} for metric in ("object_precision", "object_recall", "object_f1", "object_count_error")
        }
        for name, counts, error in zip(names, self.counts().values(), tally["count_error"].tolist(), strict=True):
            absent = counts.truth + counts.predicted == 0
            values = (
                counts.matched / max(counts.predicted, 1),
                counts.matched / max(counts.truth, 1),
                2 * counts.matched / max(counts.truth + counts.predicted, 1),
                error / max(images, 1),
            )
            for metric, value in zip(scores, values, strict=True):
                scores[metric][name] = math.nan if absent else value
        return flat_scores(scores, names)

    def counts(self) -> dict[str, ObjectCounts]:
        """How many objects of each foreground class there are, were predicted, and match."""
        tally = self._tally.totals()
        rows = torch.stack([tally["truth"], tally["predicted"], tally["matched"]], dim=1).tolist()
        return {self.class_names[index]: ObjectCounts(*row) for index, row in zip(self.foreground, rows, strict=True)}

    def reset(self) -> None:
        """Forget everything counted so far."""
        self._tally.reset()


def match_objects(
    predicted: NDArray[np.bool_], truth: NDArray[np.bool_], neighbours: NDArray[np.bool_], min_iou: float
) -> ObjectCounts:
    """Count the objects of one class in one image, and the pairs that match.

    Args:
        predicted: bool `[H, W]`.
        truth: bool `[H, W]`.
        neighbours: bool `[3, 3]`, which pixels around one are joined to it.
        min_iou: overlap from which two objects match, at least 0.5.
    """
    said, said_count = ndimage.label(predicted, neighbours)
    is_so, true_count = ndimage.label(truth, neighbours)
    both = predicted & truth
    pairs, shared = np.unique(np.stack([said[both], is_so[both]]), axis=1, return_counts=True)
    said_areas, true_areas = np.bincount(said.ravel()), np.bincount(is_so.ravel())
    union = said_areas[pairs[0]] + true_areas[pairs[1]] - shared
    return ObjectCounts(true_count, said_count, int((shared >= min_iou * union).sum()))
