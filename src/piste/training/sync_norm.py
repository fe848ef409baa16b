"""Batch normalisation over the batches of all processes together, on any device that they can talk on."""

from typing import Any, final

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from piste.training import processes


@final
class _SumOfAll(torch.autograd.Function):
    """A tensor summed over all processes; so is its gradient, because each process's loss is a part of the whole."""

    @staticmethod
    def forward(ctx: Any, own: Tensor) -> Tensor:
        total = own.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Tensor:
        total = slopes[0].clone()
        dist.all_reduce(total)
        return total


def _sum_of_all(own: Tensor) -> Tensor:
    total: Tensor = _SumOfAll.apply(own)
    return total


@final
class SyncNorm(_BatchNorm):
    """Batch normalisation whose statistics in training are those of all processes' elements.

    It has the weights, the statistics and the names of the layer that it takes the place of. (`nn.SyncBatchNorm` does
    the same on GPUs alone.)

    Attributes:
        copies: how many processes have the present batch as it is, instead of a share of it.
    """

    copies: int = 1

    def forward(self, input: Tensor) -> Tensor:
        """Normalise [N, C, *S] over everything but C."""
        if not self.training:
            return nn.functional.batch_norm(
                input, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps
            )
        axes = [axis for axis in range(input.dim()) if axis != 1]
        shape = [1, -1, *[1] * (input.dim() - 2)]
        wide = input.float()
        own = torch.full((1,), float(input.numel() // input.shape[1]), device=input.device)
        sums = _sum_of_all(torch.cat([wide.sum(axes), own]))
        number = sums[-1].detach()
        mean = sums[:-1] / number
        centred = wide - mean.view(shape)
        variance = _sum_of_all(centred.square().sum(axes)) / number
        self._follow(mean.detach(), variance.detach() * number / (number - self.copies).clamp(min=1))
        scale = (variance + self.eps).rsqrt()
        scale = scale if self.weight is None else scale * self.weight
        normal = centred * scale.view(shape)
        return (normal if self.bias is None else normal + self.bias.view(shape)).to(input.dtype)

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        """Moves the running statistics."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        share = 1.0 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        self.running_var.lerp_(variance.to(self.running_var.dtype), share)

    def _check_input_dim(self, input: Any) -> None:
        """Any number of positions."""


def synchronised(model: nn.Module) -> nn.Module:
    """The model with its batch normalisation over all processes; the model itself where there is one process."""
    if processes.count() == 1:
        return model
    if torch.cuda.is_available() and next(model.parameters()).is_cuda:
        found: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]
        return found
    return _converted(model)


def _converted(module: nn.Module) -> nn.Module:
    if isinstance(module, _BatchNorm):
        made = SyncNorm(module.num_features, module.eps, module.momentum, module.affine, module.track_running_stats)
        made.__dict__.update({key: value for key, value in module.__dict__.items() if key != "_check_input_dim"})
        return made
    for name, child in module.named_children():
        setattr(module, name, _converted(child))
    return module
