"""Distance maps of a sample, for losses that ask how far a mistake lies from the truth."""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from piste.data.counts import IGNORE_INDEX


def distance_maps(target: Tensor, classes: Sequence[int], spacing: float | Sequence[float] = 1.0) -> Tensor:
    """Signed distance of each pixel to the outline of each class, as `piste.losses.signed_distance` gives it.

    Made once a sample, in the loader and after augmentation, by SciPy, which on one core is about as fast as what
    serves whole batches on their device, and faster where pixels are ignored.

    Args:
        target: Class ids [*S]; ignored ones are no place to be near to, and their distance is 0.
        classes: Which classes get a map.
        spacing: Size of a pixel along every axis, or one number for each axis.

    Returns:
        float32 [len(classes), *S]: above 0 outside the class, below 0 inside; all 0 for a class that is nowhere or
        everywhere.

    Example:
        >>> distance_maps(torch.tensor([[0, 0, 1, 1, 255]]), classes=[1])
        tensor([[[ 2.,  1., -1., -2.,  0.]]])
    """
    ids = target.numpy()
    known = ids != IGNORE_INDEX
    maps = np.zeros((len(classes), *ids.shape), dtype=np.float32)
    for row, c in zip(maps, classes, strict=True):
        inside, outside = (ids == c) & known, (ids != c) & known
        if inside.any() and outside.any():
            to_inside, to_outside = (distance_transform_edt(~sites, sampling=spacing) for sites in (inside, outside))
            row[:] = np.where(inside, -to_outside, to_inside) * known
    return torch.from_numpy(maps)
