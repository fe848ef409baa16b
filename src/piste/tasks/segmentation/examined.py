"""What an examination of segmentation comes to, whether or not its labels exclude each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from piste.metrics.images import ImageScore, worst_first
from piste.tasks.base import Examined, Shown

if TYPE_CHECKING:
    from piste.metrics.objects import ObjectScores
    from piste.tasks.segmentation.labelled import LabelledScores
    from piste.tasks.segmentation.task import SegmentationScores


def examined(
    scores: SegmentationScores | LabelledScores,
    thresholds: Mapping[str, float],
    objects: ObjectScores,
    ranked: Sequence[tuple[str, ImageScore]],
    wall: Sequence[Shown],
    **further: Any,
) -> Examined:
    """Scores at both thresholds, the images from the worst on, and what figures are drawn from.

    Args:
        scores: at the default threshold.
        thresholds: the best ones, by class or label.
        objects: scores of objects at these.
        ranked: the images' names, and how good each is.
        wall: the pictures, the worst first.
        further: what is kept beside the curves and the objects.
    """
    order = worst_first([score for _, score in ranked])
    return Examined(
        scores={"default": scores.compute(), "best_threshold": scores.pixels.at(thresholds) | objects.compute()},
        samples=[{"name": ranked[i][0], "score": ranked[i][1].iou, "wrong": ranked[i][1].wrong} for i in order],
        wall=wall,
        kept={"thresholds": dict(thresholds)},
        further={
            **further,
            "curves": {name: curve._asdict() for name, curve in scores.pixels.curves().items()},
            "objects": {"default": _counts(scores.objects), "best_threshold": _counts(objects)},
        },
    )


def _counts(objects: ObjectScores) -> dict[str, dict[str, int]]:
    return {name: counts._asdict() for name, counts in objects.counts().items()}
