"""The forward-backward algorithm of CTC: -ln p(target) of each line, by torch's own kernel.

It takes logits and not log-probabilities, since the slope that the kernel computes is that of the logits: p minus how
probable each class is at each step, given the target; autograd would send it through the softmax once more. A line
without any alignment costs infinity and has a slope of 0, not NaN. There is no second derivative, and asking for one
raises.

For `torch.compile`, which need not see inside, the kernel comes as an operation of its own: by itself it has a result
whose shape depends on how long the targets are. That takes longer to call.
"""

from typing import Any, NoReturn

import torch
from torch import Tensor
from torch.nn import functional as F


def _forward(
    logits: Tensor, target: Tensor, logit_lengths: Tensor, target_lengths: Tensor, blank: int
) -> tuple[Tensor, Tensor, Tensor]:
    """The cost of each line, and what the slope needs: log-probabilities, and those of all beginnings."""
    log_probs = logits.log_softmax(-1).contiguous()
    if not logits.numel():
        cost = torch.where(target_lengths > 0, torch.inf, 0.0).to(logits)
        return cost, log_probs.clone(), logits.new_empty(*logits.shape[:2], _states(target))
    cost, begun = torch.ops.aten._ctc_loss.Tensor(
        log_probs.transpose(0, 1), target.contiguous(), logit_lengths, target_lengths, blank
    )
    return cost, log_probs, begun


def _states(target: Tensor) -> int:
    """How many places of a line a path can be in: at a character, or at a blank beside one."""
    return 2 * target.shape[1] + 1


def _backward(
    slope: Tensor,
    cost: Tensor,
    log_probs: Tensor,
    begun: Tensor,
    target: Tensor,
    logit_lengths: Tensor,
    target_lengths: Tensor,
    blank: int,
) -> Tensor:
    """The slope of the logits, 0 beyond a line's length."""
    if not log_probs.numel():
        return log_probs.clone()
    by_step: Tensor = torch.ops.aten._ctc_loss_backward.Tensor(
        slope.contiguous(),
        log_probs.transpose(0, 1),
        target.contiguous(),
        logit_lengths,
        target_lengths,
        cost,
        begun,
        blank,
        True,  # zero_infinity
    )
    return by_step.transpose(0, 1)


class _Alignment(torch.autograd.Function):
    """The cost of each line."""

    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, target: Tensor, logit_lengths: Tensor, target_lengths: Tensor, blank: int
    ) -> Tensor:
        results = _forward(logits, target, logit_lengths, target_lengths, blank)
        ctx.blank = blank
        ctx.save_for_backward(*results, target, logit_lengths, target_lengths)
        return results[0]

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        return _OnlySlope.apply(slope, *ctx.saved_tensors, ctx.blank), None, None, None, None


class _OnlySlope(torch.autograd.Function):
    """The slope of the logits, which depends on them through the cost, so that a derivative of it is asked for here."""

    @staticmethod
    def forward(ctx: Any, *saved: Any) -> Tensor:
        return _backward(*saved)

    @staticmethod
    def backward(ctx: Any, *_: Tensor) -> NoReturn:
        raise RuntimeError("CTC has no second derivative: torch's kernel cannot be differentiated twice.")


@torch.library.custom_op("piste::ctc", mutates_args=())
def _operation(
    logits: Tensor, target: Tensor, logit_lengths: Tensor, target_lengths: Tensor, blank: int
) -> tuple[Tensor, Tensor, Tensor]:
    """The results of the forward pass, in shapes that are known before it."""
    cost, log_probs, begun = _forward(logits, target, logit_lengths, target_lengths, blank)
    return cost, log_probs, F.pad(begun, (0, _states(target) - begun.shape[2]))


@_operation.register_fake
def _(
    logits: Tensor, target: Tensor, logit_lengths: Tensor, target_lengths: Tensor, blank: int
) -> tuple[Tensor, Tensor, Tensor]:
    begun = logits.new_empty(*logits.shape[:2], _states(target))
    return logits.new_empty(len(logits)), logits.new_empty(logits.shape), begun


@torch.library.custom_op("piste::ctc_slope", mutates_args=())
def _slope(
    slope: Tensor,
    cost: Tensor,
    log_probs: Tensor,
    begun: Tensor,
    target: Tensor,
    logit_lengths: Tensor,
    target_lengths: Tensor,
    blank: int,
) -> Tensor:
    return _backward(slope, cost, log_probs, begun, target, logit_lengths, target_lengths, blank).contiguous()


@_slope.register_fake
def _(slope: Tensor, cost: Tensor, log_probs: Tensor, *_: Any) -> Tensor:
    return torch.empty_like(log_probs)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    _, *lengths, ctx.blank = inputs
    ctx.save_for_backward(*output, *lengths)


def _back(ctx: Any, slope: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
    return _slope(slope, *ctx.saved_tensors, ctx.blank), None, None, None, None


_operation.register_autograd(_back, setup_context=_keep)


def cost_of_alignment(
    logits: Tensor, target: Tensor, logit_lengths: Tensor, target_lengths: Tensor, blank: int
) -> Tensor:
    """-ln p(target) of each line, infinite where no path reads it, nor a text with a blank or no class in it.

    Args:
        logits: Raw scores [N, T, C], float32 or float64.
        target: Class ids [N, L]; beyond a line's length they are not read.
        logit_lengths: How many steps of each line count, [N].
        target_lengths: How many characters each line has, [N].
        blank: The class that stands for no character.
    """
    place = torch.arange(target.shape[1], device=target.device)
    written = place < target_lengths.to(target.device).unsqueeze(1)
    unreadable = written & ((target < 0) | (target >= logits.shape[2]) | (target == blank))
    # the kernel looks up whatever id it is given, be it outside of the logits
    line = logits, target.masked_fill(unreadable, 0), logit_lengths, target_lengths, blank
    cost: Tensor = _operation(*line)[0] if torch.compiler.is_compiling() else _Alignment.apply(*line)
    return cost.masked_fill(unreadable.any(1), torch.inf)
