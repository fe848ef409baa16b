"""What the report shows of single answers: bars of probabilities, and sheets of images with what they are taken for."""

from collections.abc import Collection, Sequence

from torch import Tensor

from piste.tasks.base.examined import Pixels
from piste.tasks.base.panels import FALSE_ALARM, HIT, MISS, OTHER, Bar, bars, captioned, tiled

ROWS = 6
THUMBNAIL = 92
COLUMNS = 6


def answer_bars(
    names: Sequence[str], probs: Sequence[float], *, truth: Collection[int], said: Collection[int]
) -> Pixels:
    """The likeliest classes, and those that are true, with their probabilities.

    What is true and was said is blue, what is true and was not said yellow, what was said and is not true red.

    Args:
        names: of the classes.
        probs: one a class.
        truth: indices of the true ones.
        said: indices of those that the model gave.
    """
    order = sorted(range(len(names)), key=lambda i: -probs[i])
    must = sorted([*truth], key=lambda i: -probs[i])[:ROWS]
    rows = sorted({*must, *[i for i in order if i not in must][: ROWS - len(must)]}, key=lambda i: -probs[i])
    return bars([Bar(names[i], probs[i], _colour(i, truth, said), f"{100 * probs[i]:.0f} %") for i in rows])


def grid(images: Sequence[Pixels], probs: Tensor, target: Tensor, names: Sequence[str]) -> Pixels:
    """Images in rows, each with what it is taken for: blue where that is right, red where it is wrong.

    Args:
        images: uint8 [H, W, 3].
        probs: [N, C].
        target: int [N], or bool [N, C] where an image may have several labels.
        names: of the classes.
    """
    sheet = []
    for image, row, truth in zip(images, probs, target, strict=True):
        if truth.ndim:
            said = [i for i, prob in enumerate(row.tolist()) if prob >= 0.5]
            text, right = ", ".join(names[i] for i in said) or "none", said == truth.nonzero().flatten().tolist()
        else:
            best = int(row.argmax())
            text, right = names[best], best == int(truth)
        sheet.append(captioned(image, text, HIT if right else FALSE_ALARM, THUMBNAIL))
    return tiled(sheet, COLUMNS)


def _colour(label: int, truth: Collection[int], said: Collection[int]) -> tuple[int, int, int]:
    if label in truth:
        return HIT if label in said else MISS
    return FALSE_ALARM if label in said else OTHER
