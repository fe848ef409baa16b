"""The last look at a trained regression model: errors, answers over truth, coverage, and the largest errors."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from piste.metrics.percent import percent
from piste.metrics.regression import Numbers
from piste.tasks.base import Examined, Shown
from piste.tasks.base.panels import photograph
from piste.tasks.regression.figures import figures
from piste.tasks.regression.pictures import said_rulers, short
from piste.tasks.regression.task import RegressionTask

WALL = 32  # images
SAMPLES = 10_000


@torch.no_grad()
def examine(task: RegressionTask, model: nn.Module, split: str, batches: Iterable[Any]) -> Examined:
    """Score a model on a split, and show where it is off most, in deviations of the true values.

    Args:
        task: says how batches are read.
        model: is put in eval mode.
        split: its name.
        batches: its batches, on the model's device.
    """
    model.eval()
    scores = task.scores()
    names: list[str] = []
    places: list[int] = []
    for batch in batches:
        scores.update(task.forward(model, batch))
        names += task.names(batch)
        places += batch["index"].tolist()
    found, numbers, values = scores.compute(), scores.numbers.numbers(), task.data.value_names
    off = (np.abs(numbers.error) / task.data.spread.numpy()).max(1)
    order = np.argsort(-off, kind="stable").tolist()
    ends = numbers.truth.min(0), numbers.truth.max(0)
    wall = [
        Shown(
            names[i],
            float(off[i]),
            {
                "image": photograph(task.data.pictures.shown(split, places[i])),
                "answer": said_rulers(values, numbers.truth[i], numbers.said[i], numbers.middle, ends),
            },
            note(numbers, i, values),
        )
        for i in order[:WALL]
    ]
    samples = [
        {
            "name": names[i],
            "score": round(float(off[i]), 6),
            "truth": dict(zip(values, numbers.truth[i].tolist(), strict=True)),
            "said": dict(zip(values, numbers.point[i].tolist(), strict=True)),
        }
        for i in order[:SAMPLES]
    ]
    return Examined(
        scores={"default": found},
        story=story(found, values, task.quantiles),
        figures=figures(numbers, values, task.quantiles),
        wall=wall,
        samples=samples,
    )


def note(numbers: Numbers, i: int, values: Sequence[str]) -> str:
    """How far each value is off, in words."""
    errors = zip(values, numbers.error[i].tolist(), strict=True)
    return "; ".join(f"{name} {short(abs(error))} too {'high' if error > 0 else 'low'}" for name, error in errors)


def story(scores: Mapping[str, float], values: Sequence[str], quantiles: Sequence[float] | None) -> str:
    """What the model does in one sentence without its subject."""
    if len(values) == 1:
        text = f"was off by {short(scores['mae'])} {values[0]} on average, an R² of {scores['r2']:.2f}"
    else:
        worst = min(values, key=lambda name: scores[f"r2/{name}"])
        text = f"told {len(values)} values at a mean R² of {scores['r2']:.2f}; hardest: {worst}"
        text += f" ({scores[f'r2/{worst}']:.2f})"
    if quantiles is None:
        return text
    promised = quantiles[-1] - quantiles[0]
    held = percent(scores["interval_coverage"])
    return f"{text}; {held} of the true values lie in its interval for {percent(promised)}"
