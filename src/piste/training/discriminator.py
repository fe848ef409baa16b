"""The discriminator of a training with two players: its weights, its optimizer, and its steps between the model's.

It learns on batches of its own, the last of which is then the model's too. What it scores in the model's step is
differentiated through it, and leaves it as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from piste.losses import GradientPenalty
from piste.objective import Objective
from piste.objective.players import FAKE_SCORES
from piste.tasks.base.discriminator import Discriminator
from piste.tasks.base.trainable import Batch
from piste.training.gradients import Gradients, Norms
from piste.training.settings import TrainingRecipe


class Enter(Protocol):
    """Takes down what a step of the discriminator measured, or what it pays in a validation."""

    def __call__(self, loss: Tensor, norms: Norms | None, output: Batch, again: Callable[[], Any]) -> None:
        """Its loss, its gradients, what the model made, and how to repeat its passes."""
        ...


def check_players(discriminator: Discriminator | None, objective: Objective, settings: TrainingRecipe) -> None:
    """Refuses what cannot be trained with two players, and a discriminator that nothing would train.

    Args:
        discriminator: the task's; None for a model that is trained alone.
        objective: the task's.
        settings: say how to train.

    Raises:
        ValueError: in one line: the key, the rule and the cure.
    """
    idle = [phase.name for phase in objective.order if not phase.adversarial]
    if discriminator is None:
        if len(idle) < len(objective.order):
            raise ValueError("`loss` is adversarial, and the task has no discriminator to play against the model")
        return
    if len(idle) == len(objective.order):
        raise ValueError(
            "`discriminator` would be trained by nothing: no loss is adversarial; add one, such as hinge, or leave it"
        )
    steps = discriminator.section.steps
    if idle and steps > 1:
        raise ValueError(
            f"`discriminator.steps` = {steps} leaves the model one batch of {steps}, and would waste the others in the "
            f"phase {idle[0]!r}, where no loss is adversarial; set it to 1, or add such a loss"
        )
    if settings.accumulate > 1:
        raise ValueError(f"`accumulate` must be 1 with a discriminator; got {settings.accumulate}: raise batch_size")
    if settings.precision == "fp16":
        raise ValueError(
            "`precision` must be no or bf16 with a discriminator, whose two losses fp16 can't scale as one"
        )
    if any(isinstance(loss, GradientPenalty) for loss in objective.modules()):
        for name, layer in discriminator.module.named_modules():
            if isinstance(layer, _BatchNorm):
                raise ValueError(
                    "`gradient_penalty` needs scores of each image by itself, and the discriminator has batch "
                    f"normalisation ({name}), which mixes them; set discriminator.norm to instance or none"
                )


class Rival:
    """A discriminator in training.

    Args:
        discriminator: the network, and how it is trained.
        settings: of the model, whose optimizer and limit of gradients hold here too.
        accelerator: says where.

    Attributes:
        batches: how many of them a step of the model takes: one of each step of the discriminator.
        module: the network.
        lr: its base rate.
    """

    def __init__(self, discriminator: Discriminator, settings: TrainingRecipe, accelerator: Accelerator) -> None:
        section = discriminator.section
        self.batches = section.steps
        self.module = discriminator.module.to(accelerator.device)
        self.lr = settings.optimizer.lr if section.lr is None else section.lr
        self._share = self.lr / settings.optimizer.lr
        self._clip = settings.clip
        self._weight_clip = section.weight_clip
        self._accelerator = accelerator
        named = self.module.named_parameters()
        self._parameters = [(f"discriminator.{name}", weights) for name, weights in named if weights.requires_grad]
        self.module.requires_grad_(False)
        self._optimizer = settings.optimizer.model_copy(update={"lr": self.lr}).build([p for _, p in self._parameters])

    @property
    def size(self) -> int:
        """Trainable numbers in it."""
        return sum(parameter.numel() for _, parameter in self._parameters)

    def scores(self, images: Tensor) -> Tensor:
        """Its raw scores of images, float32."""
        with self._accelerator.autocast():
            scores: Tensor = self.module(images)
        return scores.float()

    def judged(self, output: Batch) -> Batch:
        """A forward pass of the model with the scores of what it made beside it."""
        return output._replace(beside={**output.beside, FAKE_SCORES: self.scores(output.prediction)})

    def learn(self, objective: Objective, output: Batch, lr: float, enter: Enter, *, share: float = 1.0) -> None:
        """Takes a step on a batch.

        Args:
            objective: says what it pays.
            output: the model's forward pass over the batch.
            lr: the rate of the model's next step, by which its own rises and falls.
            enter: is told of the step before the weights move.
            share: what this process has of the batch, of 1.
        """
        with self._trained():
            loss = objective.for_discriminator(self.scores, output.target, output.prediction)
            (share * loss).backward()  # type: ignore[no-untyped-call]
        gradients = Gradients(self._parameters)
        gradients.sum_over_processes()
        norms = gradients.norms()
        enter(loss, norms, output, partial(self._again, output))
        if self._clip is not None:
            gradients.clip(self._clip, norms)
        for group in self._optimizer.param_groups:
            group["lr"] = lr * self._share
        self._optimizer.step()
        self._optimizer.zero_grad()
        if self._weight_clip is not None:
            weights = [parameter.detach() for _, parameter in self._parameters]
            torch._foreach_clamp_min_(weights, -self._weight_clip)
            torch._foreach_clamp_max_(weights, self._weight_clip)

    def watch(self, objective: Objective, output: Batch, enter: Enter) -> Batch:
        """Scores what the model made in a validation, and takes down what it pays itself, in eval mode.

        Args:
            objective: says what it pays.
            output: the model's forward pass over a batch.
            enter: is told of it.
        """
        self.module.eval()
        loss = objective.for_discriminator(self.scores, output.target, output.prediction)
        enter(loss, None, output, partial(self._again, output))
        return self.judged(output)

    def forget(self) -> None:
        """Its optimizer starts afresh."""
        self._optimizer.state.clear()

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on exactly."""
        return {"module": self.module.state_dict(), "optimizer": self._optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a state."""
        self.module.load_state_dict(state["module"])
        self._optimizer.load_state_dict(state["optimizer"])

    def _again(self, output: Batch) -> None:
        """Its passes over a batch."""
        self.scores(output.target)
        self.scores(output.prediction)

    @contextmanager
    def _trained(self) -> Iterator[None]:
        """Its own weights are differentiated here alone, not in the model's step."""
        for _, parameter in self._parameters:
            parameter.requires_grad_(True)
        yield
        self.module.requires_grad_(False)
