"""Pictures of boxes: what was found, what was missed, and what is not there."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from piste.metrics.box_matches import match
from piste.tasks.base.examined import Pixels

Colour = tuple[int, int, int]

HIT, MISS, FALSE_ALARM = (86, 188, 246), (255, 216, 64), (240, 78, 40)  # those of the report, for every eye
SIDE = 448  # what small images are enlarged to, about, so that boxes have room for their scores
LEGEND = "blue: found, yellow: missed, red: false alarm"


def draw_boxes(
    image: Pixels,
    boxes: Sequence[Sequence[float]],
    colours: Sequence[Colour],
    words: Sequence[str] = (),
    *,
    side: int = SIDE,
) -> Pixels:
    """An image with boxes on it, enlarged by whole steps where it is small.

    Args:
        image: uint8 [H, W, 3].
        boxes: x1, y1, x2, y2 of each, in pixels of the image.
        colours: one a box.
        words: written above each box; none at all where empty.
        side: what small images are enlarged to, about, in pixels.
    """
    scale = max(1, round(side / max(image.shape[:2])))
    canvas = Image.fromarray(image).resize((image.shape[1] * scale, image.shape[0] * scale), Image.Resampling.BICUBIC)
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(size=11)
    for box, colour in zip(boxes, colours, strict=True):
        left, top, right, bottom = (scale * each for each in box)
        pen.rectangle([left, top, right, bottom], outline=(20, 20, 20), width=4)
        within = [left + 1, top + 1, max(right - 1, left + 1), max(bottom - 1, top + 1)]  # a box may be a point
        pen.rectangle(within, outline=colour, width=2)
    for box, colour, word in zip(boxes, colours, words, strict=False):
        at = (scale * box[0] + 1, max(0.0, scale * box[1] - 12))
        pen.rectangle(pen.textbbox(at, word, font=font), fill=(20, 20, 20))
        pen.text(at, word, fill=colour, font=font)
    return np.asarray(canvas)


def hits_and_misses(
    image: Pixels,
    found: Mapping[str, Tensor],
    target: Mapping[str, Tensor],
    thresholds: Sequence[float],
    names: Sequence[str],
    *,
    side: int = SIDE,
) -> tuple[dict[str, Pixels], dict[str, int]]:
    """Truth and prediction of an image beside each other, and how many objects are found, missed and made up.

    Args:
        image: uint8 [H, W, 3].
        found: boxes, scores and labels (from 1), on the CPU.
        target: boxes, labels and crowd.
        thresholds: the score from which each class is predicted.
        names: of the classes; written where there are several.
        side: what small images are enlarged to, about.
    """
    sure = surer(found, thresholds)
    matched = match(sure, target)
    truth, hit = torch.as_tensor(matched.truth), torch.as_tensor(matched.hit)
    counts = ~target["crowd"]
    of_truth = [HIT if each else MISS for each in hit[counts].tolist()]
    shown = truth != -2
    of_found = [HIT if each >= 0 else FALSE_ALARM for each in truth[shown].tolist()]
    labels = [names[label - 1] if len(names) > 1 else "" for label in sure["labels"][shown].tolist()]
    scores = [f"{score:.2f}" for score in sure["scores"][shown].tolist()]
    panels = {
        "truth": draw_boxes(image, target["boxes"][counts].tolist(), of_truth, side=side),
        "predicted": draw_boxes(
            image,
            sure["boxes"][shown].tolist(),
            of_found,
            [f"{label} {score}".strip() for label, score in zip(labels, scores, strict=True)],
            side=side,
        ),
    }
    numbers = {"hits": of_truth.count(HIT), "misses": of_truth.count(MISS), "false_alarms": of_found.count(FALSE_ALARM)}
    return panels, numbers


def surer(found: Mapping[str, Tensor], thresholds: Sequence[float]) -> dict[str, Any]:
    """The detections that reach the score of their class, boxes, scores and labels."""
    keep = found["scores"] >= torch.tensor(thresholds, device=found["scores"].device)[found["labels"] - 1]
    return {name: found[name][keep] for name in ("boxes", "scores", "labels")}


def mosaic(pictures: Sequence[Pixels], columns: int = 2) -> Pixels:
    """Pictures in rows, the smaller ones with a dark margin to the right and below."""
    height, width = (max(picture.shape[axis] for picture in pictures) for axis in (0, 1))
    rows = -(-len(pictures) // columns)
    canvas = np.full((rows * (height + 4) - 4, columns * (width + 4) - 4, 3), 24, dtype=np.uint8)
    for i, picture in enumerate(pictures):
        top, left = (i // columns) * (height + 4), (i % columns) * (width + 4)
        canvas[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return canvas
