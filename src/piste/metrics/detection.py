"""How good boxes are: COCO's average precision, and what is found and made up at a threshold of scores."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from piste.metrics.average_precision import IOUS, MOST, SIZES, coco_scores
from piste.metrics.box_matches import FALSE_ALARM, NOTHING, match_tables
from piste.metrics.box_rows import BoxRows, ImageRows
from piste.metrics.curves import Curve
from piste.metrics.names import Metric, file_metrics, flat_scores

THRESHOLD = 0.5
MATCHED = ("precision", "recall", "f1", "count_error")

file_metrics(
    {
        "ap": Metric(
            "AP", percent=False, meaning="average precision, averaged over overlaps of 0.5 … 0.95: COCO's main score"
        ),
        "ap50": Metric("AP50", percent=False, meaning="average precision where an overlap (IoU) of 0.5 is a hit"),
        "ap75": Metric("AP75", percent=False, meaning="average precision where only an overlap (IoU) of 0.75 is a hit"),
        "ap_small": Metric("AP small", percent=False, meaning="AP of objects below 32 x 32 pixels"),
        "ap_medium": Metric("AP medium", percent=False, meaning="AP of objects between 32 x 32 and 96 x 96 pixels"),
        "ap_large": Metric("AP large", percent=False, meaning="AP of objects above 96 x 96 pixels"),
        "ar1": Metric("AR1", meaning="recall, averaged over overlaps, of the best prediction in each image"),
        "ar10": Metric("AR10", meaning="recall, averaged over overlaps, of the best ten predictions in each image"),
        "ar100": Metric(
            "AR100", meaning="recall, averaged over overlaps, of the best hundred predictions in each image"
        ),
        "count_error": Metric(
            "Count error",
            smaller_is_better=True,
            share=False,
            meaning="how far the number of objects in an image is off",
        ),
        "mask_ap": Metric(
            "Mask AP", percent=False, meaning="AP of instance masks, averaged over overlaps of 0.5 … 0.95"
        ),
        "mask_ap50": Metric(
            "Mask AP50", percent=False, meaning="AP of instance masks where an overlap (IoU) of 0.5 is a hit"
        ),
        "mask_ap75": Metric(
            "Mask AP75", percent=False, meaning="AP of instance masks where only an overlap of 0.75 is a hit"
        ),
    }
)


def detection_metric_names(class_names: Sequence[str], *, masks: bool = False) -> list[str]:
    """Every name that `DetectionScores.compute` returns.

    Example:
        >>> detection_metric_names(["tree"])[:3], detection_metric_names(["tree"])[-1]
        (['ap', 'ap50', 'ap75'], 'count_error/tree')
    """
    boxes = [*IOUS, *SIZES, *MOST, *(f"{metric}/{name}" for metric in ("ap", "ap50") for name in class_names)]
    outlined = [*(f"mask_{metric}" for metric in IOUS), *(f"mask_ap/{name}" for name in class_names)] if masks else []
    return boxes + outlined + [*MATCHED, *(f"{metric}/{name}" for metric in MATCHED for name in class_names)]


class ScoredBoxes(NamedTuple):
    """The predictions of one class, those that count for nothing left out, and what there is to find.

    Args:
        score: [n], falling.
        hit: bool [n].
        image: [n], which image each is in.
        truths: [images], how many objects each has.
    """

    score: NDArray[np.float64]
    hit: NDArray[np.bool_]
    image: NDArray[np.int64]
    truths: NDArray[np.int64]

    def at(self, threshold: float) -> dict[str, float]:
        """Scores when predictions count from a threshold on; NaN where there is none and nothing to find."""
        said = self.score >= threshold
        predicted, hits, truths = int(said.sum()), int(self.hit[said].sum()), int(self.truths.sum())
        if not predicted + truths:
            return dict.fromkeys(MATCHED, math.nan)
        counts = np.bincount(self.image[said], minlength=len(self.truths))
        values = (
            hits / max(predicted, 1),
            hits / max(truths, 1),
            2 * hits / (predicted + truths),
            float(np.abs(counts - self.truths).mean()),
        )
        return dict(zip(MATCHED, values, strict=True))

    def curve(self) -> Curve:
        """Precision and recall at each score that occurs, rising; empty where there is nothing to find."""
        truths = int(self.truths.sum())
        if not truths or not len(self.score):
            return Curve([], [], [])
        hits = np.cumsum(self.hit)
        # several predictions may share a score, and then count together
        last = np.flatnonzero(np.append(self.score[1:] != self.score[:-1], True))[::-1]
        return Curve((hits[last] / (last + 1)).tolist(), (hits[last] / truths).tolist(), self.score[last].tolist())

    def best_threshold(self) -> float:
        """The score from which on F1 is highest; of equal ones the nearest to 0.5, which stands where none hits."""
        curve = self.curve()
        f1 = [2 * p * r / max(p + r, 1e-12) for p, r in zip(curve.precision, curve.recall, strict=True)]
        if not f1 or max(f1) == 0:
            return THRESHOLD
        return max(zip(f1, curve.threshold, strict=True), key=lambda pair: (pair[0], -abs(pair[1] - THRESHOLD)))[1]


class DetectionScores:
    """COCO's scores, and precision, recall, F1 and count error at a threshold, of each class and on average.

    At a threshold a prediction hits where it overlaps a true object of its class by half of their union (IoU 0.5);
    `count_error` is the difference between the numbers of predicted and true objects in an image, averaged over the
    images without its sign. Objects that count for nothing (`crowd`) are neither hit nor missed, and predictions on
    them no false alarms. A class without any object and prediction has no score (NaN) and is in no mean.

    Args:
        class_names: the first has the label 1.
        masks: whether instance masks are scored, too: COCO's average precision of them.
    """

    def __init__(self, class_names: Sequence[str], *, masks: bool = False) -> None:
        self.class_names = list(class_names)
        self.masks = masks
        self._rows = BoxRows(masks)

    def update(self, predictions: Sequence[Mapping[str, Tensor]], targets: Sequence[Mapping[str, Tensor]]) -> None:
        """Add a batch.

        Args:
            predictions: of each image, as torchvision's detectors give them: boxes [n, 4], left, top, right, bottom in
                pixels; scores [n] in 0 … 1; labels [n], from 1 on; with masks, masks [n, 1, H, W] or [n, H, W], which
                hold where above 0.5.
            targets: of each image: boxes [m, 4]; labels [m]; where known, crowd bool [m] and area [m], in pixels; with
                masks, masks [m, H, W].

        Raises:
            ValueError: shapes that do not fit, or no masks where they are scored.
        """
        if len(predictions) != len(targets):
            came = f"{len(predictions)} and {len(targets)}"
            raise ValueError(f"`predictions` and `targets` must be of the same images; got {came}")
        for what, entries, columns in (("predictions", predictions, "scores"), ("targets", targets, "labels")):
            for entry in entries:
                needed = ("boxes", "labels", columns, *(["masks"] if self.masks else []))
                missing = [key for key in needed if key not in entry]
                if missing:
                    raise ValueError(f"`{what}` must have {', '.join(needed)} of each image; {missing[0]} is missing")
                rows = {len(entry[key]) for key in needed}
                if entry["boxes"].ndim != 2 or entry["boxes"].shape[-1] != 4 or len(rows) > 1:
                    shapes = ", ".join(f"{key} {tuple(entry[key].shape)}" for key in needed)
                    raise ValueError(f"`{what}` must have boxes [n, 4] and n of the rest; got {shapes}")
        device = predictions[0]["boxes"].device if predictions else self._rows.device
        self._rows.to(device).update(predictions, targets)

    def compute(self) -> dict[str, float]:
        """Flat names to scores: COCO's, those of masks, and at the threshold 0.5; means first, then each class."""
        images = self._rows.gathered()
        overall, by_class = coco_scores(images, self.class_names, masks=False)
        scores = overall | {f"{m}/{name}": value for m, by in by_class.items() for name, value in by.items()}
        if self.masks:
            overall, by_class = coco_scores(images, self.class_names, masks=True)
            scores |= {f"mask_{metric}": overall[metric] for metric in IOUS}
            scores |= {f"mask_ap/{name}": value for name, value in by_class["ap"].items()}
        return scores | self._at(self._scored(images), dict.fromkeys(self.class_names, THRESHOLD))

    def at(self, thresholds: Mapping[str, float] | float) -> dict[str, float]:
        """Precision, recall, F1 and count error at thresholds of one's own.

        Args:
            thresholds: a score for all classes, or one for each.
        """
        chosen = thresholds if isinstance(thresholds, Mapping) else dict.fromkeys(self.class_names, thresholds)
        return self._at(self._scored(self._rows.gathered()), chosen)

    def best_threshold(self) -> dict[str, float]:
        """The score of the highest F1 for each class; 0.5 where nothing is hit at any."""
        return {name: boxes.best_threshold() for name, boxes in self._scored(self._rows.gathered()).items()}

    def curves(self) -> dict[str, Curve]:
        """The precision-recall curve of each class at IoU 0.5; empty where there is nothing to find."""
        return {name: boxes.curve() for name, boxes in self._scored(self._rows.gathered()).items()}

    def reset(self) -> None:
        """Forget everything seen so far."""
        self._rows.reset()

    def _at(self, scored: Mapping[str, ScoredBoxes], thresholds: Mapping[str, float]) -> dict[str, float]:
        values = {name: boxes.at(thresholds[name]) for name, boxes in scored.items()}
        by_metric = {metric: {name: values[name][metric] for name in self.class_names} for metric in MATCHED}
        return flat_scores(by_metric, self.class_names)

    def _scored(self, images: Sequence[ImageRows]) -> dict[str, ScoredBoxes]:
        matches = [match_tables(one.said, one.is_so, 0.5).truth for one in images]
        empty = np.zeros((0, 6))
        said = np.concatenate([empty, *(one.said for one in images)])
        truth = np.concatenate([np.zeros(0, dtype=np.int64), *matches])
        image = np.repeat(np.arange(len(images)), [len(one.said) for one in images])
        scored = {}
        for label, name in enumerate(self.class_names, 1):
            mine = np.flatnonzero((said[:, 0] == label) & (truth != NOTHING))
            mine = mine[np.argsort(-said[mine, 1], kind="stable")]
            truths = np.array([((one.is_so[:, 0] == label) & (one.is_so[:, 1] == 0)).sum() for one in images])
            hit = truth[mine] > FALSE_ALARM
            scored[name] = ScoredBoxes(said[mine, 1], hit, image[mine], truths.astype(np.int64))
        return scored
