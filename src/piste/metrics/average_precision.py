"""COCO's average precision and recall of boxes or masks, by faster-coco-eval."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from piste.metrics.box_rows import ImageRows

IOUS = {"ap": None, "ap50": 0, "ap75": 5}  # places of 0.5 and 0.75 among the overlaps 0.5, 0.55, …, 0.95
SIZES = {"ap_small": 1, "ap_medium": 2, "ap_large": 3}  # below 32 x 32 pixels, below 96 x 96, and above
MOST = {"ar1": 0, "ar10": 1, "ar100": 2}  # at most so many predictions an image


def coco_scores(
    images: Sequence[ImageRows], class_names: Sequence[str], *, masks: bool
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """COCO's scores of all classes, and AP and AP50 by metric and class; NaN where there is nothing to find.

    Args:
        images: predicted and true objects.
        class_names: the first has the label 1.
        masks: whether masks are compared; boxes otherwise.
    """
    from faster_coco_eval import COCO, COCOeval_faster

    classes = len(class_names)
    if not images or not classes:
        nothing = dict.fromkeys((*IOUS, *SIZES, *MOST), math.nan)
        return nothing, {metric: dict.fromkeys(class_names, math.nan) for metric in ("ap", "ap50")}
    categories = [{"id": place + 1, "name": name} for place, name in enumerate(class_names)]
    pictures = [{"id": i + 1, "height": one.size[0], "width": one.size[1]} for i, one in enumerate(images)]
    truth, said = COCO(), COCO()
    truth.dataset = {"images": pictures, "categories": categories, "annotations": _truth(images, masks)}
    said.dataset = {"images": pictures, "categories": categories, "annotations": _said(images, masks)}
    truth.createIndex()
    said.createIndex()
    judge = COCOeval_faster(truth, said, "segm" if masks else "bbox")
    judge.evaluate()
    judge.accumulate()
    # overlaps, recalls, classes, sizes, numbers of predictions; -1 where there is nothing to find
    precision: NDArray[np.float64] = np.asarray(judge.eval["precision"])
    recall: NDArray[np.float64] = np.asarray(judge.eval["recall"])
    scores = {
        name: _mean(precision[place if place is not None else slice(None), ..., 0, 2]) for name, place in IOUS.items()
    }
    scores |= {name: _mean(precision[..., place, 2]) for name, place in SIZES.items()}
    scores |= {name: _mean(recall[..., 0, place]) for name, place in MOST.items()}
    by_class = {
        "ap": {name: _mean(precision[:, :, k, 0, 2]) for k, name in enumerate(class_names)},
        "ap50": {name: _mean(precision[0, :, k, 0, 2]) for k, name in enumerate(class_names)},
    }
    return scores, by_class


def _mean(values: NDArray[np.float64]) -> float:
    defined = values[values > -1]
    return float(defined.mean()) if defined.size else math.nan


def _truth(images: Sequence[ImageRows], masks: bool) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    for number, one in enumerate(images, 1):
        for place, (label, crowd, *box) in enumerate(one.is_so.tolist()):
            entry = _entry(number, len(entries) + 1, label, box, one.area[place])
            entry["iscrowd"] = int(crowd)
            if masks:
                entry["segmentation"] = _runs(one, one.is_so_masks[place])
            entries.append(entry)
    return entries


def _said(images: Sequence[ImageRows], masks: bool) -> list[dict[str, Any]]:
    from faster_coco_eval.core import mask as coco

    entries: list[dict[str, Any]] = []
    for number, one in enumerate(images, 1):
        for place, (label, score, *box) in enumerate(one.said.tolist()):
            area = (box[2] - box[0]) * (box[3] - box[1])
            entry = _entry(number, len(entries) + 1, label, box, area)
            entry |= {"score": score, "iscrowd": 0}
            if masks:
                runs = _runs(one, one.said_masks[place])
                entry |= {"segmentation": runs, "area": float(coco.area(runs))}
            entries.append(entry)
    return entries


def _entry(image: int, number: int, label: float, box: Sequence[float], area: float) -> dict[str, Any]:
    left, top, right, bottom = box
    return {
        "id": number,
        "image_id": image,
        "category_id": int(label),
        "bbox": [left, top, right - left, bottom - top],
        "area": float(area),
    }


def _runs(image: ImageRows, text: bytes) -> Mapping[str, Any]:
    return {"size": list(image.size), "counts": text}
