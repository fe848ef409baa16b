"""Losses of images as code: windows at one scale or at several, and steps from pixel to pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from piste.data.script.text import assigned, block
from piste.losses.features.multi_scale_ssim import over_scales
from piste.losses.features.similarity import dissimilarity, gaussian, lacking, means_by_shifts
from piste.training.script.source import helper, without_switch

if TYPE_CHECKING:
    from piste.training.script.losses import Losses

DISSIMILARITY = '''
    def dissimilarity(x: Tensor, y: Tensor, weights: Sequence[float], c1: float, c2: float) -> Tensor:
        """What images lack to being alike, as a mean over the windows inside each channel, [N, C]: 0 to 2."""
        margin = len(weights) - 1
        windows = (x.shape[2] - margin) * (x.shape[3] - margin)

        def average(planes: Tensor) -> Tensor:
            return means_by_shifts(planes, weights)

        return lacking(x.flatten(0, 1), y.flatten(0, 1), average, c1, c2).view(x.shape[:2]) / windows
'''


def add_dissimilarity(losses: Losses, *, luminance: bool = False) -> None:
    """`dissimilarity`, and what it calls.

    Args:
        losses: the script's.
        luminance: whether luminances are left out in some calls; else they always count.
    """
    losses.add_all({"means_by_shifts": means_by_shifts})
    code, _ = helper(lacking)
    if not luminance:
        losses.add("lacking", without_switch(code, "luminance"))
        losses.add("dissimilarity", block(DISSIMILARITY))
        return
    head = "(\n    x: Tensor, y: Tensor, weights: Sequence[float], c1: float, c2: float, *, luminance: bool = True\n)"
    switched = block(DISSIMILARITY).replace(
        "(x: Tensor, y: Tensor, weights: Sequence[float], c1: float, c2: float)", head
    )
    losses.functions |= {"lacking": code, "dissimilarity": switched.replace(", c1, c2)", ", c1, c2, luminance)", 1)}


def of_windows(losses: Losses, loss: Any, moving: tuple[str, ...]) -> str:
    """The body of a loss of windows at one scale."""
    losses.add_all({"gaussian": gaussian, "dissimilarity": dissimilarity})
    weights, constants = _window(losses, loss, moving)
    return f"return dissimilarity(prediction, target, {weights}, {constants}).mean()"


def of_scales(losses: Losses, loss: Any, moving: tuple[str, ...]) -> str:
    """The body of a loss of windows at several scales."""
    losses.add_all({"gaussian": gaussian})
    add_dissimilarity(losses, luminance=True)
    losses.add_all({"over_scales": over_scales})
    weights, constants = _window(losses, loss, moving)
    exponents = assigned("exponents", list(loss.exponents))
    return f"{exponents}\nreturn over_scales(prediction, target, exponents, {weights}, {constants}).mean()"


def _window(losses: Losses, loss: Any, moving: tuple[str, ...]) -> tuple[str, str]:
    """The weights of a window's row, and what steadies luminance and structure."""
    known = losses.settings(loss, moving)
    ranged = f" * {known['data_range']}" if known["data_range"] not in ("1", "1.0") else ""
    squares = [f"({known[k]}{ranged}) ** 2" if ranged else f"{known[k]}**2" for k in ("k1", "k2")]
    return f"gaussian({known['window']}, {known['sigma']})", ", ".join(squares)


def of_steps(losses: Losses, loss: Any, moving: tuple[str, ...]) -> str:
    """The body of total variation: the differences of each pixel to those below and to the right."""
    exponent = losses.settings(loss, moving)["exponent"]
    lines = ["down, right = prediction.diff(dim=2), prediction.diff(dim=3)"]
    if loss.isotropic and exponent not in ("2", "2.0"):
        lines += [
            "square = F.pad(down.square(), (0, 0, 0, 1)) + F.pad(right.square(), (0, 1))",
            "flat = square == 0  # where the root has no slope",
            f"length = square.masked_fill(flat, 1.0).pow({exponent} / 2).masked_fill(flat, 0.0)",
            "return length.sum() / prediction.numel()",
        ]
        return "\n".join(lines).replace(".pow(1.0 / 2)", ".sqrt()")
    power = {"1.0": ".abs()", "1": ".abs()", "2.0": ".square()", "2": ".square()"}.get(
        exponent, f".abs().pow({exponent})"
    )
    return "\n".join([*lines, f"return (down{power}.sum() + right{power}.sum()) / prediction.numel()"])
