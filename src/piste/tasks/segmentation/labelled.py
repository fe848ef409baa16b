"""Segmentation whose labels do not exclude each other: its scores, and the last look at a trained model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from piste.metrics.images import ImageScore, label_image_scores, worst_first
from piste.metrics.labels import LabelScores
from piste.metrics.objects import ObjectScores
from piste.tasks.base import Batch, Examined, Shown
from piste.tasks.base.examined import Pixels
from piste.tasks.segmentation.examined import examined
from piste.tasks.segmentation.panels import label_panels, label_words

if TYPE_CHECKING:
    from piste.tasks.segmentation.task import SegmentationTask

WALL = 24  # pictures that are kept
THRESHOLD = 0.5


class LabelledScores:
    """Scores of pixels and of objects, label by label, over the batches of a split.

    Args:
        names: the labels.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.pixels = LabelScores(names)
        self.objects = ObjectScores(names)

    def update(self, output: Batch) -> None:
        """Add one batch."""
        probs = output.prediction.sigmoid()
        self.pixels.update(probs, output.target, output.mask)
        self.objects.update_labels(probs >= THRESHOLD, output.target, output.mask)

    def compute(self) -> dict[str, float]:
        """Every metric by name; NaN where it is undefined."""
        return self.pixels.compute() | self.objects.compute()


class Look(NamedTuple):
    """One image as the model sees it: its name, how good that is, its pixels, and its maps, bool [K, H, W]."""

    name: str
    score: ImageScore
    image: Pixels
    predicted: Tensor
    truth: Tensor
    counted: Tensor


@torch.no_grad()
def examine_labels(
    task: SegmentationTask,
    model: nn.Module,
    split: str,
    batches: Iterable[Any],
    thresholds: Mapping[str, float] | None = None,
) -> Examined:
    """Score a model on a split at the threshold 0.5 and at the best one of each label, and draw its worst images.

    Args:
        task: says how batches are read.
        model: is put in eval mode.
        split: its name.
        batches: its batches, on the model's device; gone through twice.
        thresholds: for each label, found on another split; None takes the best of this one.
    """
    model.eval()
    names, scores = task.data.class_names, LabelledScores(task.data.class_names)
    ranked: list[tuple[str, ImageScore]] = []
    kept: list[Look] = []
    for batch in batches:
        output = task.forward(model, batch)
        scores.update(output)
        predicted = output.prediction >= 0  # a probability of 0.5
        found = label_image_scores(predicted, output.target, output.mask)
        ranked += zip(task.names(batch), found, strict=True)
        for place, index in enumerate(batch["index"].tolist()):
            image, _ = task.data.raw(split, index)
            height, width = image.shape[:2]
            maps = (each[place, :, :height, :width].cpu() for each in (predicted, output.target, output.mask))
            kept.append(Look(ranked[place - len(found)][0], found[place], image, *maps))
        kept = [kept[i] for i in worst_first([look.score for look in kept])[:WALL]]
    thresholds = dict(thresholds or scores.pixels.best_threshold())
    objects = _objects_at(task, model, batches, thresholds)
    return examined(scores, thresholds, objects, ranked, [_shown(look, names) for look in kept])


def _objects_at(
    task: SegmentationTask, model: nn.Module, batches: Iterable[Any], thresholds: Mapping[str, float]
) -> ObjectScores:
    """Scores of objects when each label counts from its own threshold on."""
    objects = ObjectScores(task.data.class_names)
    least = torch.tensor([thresholds[name] for name in task.data.class_names]).view(1, -1, 1, 1)
    for batch in batches:
        output = task.forward(model, batch)
        probs = output.prediction.sigmoid()
        objects.update_labels(probs >= least.to(probs.device), output.target, output.mask)
    return objects


def _shown(look: Look, names: Sequence[str]) -> Shown:
    predicted, truth, counted = (each.numpy() for each in (look.predicted, look.truth, look.counted))
    panels = label_panels(look.image, predicted, truth, counted, names)
    return Shown(look.name, look.score.iou, panels, label_words(predicted, truth, counted, names))
