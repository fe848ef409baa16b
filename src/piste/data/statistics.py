"""Mean and deviation of the colours of images."""

from collections.abc import Iterable

import numpy as np
from torch import Tensor


def colour_statistics(images: Iterable[Tensor]) -> dict[str, list[float]]:
    """Mean and deviation of each channel over all pixels; a channel that is the same everywhere keeps its scale.

    Args:
        images: uint8 [3, H, W], of any sizes.

    Returns:
        `mean` and `std`, where black is 0 and white is 1.
    """
    pixels, total, squares = 0, np.zeros(3), np.zeros(3)
    for image in images:
        values = image.flatten(1).numpy() / 255.0
        pixels += values.shape[1]
        total += values.sum(axis=1)
        squares += (values**2).sum(axis=1)
    mean = total / pixels
    std = np.sqrt(np.maximum(squares / pixels - mean**2, 0.0)).round(6)
    return {"mean": mean.round(6).tolist(), "std": np.where(std > 0, std, 1.0).tolist()}
