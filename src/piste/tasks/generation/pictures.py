"""Pictures of generated samples: images in a grid, points in the plane."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from piste.tasks.base.examined import Pixels

PAPER, REAL, RING = (253, 253, 252), (169, 176, 183), (91, 99, 107)
INSIDE, OUTSIDE = (16, 160, 128), (214, 83, 15)  # points in a mode, and between modes
GAP = 2
SIDE = 480  # of a picture of points


def as_pixels(images: Tensor) -> Tensor:
    """Images [N, C, H, W] from -1 to 1 as RGB, uint8 [N, H, W, 3]."""
    shown = ((images.detach().float().cpu() + 1) * 127.5).round().clamp(0, 255).byte()
    return shown.expand(-1, 3, -1, -1).permute(0, 2, 3, 1).contiguous()


def enlarged(image: Tensor, least: int = 128) -> Pixels:
    """An image uint8 [H, W, 3], each pixel a square, so that the shorter side has at least so many pixels."""
    times = -(-least // min(image.shape[:2]))
    pixels: Pixels = image.repeat_interleave(times, 0).repeat_interleave(times, 1).numpy()
    return pixels


def grid(images: Tensor, columns: int, least: int = 56) -> Pixels:
    """Images [N, C, H, W] from -1 to 1 side by side, row by row, on paper."""
    cells = [enlarged(image, least) for image in as_pixels(images)]
    height, width = cells[0].shape[:2]
    rows = -(-len(cells) // columns)
    canvas = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3), PAPER, dtype=np.uint8)
    for i, cell in enumerate(cells):
        top, left = i // columns * (height + GAP), i % columns * (width + GAP)
        canvas[top : top + height, left : left + width] = cell
    return canvas


def scatter(
    real: Tensor,
    fake: Tensor,
    inside: Sequence[bool],
    centres: Tensor,
    reach: float,
    window: tuple[float, float, float],
    side: int = SIDE,
) -> Pixels:
    """Generated points over real ones: green within a circle round a mode's centre, orange outside of all.

    Args:
        real: [N, 2], drawn grey.
        fake: [M, 2].
        inside: of each of these, whether it lies in a mode.
        centres: of the modes, [K, 2].
        reach: radius of the circles.
        window: what is shown: the x and y of its centre, and half its side.
        side: of the picture, in pixels.
    """
    canvas = Image.new("RGB", (2 * side, 2 * side), PAPER)  # drawn twice as large, so that circles are smooth
    pen = ImageDraw.Draw(canvas)
    x, y, half = window
    scale = side / half

    def placed(points: Tensor) -> list[tuple[float, float]]:
        shown = (points.detach().cpu() - torch.tensor([x, y])) * torch.tensor([scale, -scale]) + side
        return [(px, py) for px, py in shown.tolist()]

    def dots(points: Tensor, colours: Sequence[tuple[int, int, int]], radius: float) -> None:
        for (px, py), colour in zip(placed(points), colours, strict=True):
            if -radius < px < 2 * side + radius and -radius < py < 2 * side + radius:
                pen.ellipse((px - radius, py - radius, px + radius, py + radius), fill=colour)

    dots(real, [REAL] * len(real), 3)
    for px, py in placed(centres):
        around = reach * scale
        pen.ellipse((px - around, py - around, px + around, py + around), outline=RING, width=2)
    dots(fake, [INSIDE if each else OUTSIDE for each in inside], 3.5)
    pixels: Pixels = np.asarray(canvas.resize((side, side), Image.Resampling.LANCZOS))
    return pixels
