"""How near restored images come to their targets, and how much nearer than what was given.

All metrics are means over images whose values are clipped to 0 … 1, over all three colours:

    psnr = -10 log10(mean squared error), in dB      ssim = 1 - the loss of that name      mae = mean |error|

and lpips, where the weights of its network are there. `gain` is the psnr of the restored image less that of the input,
which is upscaled by bicubic interpolation where it is smaller; `input_…` are the input's own.
"""

from collections.abc import Mapping
from functools import cache

import torch
from torch import Tensor

from piste.losses.features.lpips import LPIPS
from piste.losses.features.ssim import SSIM
from piste.metrics.means import Means
from piste.metrics.names import Metric, file_metrics

MOST_DB = 100.0
"""What an image counts that equals its target, which no logarithm can tell."""

LEAST_LPIPS = 32
"""The side in pixels of the smallest image that LPIPS's network can look at."""

QUALITY = ("psnr", "ssim", "mae", "lpips")

file_metrics(
    {
        "psnr": Metric("PSNR (dB)", share=False, meaning="-10 log10 of an image's mean squared error, in dB"),
        "ssim": Metric("SSIM", share=False, meaning="structural similarity to the target: 1 is equality"),
        "mae": Metric("Mean absolute error", True, share=False, meaning="mean distance of values, in their unit"),
        "lpips": Metric("LPIPS", True, share=False, meaning="how different it looks from the target to people"),
        "gain": Metric("Gain (dB)", share=False, meaning="PSNR above that of the input, upscaled where it is smaller"),
        "improved": Metric("Improved", meaning="share of images that are nearer to the target than their input"),
        "input_psnr": Metric("Input: PSNR (dB)", share=False, meaning="PSNR of doing nothing but upscaling"),
        "input_ssim": Metric("Input: SSIM", share=False, meaning="SSIM of doing nothing but upscaling"),
        "input_mae": Metric("Input: mean absolute error", True, share=False, meaning="that of upscaling alone"),
        "input_lpips": Metric("Input: LPIPS", True, share=False, meaning="LPIPS of doing nothing but upscaling"),
    }
)


@cache
def lpips_if_there() -> LPIPS | None:
    """LPIPS with AlexNet, where its weights and its heads are on this machine; nothing is downloaded."""
    try:
        return LPIPS(reduction="none")
    except ValueError:
        return None


def metric_names(lpips: bool) -> list[str]:
    """The names of all metrics, the most telling first."""
    quality = [name for name in QUALITY if lpips or name != "lpips"]
    return [*quality, "gain", "improved", *(f"input_{name}" for name in quality)]


def psnr(images: Tensor, target: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each image, [N], in dB, where white is 1.

    It is at most `MOST_DB`.

    Example:
        >>> psnr(torch.full((1, 3, 2, 2), 0.5), torch.full((1, 3, 2, 2), 0.0))
        tensor([6.0206])
    """
    error = (images - target).square().flatten(1).mean(1)
    return -10 * error.clamp(min=10 ** (-MOST_DB / 10)).log10()


def image_quality(images: Tensor, target: Tensor, lpips: LPIPS | None = None) -> dict[str, Tensor]:
    """Scores of each image by name, [N] each; NaN where an image is too small for one.

    Args:
        images: [N, 3, H, W], clipped to 0 … 1 here.
        target: of the same shape, in 0 … 1.
        lpips: with reduction "none"; None leaves it out.
    """
    images = images.clamp(0, 1)
    nothing = images.new_full((len(images),), torch.nan)
    ssim = SSIM(reduction="none")
    side = min(target.shape[-2:])
    found = {
        "psnr": psnr(images, target),
        "ssim": nothing if side < ssim.window else 1 - ssim(images, target),
        "mae": (images - target).abs().flatten(1).mean(1),
    }
    if lpips is not None:
        found["lpips"] = nothing if side < LEAST_LPIPS else lpips(images, target)
    return found


class RestorationScores:
    """Means over images of how good they are, before and after.

    Args:
        lpips: with reduction "none"; None where it is not there.

    Example:
        >>> scores = RestorationScores()
        >>> target = torch.full((1, 3, 16, 16), 0.5)
        >>> _ = scores.update(target + 0.01, target + 0.1, target)
        >>> round(scores.compute()["psnr"], 3), round(scores.compute()["gain"], 3)
        (40.0, 20.0)
    """

    def __init__(self, lpips: LPIPS | None = None) -> None:
        self.lpips = lpips
        self._means = Means(metric_names(lpips is not None))

    def update(self, images: Tensor, given: Tensor, target: Tensor) -> Mapping[str, Tensor]:
        """Add a batch and return each image's scores.

        Args:
            images: [N, 3, H, W], restored.
            given: the inputs, upscaled to the same shape.
            target: what they should be, in 0 … 1.
        """
        if self.lpips is not None:
            self.lpips.to(images.device)
        after, before = (image_quality(each.float(), target, self.lpips) for each in (images.detach(), given))
        gain = after["psnr"] - before["psnr"]
        found = after | {"gain": gain, "improved": (gain > 0).to(gain)}
        found |= {f"input_{name}": value for name, value in before.items()}
        self._means.to(images.device).update(**found)
        return found

    def compute(self) -> dict[str, float]:
        """Every metric by name; NaN where it is undefined."""
        return self._means.by_name()
