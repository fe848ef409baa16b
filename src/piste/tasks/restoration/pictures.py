"""Pictures of restored images: cut out where it matters, enlarged so that pixels are seen, errors in colour."""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from piste.data.restoration.degrade import as_bytes
from piste.tasks.base.examined import Pixels

WINDOW = 64  # pixels of a target that are shown at most, in a row and a column
LEAST = 192  # pixels that they are enlarged to at least
GAP = 6

# From right to wrong, evenly spaced: dark, violet, red, yellow, white.
HEAT = np.array([(8, 8, 16), (72, 20, 110), (190, 48, 84), (246, 130, 40), (252, 214, 80), (255, 255, 240)], np.float64)


def as_picture(image: Tensor) -> Pixels:
    """Values of 0 … 1, [3, H, W], as a picture."""
    return as_bytes(image.detach().float().cpu()).permute(1, 2, 0).contiguous().numpy()


def enlarged(picture: Pixels) -> Pixels:
    """The picture with each pixel repeated until its longer side is large enough to be looked at."""
    times = max(1, math.ceil(LEAST / max(picture.shape[:2])))
    return np.ascontiguousarray(picture.repeat(times, 0).repeat(times, 1))


def where_it_matters(importance: Tensor, window: int = WINDOW) -> tuple[slice, slice]:
    """The window of an image that holds most of what is important.

    Args:
        importance: >= 0, [H, W].
        window: its side in pixels, at most.
    """
    height, width = (min(window, side) for side in importance.shape)
    held = F.avg_pool2d(importance[None, None].float(), (height, width), stride=1)[0, 0]
    top, left = divmod(int(held.argmax()), held.shape[1])
    return slice(top, top + height), slice(left, left + width)


def error_map(image: Tensor, target: Tensor, white: float) -> Pixels:
    """How far values are off, the mean of the three colours, from dark for nothing to white.

    Args:
        image: [3, H, W].
        target: of the same shape.
        white: the error that is shown white, as are larger ones.
    """
    share = ((image - target).abs().mean(0) / white).clamp(0, 1).double().cpu().numpy() * (len(HEAT) - 1)
    low = np.minimum(share.astype(int), len(HEAT) - 2)
    part = (share - low)[..., None]
    picture: Pixels = np.rint(HEAT[low] * (1 - part) + HEAT[low + 1] * part).astype(np.uint8)
    return picture


def sheet(rows: list[list[Pixels]]) -> Pixels:
    """Pictures of one size in rows and columns, with gaps between them."""
    height, width = rows[0][0].shape[:2]
    whole = np.full((len(rows) * (height + GAP) - GAP, len(rows[0]) * (width + GAP) - GAP, 3), 255, np.uint8)
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            top, left = i * (height + GAP), j * (width + GAP)
            whole[top : top + height, left : left + width] = picture
    return whole


def detail(target: Tensor) -> Tensor:
    """How much an image changes from each pixel to those below and to the right, [H, W]."""
    change = torch.zeros_like(target[0])
    change[:-1] += target.diff(dim=1).abs().mean(0)
    change[:, :-1] += target.diff(dim=2).abs().mean(0)
    return change
