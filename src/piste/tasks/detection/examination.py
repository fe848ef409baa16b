"""The last look at a trained detector: scores, curves over thresholds, counts, and the images with most mistakes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from piste.metrics.box_matches import match
from piste.metrics.curves import Curve
from piste.metrics.detection import DetectionScores
from piste.metrics.percent import percent
from piste.tasks.base.examined import Examined, Figure, Shown
from piste.tasks.detection.drawing import LEGEND, hits_and_misses, surer
from piste.tasks.detection.task import DetectionTask

WALL = 16  # images that are drawn
CURVES = 8  # classes with a curve of their own, the most frequent ones

Boxes = Mapping[str, Tensor]


class Look(NamedTuple):
    """One image: its place in the split, its name, what was found and what is there, on the CPU."""

    place: int
    name: str
    found: Boxes
    target: Boxes


class Tally(NamedTuple):
    """How many objects of an image were found and missed, and how many boxes hold none."""

    hits: int
    misses: int
    false_alarms: int

    @property
    def f1(self) -> float:
        """1 where nothing is there and nothing was found."""
        wrong = self.misses + self.false_alarms
        return 1.0 if self.hits + wrong == 0 else 2 * self.hits / (2 * self.hits + wrong)


@torch.no_grad()
def examine(
    task: DetectionTask, model: nn.Module, split: str, batches: Iterable[Any], before: Examined | None
) -> Examined:
    """Score a model on a split at the default threshold and at the best one, and keep the images it does worst on.

    Args:
        task: says how batches are read.
        model: is put in eval mode.
        split: its name.
        batches: its batches, on the model's device.
        before: what was found on val, whose thresholds hold on test.
    """
    model.eval()
    scores = DetectionScores(task.data.class_names, masks=task.outlines)
    looks: list[Look] = []
    for batch in batches:
        output = task.forward(model, batch)
        found, targets = output.prediction["detections"], output.target["detections"]
        scores.update(found, targets)
        rows = zip(batch["index"].tolist(), task.names(batch), found, targets, strict=True)
        looks += [Look(index, name, _light(each), _light(target)) for index, name, each, target in rows]
    thresholds: dict[str, float] = dict(before.kept["thresholds"] if before else scores.best_threshold())
    names = task.data.class_names
    least = [thresholds[name] for name in names]
    tallies = [_tally(look, least) for look in looks]
    order = sorted(range(len(looks)), key=lambda i: (tallies[i].f1, -sum(tallies[i][1:]), looks[i].name))
    at_best = scores.at(thresholds)
    return Examined(
        scores={"default": scores.compute(), "best_threshold": at_best},
        story=_story(at_best, thresholds, names),
        figures=_figures(scores.curves(), looks, least, names),
        wall=[_shown(task, split, looks[i], tallies[i], least) for i in order[:WALL]],
        samples=[{"name": looks[i].name, "score": tallies[i].f1, **tallies[i]._asdict()} for i in order],
        kept={"thresholds": thresholds},
    )


def _light(boxes: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Boxes without their masks, on the CPU."""
    return {name: values.cpu() for name, values in boxes.items() if name != "masks"}


def _tally(look: Look, thresholds: Sequence[float]) -> Tally:
    matched = match(surer(look.found, thresholds), look.target)
    hit = torch.as_tensor(matched.hit)[~look.target["crowd"]]
    hits = int(hit.sum())
    return Tally(hits, len(hit) - hits, int((torch.as_tensor(matched.truth) == -1).sum()))


def _shown(task: DetectionTask, split: str, look: Look, tally: Tally, thresholds: Sequence[float]) -> Shown:
    image = task.data.raw(split, look.place).image
    panels, _ = hits_and_misses(image, look.found, look.target, thresholds, task.data.class_names)
    note = f"{tally.hits} found, {tally.misses} missed, {tally.false_alarms} false alarms ({LEGEND})"
    return Shown(look.name, tally.f1, panels, note)


def _story(scores: Mapping[str, float], thresholds: Mapping[str, float], names: Sequence[str]) -> str:
    """What the model does, in one sentence."""
    scored = [
        name for name in names if f"recall/{name}" in scores and scores[f"recall/{name}"] == scores[f"recall/{name}"]
    ]
    found, empty = percent(scores["recall"]), percent(1 - scores["precision"])
    said = f"found {found} of the objects, and {empty} of its boxes hold none"
    if len(names) == 1:
        return f"{said}, from a score of {thresholds[names[0]]:.2f} on"
    if not scored:
        return said
    worst = min(scored, key=lambda name: scores[f"recall/{name}"])
    return f"{said}; found least of {worst} ({percent(scores[f'recall/{worst}'])})"


def _figures(
    curves: Mapping[str, Curve], looks: Sequence[Look], thresholds: Sequence[float], names: Sequence[str]
) -> list[Figure]:
    """What precision costs in recall, what each threshold gives, and how many objects were counted."""
    there = {name: sum(int((look.target["labels"] == i).sum()) for look in looks) for i, name in enumerate(names, 1)}
    drawn = [name for name in sorted(curves, key=lambda name: -there[name]) if curves[name].recall][:CURVES]
    share = [0.0, 1.0]
    figures: list[Figure] = []
    if drawn:
        figures = [
            {
                "kind": "lines",
                "title": "Precision and recall",
                "lede": "What share of the boxes is right, and what share of the objects they find, at every score; "
                "a box is right from an IoU of 0.5 on.",
                **{"x": "recall", "y": "precision", "x_range": share, "y_range": share},
                "series": [{"name": name, "x": curves[name].recall, "y": curves[name].precision} for name in drawn],
            },
            {
                "kind": "lines",
                "title": "F1 by threshold",
                "lede": "How good the boxes are that reach each score: where the curve peaks, the threshold is best.",
                **{"x": "least score", "y": "F1", "x_range": share, "y_range": share},
                "series": [{"name": name, "x": curves[name].threshold, "y": _f1(curves[name])} for name in drawn],
            },
        ]
    counted = [(int((~look.target["crowd"]).sum()), len(surer(look.found, thresholds)["scores"])) for look in looks]
    figures.append(
        {
            "kind": "points",
            "title": "Objects counted",
            "lede": "Each image by how many objects are in it and how many boxes it got, from the best score on.",
            **{"x": "objects", "y": "boxes", "diagonal": True, "square": True},
            "series": [{"name": "images", "x": [a for a, _ in counted], "y": [b for _, b in counted]}],
        }
    )
    return figures


def _f1(curve: Curve) -> list[float]:
    return [2 * p * r / (p + r) if p + r else 0.0 for p, r in zip(curve.precision, curve.recall, strict=True)]
