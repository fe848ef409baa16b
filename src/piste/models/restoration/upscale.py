"""Bicubic upscaling: what a network's answer is added to, and what it has to beat."""

from torch import Tensor
from torch.nn import functional as F


def upscaled(images: Tensor, scale: int) -> Tensor:
    """Images [N, C, H, W] made `scale` times as high and as wide by bicubic interpolation, which may overshoot 0 … 1.

    Pixels are areas: the middle of an image stays its middle. The kernel is that of Pillow and MATLAB (a = -0.5).
    """
    if scale == 1:
        return images
    return F.interpolate(images, scale_factor=scale, mode="bicubic", antialias=True)  # without, a is -0.75
