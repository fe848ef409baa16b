"""Trains in a process of its own that kills itself, as `kill -9` does, at a chosen moment."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch

from piste.losses import CrossEntropy, Dice
from piste.objective import Cycle, Phase, Ramp, Watch
from piste.training.loop import train
from piste.training.settings import TrainingRecipe
from tests.training.tiny import IGNORE, TinyTask, recipe

torch.set_num_threads(1)

PROCESSES = multiprocessing.get_context("forkserver")
# imported once for all of them: what follows is what torch's optimizers and Accelerate import when first used
PROCESSES.set_forkserver_preload([__name__, "torch._dynamo", "torch.distributed.tensor"])


class Moment(NamedTuple):
    """The `count`-th call of something, from 1 on, and whether the process dies before, after or amid it."""

    call: str  # "write" an event, "replace" a file, "save" a checkpoint
    count: int
    when: str


def everything() -> tuple[TinyTask, TrainingRecipe]:
    """A training in which all that has a state takes part."""
    entropy, dice = CrossEntropy(ignore_index=IGNORE), Dice(ignore_index=IGNORE)
    objective = Cycle(
        Phase(entropy + Ramp(0.1, 1.0, epochs=2) * dice, until="recall >= 0 for 2 epochs"),
        Phase(dice + Watch(entropy), epochs=1, lr=0.5, reset_optimizer=True),
        times=2,
    )
    settings = recipe(
        epochs=5,
        batch_size=2,
        accumulate=2,
        optimizer={"adamw": {"lr": 0.02}},
        scheduler={"cosine": {"warmup": 0.5}},
        ema=0.9,
        clip=0.5,
        best="recall",
        early_stopping={"metric": "loss", "patience": 4},
    )
    return TinyTask(objective), settings


def train_until(folder: Path, moment: Moment, resume: bool = False) -> bool:
    """Trains in another process; says whether it killed itself, or ended before the moment came."""
    process = PROCESSES.Process(target=_train, args=(folder, moment, resume))
    process.start()
    process.join()
    ended = process.exitcode
    process.close()
    assert ended in (0, -signal.SIGKILL)
    return ended != 0


def _train(folder: Path, moment: Moment, resume: bool) -> None:
    write = os.write
    if moment.call == "write":
        os.write = _dying(write, moment, lambda file, line: write(file, line[: len(line) // 2]))
    elif moment.call == "replace":
        os.replace = _dying(os.replace, moment, lambda *_: None)
    else:
        torch.save = _dying(torch.save, moment, lambda state, file: (file.write(bytes(999)), file.flush()))
    train(*everything(), folder, resume=resume)


def _dying(call: Callable[..., Any], moment: Moment, half: Callable[..., Any]) -> Any:
    calls = 0

    def dying(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == moment.count:
            if moment.when == "amid":
                half(*args, **kwargs)
            elif moment.when == "after":
                call(*args, **kwargs)
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*args, **kwargs)

    return dying
