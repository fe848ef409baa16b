"""Everything that training changes, made from a task and its settings, and restored from a checkpoint."""

from __future__ import annotations

import math
from typing import Any, Literal

from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn

from piste.objective import Change
from piste.tasks.base import Batch, Trainable
from piste.training import processes
from piste.training.device import prepared
from piste.training.discriminator import Rival, check_players
from piste.training.ema import EMA
from piste.training.joined import adds_up, joined
from piste.training.schedule import Schedule
from piste.training.schedulers import Plateau
from piste.training.settings import TrainingRecipe
from piste.training.stopping import Best, EarlyStopping, mode_of
from piste.training.sync_norm import SyncNorm, synchronised

Status = Literal["running", "finished", "stopped_early"]


class TrainingState:
    """Model, objective, optimizer and what watches them, on their device and ready to train.

    Raises:
        ValueError: the settings do not suit the task's discriminator, or it does not suit the loss.

    Args:
        task: gives model, objective and batches.
        settings: say how to train.
        accelerator: says where.

    Attributes:
        rival: the discriminator that is trained against the model; None for most tasks.
        joins: whether shares of a batch can be joined again, for losses that know it as a whole only.
        watched: the metric that the schedule follows; None for most.
        epoch: epochs that have ended.
        step: optimizer steps taken.
        seconds: time they took.
        elements: of a batch's target, about; what shares of a step are measured in, alike in all processes.
        status: whether the training goes on.
    """

    def __init__(self, task: Trainable, settings: TrainingRecipe, accelerator: Accelerator) -> None:
        self.settings = settings
        self.accelerator = accelerator
        load = {"workers": settings.workers, "batch_size": settings.batch_size}
        train, val = task.loader("train", train=True, **load), task.loader("val", train=False, **load)
        self.train_loader, self.val_loader = (
            prepared(processes.shared(split, whole=split is val), accelerator) for split in (train, val)
        )
        batches: Any = self.train_loader.batch_sampler
        self._share = batches if isinstance(batches, processes.Share) else None
        self.joins = task.joins and self._share is not None
        self._follow_the_epoch: tuple[Any, ...] = (train.sampler, train.dataset, self.train_loader)
        set_seed(settings.seed)
        model = task.model()
        self.ema = None if settings.ema is None else EMA(model, settings.ema)
        self.model: nn.Module = accelerator.prepare_model(synchronised(model), evaluation_mode=True)  # never wrapped
        self._norms = [module for module in self.model.modules() if isinstance(module, SyncNorm)]
        if self.ema is not None:
            self.ema.model = accelerator.prepare_model(self.ema.model, evaluation_mode=True)
        self.objective = task.objective().to(accelerator.device)
        rival = task.discriminator()
        check_players(rival, self.objective, settings)
        self.rival = None if rival is None else Rival(rival, settings, accelerator)
        self.batches_per_step = settings.accumulate if self.rival is None else self.rival.batches
        self.steps_per_epoch = math.ceil(len(self.train_loader) / self.batches_per_step)
        self.parameters = [(name, p) for name, p in self.model.named_parameters() if p.requires_grad]
        groups: list[dict[str, Any]] = [{"params": [p for _, p in self.parameters]}]
        self._repeats = 1  # how many processes compute the whole loss, and with it the slope of what it has learned
        learned = [(f"objective.{name}", p) for name, p in self.objective.named_parameters()]
        if learned:  # what weighs the terms is trained with the model, and not pulled towards 0
            groups.append({"params": [p for _, p in learned], "weight_decay": 0.0})
            self.parameters += learned
            for _, weight in learned:
                weight.register_hook(lambda slope: slope / self._repeats)  # type: ignore[no-untyped-call]
        self.torch_optimizer = settings.optimizer.build(groups)
        self.optimizer = accelerator.prepare(self.torch_optimizer)

        metric = task.default_metric if settings.best is None else settings.best.metric
        mode = None if settings.best is None else settings.best.mode
        self.best = Best(metric, mode or mode_of(metric))
        self.stopping: EarlyStopping | None = None
        if (stop := settings.early_stopping) is not None:
            self.stopping = EarlyStopping(stop.metric, stop.mode or mode_of(stop.metric), stop.patience, stop.min_delta)
        scheduler = settings.scheduler
        if isinstance(scheduler, Plateau):
            scheduler = scheduler.watching(self.best.metric, self.best.mode)
        self.watched = scheduler.metric if isinstance(scheduler, Plateau) else None
        self.schedule = Schedule(
            scheduler, self.torch_optimizer, per_epoch=self.steps_per_epoch, epochs=settings.epochs
        )
        self.schedule.scale = self.objective.lr_scale
        self.epoch = 0
        self.step = 0
        self.elements = 0
        self.seconds = 0.0
        self.status: Status = "running"

    @property
    def evaluated(self) -> nn.Module:
        """The model that validation sees and that is kept as the best: the moving average where there is one."""
        return self.model if self.ema is None else self.ema.model

    @property
    def size(self) -> int:
        """Trainable numbers in the model."""
        return sum(parameter.numel() for parameter in self.model.parameters() if parameter.requires_grad)

    def begin_epoch(self) -> None:
        """Puts order, augmentation and dropout where the next epoch starts, whatever came before."""
        epoch = self.epoch + 1
        for part in self._follow_the_epoch:
            part.set_epoch(epoch)
        set_seed((self.settings.seed * 1_000_003 + epoch + 7_919 * processes.rank()) % 2**32)
        self.model.train()
        if self.rival is not None:
            self.rival.module.train()

    def begin_batch(self, number: int) -> processes.Rows:
        """Who has what of a batch of the epoch, counted from 1; normalisation is told so."""
        rows = processes.ALL_MINE if self._share is None else self._share.rows(number)
        for norm in self._norms:
            norm.copies = rows.copies
        return rows

    def whole(self, output: Batch, rows: processes.Rows) -> Batch:
        """What the objective is to see: the whole batch, where its loss is not the mean of what the shares lose."""
        joins = self.joins and rows.copies == 1 and not adds_up(self.objective)
        self._repeats = len(rows.each) if joins else 1
        return joined(output, rows.each) if joins else output

    def step_optimizer(self) -> bool:
        """Moves the weights and clears the gradients; says whether they moved, which fp16 may forgo."""
        if self.accelerator.scaler is None:
            self.torch_optimizer.step()  # Accelerate's own looks for packages on the disk in each step
            moved = True
        else:
            self.optimizer.step()
            moved = not self.optimizer.step_was_skipped
        self.torch_optimizer.zero_grad()
        return moved

    def change_phase(self, change: Change) -> None:
        """What a new phase of the objective means for the rest; losses of different phases are not compared."""
        self.schedule.scale = change.lr_scale
        if change.reset_optimizer:
            self.torch_optimizer.state.clear()
            if self.rival is not None:
                self.rival.forget()
        if self.stopping is not None and self.stopping.best.metric == "loss":
            self.stopping.forget()
        if self.watched == "loss":
            self.schedule.forget()

    def unreached(self) -> str | None:
        """What the objective still had before it when the epochs were used up; None for nothing."""
        objective = self.objective
        phases = objective.get_extra_state()["phases"]
        reached = objective.phase.index + 1
        endless = any(phase.endless for phase in objective.phases)  # only the last may be
        if objective.finished or (reached == len(phases) and endless):
            return None
        return (
            f"the epochs were used up in phase {reached} of {len(phases)} ({objective.phase.name}), of which "
            f"{objective.phase.epoch_in_phase} were trained"
        )

    def weights(self) -> dict[str, Any]:
        """What is kept of the best epoch."""
        return {
            "model": self.evaluated.state_dict(),
            "epoch": self.epoch,
            "metric": self.best.metric,
            "value": self.best.value,
        }

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on exactly."""
        return {name: part.state_dict() for name, part in self._parts().items()} | {
            "epoch": self.epoch,
            "step": self.step,
            "seconds": self.seconds,
            "status": self.status,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a state."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self.epoch = state["epoch"]
        self.step = state["step"]
        self.seconds = state["seconds"]
        self.status = state["status"]

    def _parts(self) -> dict[str, Any]:
        parts = {
            "model": self.model,
            "ema": self.ema,
            "rival": self.rival,
            "optimizer": self.torch_optimizer,
            "schedule": self.schedule,  # after the optimizer, whose rates it sets
            "scaler": self.accelerator.scaler,
            "objective": self.objective,
            "best": self.best,
            "stopping": self.stopping,
        }
        return {name: part for name, part in parts.items() if part is not None}
