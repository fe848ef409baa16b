"""What is said when a loss or a gradient is not finite: which term, which batch, which layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from piste.training.gradients import Norms
from piste.training.measure import Measure, Measured

CURE = "try a lower lr, a warm-up or clip; `piste check` tries a loss on hard inputs"


def require_finite_loss(
    measure: Measure, batch: Measured, model: nn.Module, where: str, whose: str = "the loss"
) -> None:
    """Refuses a batch whose loss is not finite.

    Args:
        measure: what the batch gave, in numbers.
        batch: the same on the device, with its names.
        model: where the layer is looked for.
        where: the moment, for the message.
        whose: the loss, for the message.

    Raises:
        FloatingPointError: names the term, the batch and the layer.
    """
    if math.isfinite(measure.loss):
        return
    bad = [f"{name} ({f['raw']:g})" for name, f in measure.terms.items() if not math.isfinite(f["weighted"])]
    layer = "unknown, its weights are gone" if batch.again is None else first_bad_layer(model, batch.again)
    raise FloatingPointError(
        f"{whose} is {measure.loss:g} at {where}: term {', '.join(bad) or 'none, only their sum'}; "
        f"batch {', '.join(batch.names)}; layer {layer}; {CURE}"
    )


def require_finite_gradients(total: float, norms: Norms, names: Sequence[str], where: str) -> None:
    """Refuses gradients that are not finite.

    Args:
        total: the norm of all of them.
        norms: where the layer is looked for.
        names: the samples of the step.
        where: the moment, for the message.

    Raises:
        FloatingPointError: names the batch and the layer.
    """
    if not math.isfinite(total):
        raise FloatingPointError(
            f"a gradient is not finite at {where} although the loss is: batch {', '.join(names)}; "
            f"layer {norms.first_bad()}, the first on the way back; {CURE}"
        )


@torch.no_grad()
def first_bad_layer(model: nn.Module, forward: Callable[[], Any]) -> str:
    """The layer whose output is the first that is not finite.

    Args:
        model: whose layers are watched.
        forward: runs it.
    """
    found: list[str] = []

    def watch(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            if not found and not _finite(output):
                found.append(name if _finite(inputs) else f"{name}, whose input is not finite either")

        return hook

    layers = [(name or "the model", layer) for name, layer in model.named_modules()]
    hooks = [layer.register_forward_hook(watch(name)) for name, layer in layers]
    try:
        forward()
    finally:
        for hook in hooks:
            hook.remove()
    return found[0] if found else "none, the prediction is finite"


def _finite(value: Any) -> bool:
    if isinstance(value, Tensor):
        return bool(value.isfinite().all())
    if isinstance(value, dict):
        return all(map(_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_finite, value))
    return True
