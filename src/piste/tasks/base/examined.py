"""What a task tells of a trained model: its scores, a sentence, figures and pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Figure = Mapping[str, Any]
"""What the report draws, in plain types. `kind` says how, `title` and `lede` go above it; further keys by kind:

- confusion: `names`, `counts` (rows are the truth);
- lines: labels `x` and `y`, `series` of {name, x, y, dashed}; `diagonal`, `x_range`, `y_range` where wanted;
- points: labels `x` and `y`, `series` of {name, x, y}; `diagonal`, `square` where wanted;
- bars: `names`, `series` of {name, values}, `unit` (share, count or number).
"""


@dataclass(frozen=True)
class Shown:
    """One sample as the report shows it.

    Args:
        name: of the sample.
        score: how good the model is on it.
        panels: pictures side by side, by heading: RGB, uint8 [H, W, 3]; of masks see `Examined.masks`.
        note: a line under them.
    """

    name: str
    score: float
    panels: Mapping[str, Pixels]
    note: str = ""


@dataclass(frozen=True)
class Examined:
    """What a model does on a split.

    Args:
        scores: every metric's value, by how the model was asked: `default`, and such as `best_threshold`.
        story: what it does in one sentence without its subject, such as "named 89 % of the images right".
        figures: what the report draws.
        wall: pictures of samples, the worst first.
        samples: one entry a sample, the worst first: `name`, `score` and more.
        kept: what the examination of another split takes over from this one, such as thresholds.
        masks: whether the wall's panels are an `image` and maps of class indices that are laid over it: `truth`,
            `predicted` and the probability `prob`, uint8 [H, W].
        further: more that is kept of the split, in plain types.
    """

    scores: Mapping[str, Mapping[str, float]]
    story: str = ""
    figures: Sequence[Figure] = ()
    wall: Sequence[Shown] = ()
    samples: Sequence[Mapping[str, Any]] = ()
    kept: Mapping[str, Any] = field(default_factory=dict)
    masks: bool = False
    further: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Prediction:
    """What a model says of one file.

    Args:
        facts: in plain types, such as classes and their probabilities.
        pictures: by what they are called; uint8 [H, W] or [H, W, 3].
    """

    facts: Mapping[str, Any]
    pictures: Mapping[str, Pixels] = field(default_factory=dict)
