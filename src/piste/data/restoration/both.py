"""Flips, turns and crops that do to both images of a pair exactly the same."""

from collections.abc import Sequence
from random import Random

from torch import Tensor

from piste.data.augment import Augmentation, Canvas, Pipeline
from piste.data.augment.sizes import Crop
from piste.data.augment.turns import Rotate90

Size = tuple[int, int]
_CANVAS = Canvas("bilinear", (0, 0, 0), 0)  # asked for by every augmentation, and not used by those of pairs


def augmented(
    given: Tensor | None, target: Tensor, steps: Sequence[Augmentation], draw: Random
) -> tuple[Tensor | None, Tensor]:
    """Input and target after all steps.

    Args:
        given: uint8 [3, h, w], the input; None where it is made of the target afterwards.
        target: uint8 [3, H, W], a whole number of times as large.
        steps: crops are as large as the target is cut, and lie where input and target have pixels in common.
        draw: where all randomness comes from.
    """
    for step in steps:
        if isinstance(step, Crop):
            given, target = _cropped(given, target, step, draw)
            continue
        twin = Random()
        twin.setstate(draw.getstate())
        alone = Pipeline([step], _CANVAS)
        target = alone.image(target, draw).contiguous()
        if given is not None:
            given = alone.image(given, twin).contiguous()  # by the same numbers
    return given, target


def _cropped(given: Tensor | None, target: Tensor, step: Crop, draw: Random) -> tuple[Tensor | None, Tensor]:
    """Cut both at a place drawn evenly from those that fit the input's pixels."""
    if draw.random() >= step.p:
        return given, target
    scale = 1 if given is None else target.shape[-1] // given.shape[-1]
    height, width = step.height // scale, step.width // scale
    top = draw.randint(0, target.shape[-2] // scale - height)
    left = draw.randint(0, target.shape[-1] // scale - width)
    rows, columns = slice(top * scale, (top + height) * scale), slice(left * scale, (left + width) * scale)
    if given is not None:
        given = given[:, top : top + height, left : left + width].contiguous()
    return given, target[:, rows, columns].contiguous()


def sizes_after(size: Size, steps: Sequence[Augmentation]) -> set[Size]:
    """Every height and width that an image of a size may have after all steps.

    Raises:
        ValueError: a crop is larger than what comes to it.
    """
    sizes = {size}
    for step in steps:
        if isinstance(step, Crop):
            for height, width in sizes:
                if step.height > height or step.width > width:
                    raise ValueError(f"the crop of {step.width}x{step.height} is larger than {width}x{height} pixels")
            sizes = {(step.height, step.width)} | (sizes if step.p < 1 else set())
        elif isinstance(step, Rotate90) and step.p > 0:
            sizes = sizes | {(width, height) for height, width in sizes}
    return sizes
