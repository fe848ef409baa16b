"""The last look at a trained segmentation model: scores at two thresholds, curves, and pictures, the worst first."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from piste.metrics.images import ImageScore, image_scores, worst_first
from piste.metrics.objects import ObjectScores
from piste.tasks.base import Batch, Examined, Shown
from piste.tasks.segmentation.examined import examined
from piste.tasks.segmentation.task import SegmentationScores, SegmentationTask

WALL_PIXELS = 4_000_000  # pictures are kept up to so many pixels in all, but eight of them always
WALL_LEAST = 8

Picture = dict[str, NDArray[np.uint8]]


class Seen(NamedTuple):
    """One image as the model sees it: its name, how good that is, and its maps by name."""

    name: str
    score: ImageScore
    picture: Picture


@dataclass
class _Wall:
    """Keeps the worst images seen so far, within a budget of pixels."""

    kept: list[Seen] = field(default_factory=list)

    def add(self, seen: Seen) -> None:
        self.kept.append(seen)
        if len(self.kept) > WALL_LEAST and sum(s.picture["truth"].size for s in self.kept) > WALL_PIXELS:
            self.kept.pop(self._order()[-1])

    def worst_first(self) -> list[Seen]:
        return [self.kept[i] for i in self._order()]

    def _order(self) -> list[int]:
        return worst_first([seen.score for seen in self.kept])


@torch.no_grad()
def examine(
    task: SegmentationTask,
    model: nn.Module,
    split: str,
    batches: Iterable[Any],
    thresholds: Mapping[str, float] | None = None,
) -> Examined:
    """Score a model on a split at the default threshold and at the best one, and keep its worst images.

    Beside the scores there are, for each foreground class, its threshold, its curve of precision, recall and threshold,
    and how many objects are true, predicted and matched at both thresholds; and the pixels by true class (rows) and
    predicted class (columns).

    Args:
        task: says how batches are read.
        model: is put in eval mode.
        split: its name.
        batches: its batches, on the model's device; gone through twice.
        thresholds: for each foreground class, found on another split; None takes the best of this one.
    """
    model.eval()
    data, scores, wall = task.data, SegmentationScores(task), _Wall()
    ranked: list[tuple[str, ImageScore]] = []
    for batch in batches:
        output = task.forward(model, batch)
        scores.update(output)
        probs, truth = task.probs(output), task.truth(output)
        predicted = task.labels(probs)
        found = image_scores(predicted, truth, classes=len(data.class_names), background=data.background)
        names = task.names(batch)
        ranked += zip(names, found, strict=True)
        for name, score, picture in zip(names, found, _pictures(task, split, batch, output, predicted), strict=True):
            wall.add(Seen(name, score, picture))
    thresholds = dict(thresholds or scores.pixels.best_threshold())
    objects = _objects_at(task, model, batches, thresholds)
    shown = [Shown(seen.name, seen.score.iou, seen.picture) for seen in wall.worst_first()]
    confusion = scores.pixels.confusion()
    return replace(examined(scores, thresholds, objects, ranked, shown, confusion=confusion), masks=True)


def _objects_at(
    task: SegmentationTask, model: nn.Module, batches: Iterable[Any], thresholds: Mapping[str, float]
) -> ObjectScores:
    """Scores of objects when each foreground class claims the pixels from its own threshold on."""
    objects = ObjectScores(task.data.class_names, task.data.background)
    least = [thresholds[task.data.class_names[i]] for i in task.foreground]
    for batch in batches:
        output = task.forward(model, batch)
        objects.update(task.labels(task.probs(output), least), task.truth(output))
    return objects


def _pictures(task: SegmentationTask, split: str, batch: Any, output: Batch, predicted: Tensor) -> Iterable[Picture]:
    """Image, truth, prediction and foreground probability of each sample of a batch, as bytes, padding cut off."""
    probs, truth = task.probs(output), task.truth(output)
    softmax, background = task.activation == "softmax", task.data.background
    foreground = 1 - probs[:, background] if softmax and background is not None else probs.amax(1)
    for position, index in enumerate(batch["index"].tolist()):
        image, _ = task.data.raw(split, index)
        height, width = image.shape[:2]
        maps = {
            "truth": truth[position],
            "predicted": predicted[position],
            "prob": foreground[position].mul(255).round(),
        }
        yield {"image": image} | {name: m[:height, :width].byte().cpu().numpy() for name, m in maps.items()}
