"""How good each single image is, so that a report can show the worst ones first."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from piste.metrics.names import foreground_indices


class ImageScore(NamedTuple):
    """One image: the mean IoU of the foreground classes in its truth or prediction (NaN without any), wrong pixels."""

    iou: float
    wrong: int


def image_scores(
    predicted: Tensor, truth: Tensor, *, classes: int, background: int | None, ignore_index: int = 255
) -> list[ImageScore]:
    """Score each image alone.

    Args:
        predicted: int `[N, *S]`, class indices.
        truth: int `[N, *S]`, class indices or `ignore_index`.
        classes: how many there are.
        background: the class that no mean counts; None where every class counts.
        ignore_index: truth that nothing is counted on.
    """
    counted = (truth != ignore_index).flatten(1)
    predicted, truth = predicted.flatten(1), truth.flatten(1)
    ious = []
    for index in foreground_indices(classes, background):
        said, is_so = (predicted == index) & counted, (truth == index) & counted
        ious.append((said & is_so).sum(1) / (said | is_so).sum(1))  # 0 / 0 is NaN: the class isn't there
    wrong = ((predicted != truth) & counted).sum(1)
    return [
        ImageScore(iou, count) for iou, count in zip(torch.stack(ious).nanmean(0).tolist(), wrong.tolist(), strict=True)
    ]


def label_image_scores(predicted: Tensor, truth: Tensor, counted: Tensor) -> list[ImageScore]:
    """Score each image alone, where a pixel may have several labels: the mean IoU of labels, and wrong answers.

    Args:
        predicted: bool `[N, K, *S]`.
        truth: bool, of the same shape.
        counted: bool, of the same shape: where the truth is known.
    """
    said, is_so = (predicted & counted).flatten(2), (truth & counted).flatten(2)
    ious = (said & is_so).sum(2) / (said | is_so).sum(2)  # 0 / 0 is NaN: the label isn't there
    wrong = (said != is_so).flatten(1).sum(1)
    return [ImageScore(iou, count) for iou, count in zip(ious.nanmean(1).tolist(), wrong.tolist(), strict=True)]


def worst_first(scores: Sequence[ImageScore]) -> list[int]:
    """Positions of the images from the worst to the best.

    The lower IoU comes first and, of equal ones, the image with more wrong pixels. Images with no foreground in truth
    and prediction have nothing wrong and come last.

    Example:
        >>> worst_first([ImageScore(0.8, 3), ImageScore(0.0, 2), ImageScore(float("nan"), 0), ImageScore(0.0, 9)])
        [3, 1, 0, 2]
    """
    return sorted(
        range(len(scores)),
        key=lambda i: (
            math.isnan(scores[i].iou),
            0.0 if math.isnan(scores[i].iou) else scores[i].iou,
            -scores[i].wrong,
        ),
    )
