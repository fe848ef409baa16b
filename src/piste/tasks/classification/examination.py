"""The last look at a trained classifier: scores, confusion, curves, calibration, and the worst images."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from piste.metrics.classification import Answers
from piste.metrics.percent import percent
from piste.tasks.base import Examined, Shown
from piste.tasks.base.panels import photograph
from piste.tasks.classification.figures import figures
from piste.tasks.classification.pictures import answer_bars
from piste.tasks.classification.task import ClassificationTask

WALL = 32  # images
SAMPLES = 10_000


@torch.no_grad()
def examine(
    task: ClassificationTask,
    model: nn.Module,
    split: str,
    batches: Iterable[Any],
    thresholds: Mapping[str, float] | None = None,
) -> Examined:
    """Score a model on a split, and show what it is wrong about with most confidence.

    With sigmoid every class has a threshold of its own, the one of the highest F1.

    Args:
        task: says how batches are read.
        model: is put in eval mode.
        split: its name.
        batches: its batches, on the model's device.
        thresholds: for each class, found on another split; None takes the best of this one.
    """
    model.eval()
    scores = task.scores()
    names: list[str] = []
    places: list[int] = []
    for batch in batches:
        scores.update(task.forward(model, batch))
        names += task.names(batch)
        places += batch["index"].tolist()
    found = {"default": scores.compute()}
    kept: dict[str, Any] = {}
    if task.model_recipe.activation == "sigmoid":
        chosen = dict(thresholds or scores.labels.best_thresholds())
        found["best_threshold"], kept = scores.labels.at(chosen), {"thresholds": chosen}
    answers, classes = scores.labels.answers(), task.data.class_names
    margin = margins(answers)
    order = np.argsort(margin, kind="stable").tolist()
    wall = [_shown(task, split, answers, i, names[i], places[i], margin[i]) for i in order[:WALL]]
    return Examined(
        scores=found,
        story=story(found["default"], answers, classes),
        figures=figures(answers, classes, found["default"]),
        wall=wall,
        samples=[
            {"name": names[i], "score": round(float(margin[i]), 6), **_answer(answers, i, classes)}
            for i in order[:SAMPLES]
        ],
        kept=kept,
    )


def margins(answers: Answers) -> NDArray[np.float64]:
    """How far each image is on the right side: -1 where a wrong answer has all confidence, 1 where the right one has.

    Of one label, the probability of the truth less the highest of the others; of several, twice the distance from 0.5
    of the one that is worst.
    """
    probs, truth = answers.probs, answers.truth
    if answers.multi_label:
        signed: NDArray[np.float64] = np.where(truth, 2 * probs - 1, 1 - 2 * probs).min(1)
        return signed
    others = np.where(truth, -np.inf, probs).max(1)
    return np.asarray((probs * truth).sum(1) - others)


def story(scores: Mapping[str, float], answers: Answers, classes: Sequence[str]) -> str:
    """What the model does in one sentence without its subject."""
    recalls = {name: scores[f"recall/{name}"] for name in classes if answers.truth[:, classes.index(name)].any()}
    hardest = min(recalls, key=lambda name: recalls[name]) if recalls else None
    part = ""
    if hardest is not None and recalls[hardest] < 1:
        part = f"; hardest class: {hardest} ({percent(recalls[hardest], fine=True)} of them found)"
    if answers.multi_label:
        return f"told {percent(scores['hamming'], fine=True)} of the labels right, at an F1 of {scores['f1']:.2f}{part}"
    return f"named {percent(scores['accuracy'], fine=True)} of the images right{part}"


def _answer(answers: Answers, i: int, classes: Sequence[str]) -> dict[str, Any]:
    """Truth and answer of an image, in words."""
    said, truth = _said(answers, i), np.flatnonzero(answers.truth[i]).tolist()
    if answers.multi_label:
        return {"truth": [classes[c] for c in truth], "said": [classes[c] for c in said]}
    return {
        "truth": classes[truth[0]],
        "said": classes[said[0]],
        "confidence": round(float(answers.probs[i, said[0]]), 6),
    }


def _said(answers: Answers, i: int) -> list[int]:
    """The labels that the model gives an image."""
    if answers.multi_label:
        return np.flatnonzero(answers.probs[i] >= 0.5).tolist()
    return [int(answers.probs[i].argmax())]


def _shown(
    task: ClassificationTask, split: str, answers: Answers, i: int, name: str, place: int, margin: float
) -> Shown:
    """An image beside the probabilities of its likeliest and its true classes."""
    classes = task.data.class_names
    said, truth = _said(answers, i), np.flatnonzero(answers.truth[i]).tolist()
    is_so, was = (", ".join(classes[c] for c in each) or "none" for each in (truth, said))
    note = f"{is_so}, told right" if said == truth else f"{is_so}, taken for {was}"
    panels = {
        "image": photograph(task.data.pictures.shown(split, place)),
        "probabilities": answer_bars(classes, answers.probs[i].tolist(), truth=truth, said=said),
    }
    return Shown(name, float(margin), panels, note)
