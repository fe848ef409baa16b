"""From probabilities to one class a pixel."""

from collections.abc import Sequence

import torch
from torch import Tensor

from piste.metrics.names import foreground_indices

ACTIVATIONS = ("softmax", "sigmoid")


def label_map(
    probs: Tensor,
    *,
    activation: str,
    background: int | None,
    thresholds: Sequence[float] | float | None = None,
) -> Tensor:
    """The class of each pixel.

    Without `thresholds`, exclusive classes (softmax) go to the most probable one and independent ones (sigmoid) count
    from 0.5. With thresholds a foreground class may claim the pixels in which it reaches its own; of several that do,
    the most probable wins; the rest is background. With two classes the threshold of 0.5 and the most probable class
    are the same decision, a tie going to the foreground.

    Args:
        probs: softmax `[N, C, *S]`, or sigmoid `[N, K, *S]` with one channel for each foreground class in order.
        activation: what made them.
        background: index of the background class; None where every class is foreground.
        thresholds: one for each foreground class, or one for all.

    Returns:
        int64 `[N, *S]`, class indices.
    """
    if activation not in ACTIVATIONS:
        raise ValueError(f"`activation` must be softmax or sigmoid; got {activation!r}")
    probs = probs.float()
    softmax = activation == "softmax"
    classes = probs.shape[1] + (background is not None and not softmax)
    foreground = foreground_indices(classes, background)
    claims = probs[:, foreground] if softmax and background is not None else probs
    binary = len(foreground) == 1 and background is not None
    if thresholds is None and softmax and not binary:
        return probs.argmax(1)
    if thresholds is None:
        thresholds = 0.5
    least = torch.as_tensor(thresholds, dtype=claims.dtype, device=claims.device)
    reached = claims >= least.expand(claims.shape[1]).view(-1, *[1] * (claims.ndim - 2))
    index = torch.as_tensor(foreground, device=claims.device)
    best = index[torch.where(reached, claims, claims - 2.0).argmax(1)]
    return best if background is None else torch.where(reached.any(1), best, background)
