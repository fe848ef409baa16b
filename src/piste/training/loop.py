"""The training loop: plain PyTorch on Accelerate, from the first batch to the last epoch.

An epoch is trained, validated, logged and checkpointed. A run that is killed goes on from its last checkpoint; order,
augmentation and dropout of an epoch depend on the seed and the epoch alone, so it ends where it would have ended.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch

from piste.tasks.base import Trainable
from piste.training import processes
from piste.training.aside import write_picture
from piste.training.book import Book
from piste.training.checkpoint import Checkpoints
from piste.training.device import start_accelerator
from piste.training.events import EventLog, Log, MuteLog, Sink
from piste.training.gradients import Gradients
from piste.training.settings import TrainingRecipe
from piste.training.state import TrainingState
from piste.training.trackers import TrackerSink


class Outcome(NamedTuple):
    """How a training ended.

    Args:
        status: "finished" or "stopped_early".
        epochs: epochs trained.
        steps: optimizer steps taken.
        seconds: time they took, over all processes that took part.
        parameters: trainable numbers in the model.
        best: epoch, metric and value of the best epoch; None where the metric never had a finite value.
    """

    status: str
    epochs: int
    steps: int
    seconds: float
    parameters: int
    best: dict[str, Any] | None


def train(
    task: Trainable, settings: TrainingRecipe, folder: Path, *, sinks: tuple[Sink, ...] = (), resume: bool = False
) -> Outcome:
    """Trains a task's model and keeps events and checkpoints in a folder.

    Args:
        task: what is trained.
        settings: how.
        folder: of the run; gets `events.jsonl` and `checkpoints/`.
        sinks: called with each event.
        resume: go on from the last checkpoint, or from the start where there is none yet.

    Raises:
        ValueError: a setting does not suit the task or the machine.
        FileExistsError: the folder holds a run and `resume` is off.
        FloatingPointError: a loss or a gradient is not finite.
        OSError: the disk is full.
    """
    settings.check_metrics(task.metric_names)
    events, checkpoints = folder / "events.jsonl", Checkpoints(folder / "checkpoints")
    if events.exists() and not resume:
        raise FileExistsError(f"{folder} holds a run; resume it, or choose another folder")
    accelerator = start_accelerator(settings, tracked_in=folder / "trackers")
    state = TrainingState(task, settings, accelerator)
    saved, warnings = processes.main_first(checkpoints.load) if resume else (None, [])
    if saved is not None:
        state.load_state_dict(saved["training"])
    folder.mkdir(parents=True, exist_ok=True)
    if settings.trackers:
        sinks = (*sinks, TrackerSink(accelerator, folder.name, settings.model_dump(mode="json")))
    next_number = 0 if saved is None else saved["next_number"]
    log = EventLog(events, next_number=next_number, sinks=sinks) if processes.is_main() else MuteLog(next_number)
    try:
        for warning in warnings:
            log.note("warning", text=f"{warning}; going on from the one before")
        if resume:
            plan = {"epochs": settings.epochs, "steps_per_epoch": state.steps_per_epoch}
            log.note("resume", epoch=state.epoch, step=state.step, **plan)
        if saved is None:
            log.write("start", **_facts(task, state, settings))
        while state.status == "running":
            _epoch(task, settings, state, log, checkpoints)
            picture = task.snapshot(state.evaluated) if processes.is_main() else None
            if picture is not None:
                write_picture(folder / "snapshots" / f"{state.epoch:04}.png", picture)
        log.write("end", epoch=state.epoch, step=state.step, seconds=state.seconds, status=state.status)
    except FloatingPointError as error:
        log.note("failure", text=str(error))
        raise
    finally:
        log.close()
    best = {"epoch": state.best.epoch, "metric": state.best.metric, "value": state.best.value}
    return Outcome(
        status=state.status,
        epochs=state.epoch,
        steps=state.step,
        seconds=state.seconds,
        parameters=state.size,
        best=None if state.best.value is None else best,
    )


def _epoch(task: Trainable, settings: TrainingRecipe, state: TrainingState, log: Log, checkpoints: Checkpoints) -> None:
    """Trains and validates one epoch, decides what follows from it, and saves."""
    began, phase = time.perf_counter(), state.objective.phase
    trained, lr = train_epoch(task, settings, state, log)
    validated, metrics = validate(task, state, log)
    seconds = time.perf_counter() - began
    state.epoch += 1
    state.seconds += seconds
    at = {"epoch": state.epoch, "step": state.step}
    val = {**validated, "metrics": metrics}
    named = {"phase": phase.index, "phase_name": phase.name}
    log.write("epoch", **at, train=trained, val=val, lr=lr, **named, seconds=seconds)

    seen = {**metrics, "loss": validated["loss"]}
    is_best = state.best.update(metrics[state.best.metric], state.epoch)
    if is_best:
        log.write("best", epoch=state.epoch, metric=state.best.metric, value=state.best.value)
    if state.watched is not None:
        state.schedule.watch(seen[state.watched])
    if state.stopping is not None and state.stopping.update(seen[state.stopping.best.metric], state.epoch):
        log.write("early_stop", **at, metric=state.stopping.best.metric, patience=state.stopping.patience)
        state.status = "stopped_early"
    for change in state.objective.end_epoch(metrics):
        ends = {"from": change.from_, "to": change.to, "index": change.index}
        log.write("phase", **at, **ends, reason=change.reason, lr_scale=change.lr_scale)
        state.change_phase(change)
    if state.status == "running" and (state.objective.finished or state.epoch == settings.epochs):
        state.status = "finished"
        if unreached := state.unreached():
            log.write("warning", text=unreached)

    log.sync()
    if processes.is_main():
        if is_best:
            checkpoints.save_best(state.weights())
        checkpoints.save({"training": state.state_dict(), "next_number": log.next_number})
    processes.wait()


def train_epoch(
    task: Trainable, settings: TrainingRecipe, state: TrainingState, log: Log
) -> tuple[dict[str, Any], float]:
    """One pass over the training split; returns the mean loss with its terms, and the last learning rate."""
    accelerator, model, objective = state.accelerator, state.model, state.objective
    state.begin_epoch()
    book = Book(state, log)
    weighed = settings.accumulate * processes.count() > 1  # a batch is then a share of the step's
    shares = torch.zeros((), device=accelerator.device)
    for i, batch in enumerate(state.train_loader, start=1):
        ends_step = i % state.batches_per_step == 0 or i == len(state.train_loader)
        rows = state.begin_batch(i)
        with torch.set_grad_enabled(ends_step or state.rival is None):
            output = task.forward(model, batch)
        if rows.copies > 1:
            output = output._replace(counted=output.counted / rows.copies)
        if state.rival is not None and objective.adversarial:
            enter = partial(book.rival_step, names=task.names(batch))
            state.rival.learn(objective, output, state.schedule.lr, enter, share=rows.own)
            if not ends_step:
                continue
            output = state.rival.judged(output)
        whole = state.whole(output, rows)
        loss = objective(whole.prediction, whole.asked, mask=whole.mask, auxiliary=whole.auxiliary)
        book.batch(loss, output, task.names(batch), partial(task.forward, model, batch))
        if weighed:  # a batch weighs by what it counts, as if the whole step were one batch
            state.elements = state.elements or processes.agree(_elements(output.target))
            shares += output.counted / state.elements
            loss = loss * (whole.counted / state.elements)
        accelerator.backward(loss)
        if not ends_step:
            continue

        accelerator.unscale_gradients(state.optimizer)
        gradients = Gradients(state.parameters)
        if weighed:
            gradients.sum_over_processes()
            processes.sum_in_place([shares])
            gradients.divide(shares)
            shares.zero_()
        norms = gradients.norms()
        state.step += 1
        book.step(norms)
        if settings.clip is not None:
            gradients.clip(settings.clip, norms)
        if state.step_optimizer():  # fp16 does not while it seeks the scale of the loss
            state.schedule.step()
            if state.ema is not None:
                state.ema.update(model)
    book.settle_steps()
    return book.fields(), book.lr


def _elements(target: Any) -> int:
    """How many numbers a target has, in all of its parts."""
    if isinstance(target, Mapping):
        return sum(map(_elements, target.values()))
    return int(target.numel())


@torch.no_grad()
def validate(task: Trainable, state: TrainingState, log: Log) -> tuple[dict[str, Any], dict[str, float]]:
    """One pass over the validation split; returns the mean loss with its terms, and the metrics."""
    model, objective = state.evaluated.eval(), state.objective
    book, scores = Book(state, log), task.scores()
    for batch in state.val_loader:
        output = task.forward(model, batch)
        if state.rival is not None and objective.adversarial:
            output = state.rival.watch(objective, output, partial(book.rival_step, names=task.names(batch)))
        loss = objective(output.prediction, output.asked, mask=output.mask)
        book.batch(loss, output, task.names(batch), partial(task.forward, model, batch))
        book.settle_batches()
        scores.update(output)
    book.settle_batches(all_of_them=True)
    book.join_processes()
    return book.fields(), dict(scores.compute())


def _facts(task: Trainable, state: TrainingState, settings: TrainingRecipe) -> dict[str, Any]:
    """What the start event says."""
    device = state.accelerator.device
    return {
        "task": task.name,
        **task.metric_facts(),
        "epochs": settings.epochs,
        "steps_per_epoch": state.steps_per_epoch,
        "train_images": len(state.train_loader.dataset),
        "val_images": len(state.val_loader.dataset),
        "parameters": state.size,
        **({} if state.rival is None else {"discriminator_parameters": state.rival.size}),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "torch": torch.__version__,
    }
