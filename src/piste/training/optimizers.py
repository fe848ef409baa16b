"""Optimizers by name, with torch's settings and defaults.

Where torch has a fused kernel for CPU, CUDA and MPS it is taken: on the CPU it makes an Adam step four times as fast.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Annotated, Any, Self

import torch
from pydantic import Field, model_validator
from torch import nn

from piste.training.named import Named, OneOf

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Parameters = Iterable[nn.Parameter] | Iterable[dict[str, Any]]
Decay = Annotated[float, Field(ge=0, lt=1)]


class Optimizer(Named):
    """An optimizer's settings; `lr` is the base rate, which the scheduler and the loss's phase scale."""

    lr: Positive = 1e-3

    @abstractmethod
    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        """The optimizer of these parameters."""


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015); weight decay enters the gradient."""

    name = "adam"
    betas: tuple[Decay, Decay] = (0.9, 0.999)
    eps: NonNegative = 1e-8
    weight_decay: NonNegative = 0.0
    amsgrad: bool = False

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        """The optimizer of these parameters."""
        return torch.optim.Adam(parameters, **self.model_dump(), fused=True)


class AdamW(Optimizer):
    """Adam with weight decay apart from the gradient (Loshchilov & Hutter 2019)."""

    name = "adamw"
    betas: tuple[Decay, Decay] = (0.9, 0.999)
    eps: NonNegative = 1e-8
    weight_decay: NonNegative = 0.01
    amsgrad: bool = False

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        """The optimizer of these parameters."""
        return torch.optim.AdamW(parameters, **self.model_dump(), fused=True)


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum (Polyak's, or Nesterov's)."""

    name = "sgd"
    lr: Positive = 0.01
    momentum: Decay = 0.9
    dampening: NonNegative = 0.0
    nesterov: bool = False
    weight_decay: NonNegative = 0.0

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> Self:
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            raise ValueError("nesterov needs momentum > 0 and dampening 0")
        return self

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        """The optimizer of these parameters."""
        return torch.optim.SGD(parameters, **self.model_dump(), fused=True)


class Adadelta(Optimizer):
    """Adadelta (Zeiler 2012)."""

    name = "adadelta"
    lr: Positive = 1.0
    rho: Decay = 0.9
    eps: NonNegative = 1e-6
    weight_decay: NonNegative = 0.0

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        """The optimizer of these parameters."""
        return torch.optim.Adadelta(parameters, **self.model_dump())


class Adagrad(Optimizer):
    """Adagrad (Duchi et al. 2011)."""

    name = "adagrad"
    lr: Positive = 0.01
    lr_decay: NonNegative = 0.0
    eps: NonNegative = 1e-10
    weight_decay: NonNegative = 0.0

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        """The optimizer of these parameters."""
        return torch.optim.Adagrad(parameters, **self.model_dump())


class Adamax(Optimizer):
    """Adamax: Adam with the infinity norm (Kingma & Ba 2015)."""

    name = "adamax"
    lr: Positive = 2e-3
    betas: tuple[Decay, Decay] = (0.9, 0.999)
    eps: NonNegative = 1e-8
    weight_decay: NonNegative = 0.0

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        """The optimizer of these parameters."""
        return torch.optim.Adamax(parameters, **self.model_dump())


class ASGD(Optimizer):
    """Averaged stochastic gradient descent (Polyak & Juditsky 1992)."""

    name = "asgd"
    lr: Positive = 0.01
    lambd: NonNegative = 1e-4
    alpha: NonNegative = 0.75
    t0: NonNegative = 1e6
    weight_decay: NonNegative = 0.0

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        """The optimizer of these parameters."""
        return torch.optim.ASGD(parameters, **self.model_dump())


class Rprop(Optimizer):
    """Resilient backpropagation (Riedmiller & Braun 1992); for full batches."""

    name = "rprop"
    lr: Positive = 0.01
    etas: tuple[Annotated[float, Field(gt=0, lt=1)], Annotated[float, Field(gt=1)]] = (0.5, 1.2)
    step_sizes: tuple[Positive, Positive] = (1e-6, 50.0)

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        """The optimizer of these parameters."""
        return torch.optim.Rprop(parameters, **self.model_dump())


class RMSprop(Optimizer):
    """RMSprop (Tieleman & Hinton 2012)."""

    name = "rmsprop"
    lr: Positive = 0.01
    alpha: Decay = 0.99
    eps: NonNegative = 1e-8
    momentum: Decay = 0.0
    centered: bool = False
    weight_decay: NonNegative = 0.0

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        """The optimizer of these parameters."""
        return torch.optim.RMSprop(parameters, **self.model_dump())


class Lion(Optimizer):
    """Lion: the sign of a momentum (Chen et al. 2023), timm's. Wants a rate some ten times below Adam's."""

    name = "lion"
    lr: Positive = 1e-4
    betas: tuple[Decay, Decay] = (0.9, 0.99)
    weight_decay: NonNegative = 0.0

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        """The optimizer of these parameters."""
        from timm.optim import Lion as TimmLion  # timm takes a second to import

        optimizer: torch.optim.Optimizer = TimmLion(parameters, **self.model_dump())
        return optimizer


OPTIMIZERS = OneOf("optimizer", Adam, AdamW, SGD, Adadelta, Adagrad, Adamax, ASGD, Rprop, RMSprop, Lion)
