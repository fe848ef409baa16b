"""What the report shows of single answers: rulers with truth and answer, and sheets of images with both."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from piste.tasks.base.examined import Pixels
from piste.tasks.base.panels import FALSE_ALARM, HIT, Reading, captioned, rulers, tiled

ROWS = 5
THUMBNAIL = 92
COLUMNS = 6


def said_rulers(
    names: Sequence[str],
    truth: NDArray[np.float64],
    said: NDArray[np.float64],
    middle: int,
    ends: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> Pixels:
    """A ruler for each value, from the smallest to the largest true one, with the truth and the answer on it.

    Args:
        names: of the values.
        truth: [V].
        said: [V, Q], rising along Q.
        middle: which of Q is the answer; the outermost are its interval, where there are several.
        ends: the smallest and the largest true value, [V] each.
    """
    rows = []
    for v, name in enumerate(names[:ROWS]):
        low = min(float(ends[0][v]), float(said[v].min()))
        length = max(float(ends[1][v]), float(said[v].max())) - low or 1.0
        interval = ((said[v, 0] - low) / length, (said[v, -1] - low) / length) if said.shape[1] > 1 else None
        texts = short(float(truth[v])), short(float(said[v, middle]))
        if interval is not None:
            texts = texts[0], f"{texts[1]} ({short(float(said[v, 0]))} … {short(float(said[v, -1]))})"
        rows.append(
            Reading(name, (float(truth[v]) - low) / length, (float(said[v, middle]) - low) / length, interval, texts)
        )
    return rulers(rows)


def grid(images: Sequence[Pixels], said: Sequence[float], truth: Sequence[float], near: float) -> Pixels:
    """Images in rows, each with what is true and what was said: blue where that is near, red where it is not.

    Args:
        images: uint8 [H, W, 3].
        said: a number for each.
        truth: a number for each.
        near: the error from which on an answer is red.
    """
    return tiled(
        [
            captioned(image, f"{short(t)} said {short(s)}", HIT if abs(s - t) < near else FALSE_ALARM, THUMBNAIL)
            for image, s, t in zip(images, said, truth, strict=True)
        ],
        COLUMNS,
    )


def short(value: float) -> str:
    """A number in few digits.

    Example:
        >>> short(12.3456), short(0.000123456), short(4321.9), short(-0.001)
        ('12.3', '0.000123', '4322', '-0.001')
    """
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
