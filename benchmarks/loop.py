"""Time the training loop against a bare PyTorch loop: the same model, data and batches, an epoch of each in turn.

python benchmarks/loop.py            writes benchmarks/loop.md
python benchmarks/loop.py --quick    a few seconds, to see that it runs
"""

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import segmentation_models_pytorch as smp
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from piste.losses import CrossEntropy
from piste.objective import Objective
from piste.tasks.base import Batch
from piste.training.device import start_accelerator
from piste.training.events import EventLog
from piste.training.loop import train_epoch
from piste.training.settings import TrainingRecipe
from piste.training.state import TrainingState

TARGET, POINT = 1.05, 20.0  # times a bare loop; microseconds a logged point


class Images(Dataset[dict[str, Any]]):
    """Noise in memory, so that the loops are timed and not the disk."""

    def __init__(self, count: int, size: int) -> None:
        drawn = torch.Generator().manual_seed(0)
        self.images = torch.randn(count, 3, size, size, generator=drawn)
        self.targets = (self.images.mean(1) > 0).long()

    def set_epoch(self, epoch: int) -> None:
        """Nothing here depends on it."""

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"image": self.images[index], "target": self.targets[index], "name": str(index)}


@dataclass
class Case:
    """What is trained."""

    name: str
    make: Callable[[], nn.Module]
    size: int
    images: int

    metric_names: Sequence[str] = ()
    default_metric = "none"

    def model(self) -> nn.Module:
        """A fresh model."""
        return self.make()

    def objective(self) -> Objective:
        """Cross-entropy."""
        return Objective(CrossEntropy())

    def loader(self, split: str, *, train: bool, workers: int, batch_size: int) -> DataLoader[Any]:
        """Batches in memory."""
        data = Images(self.images, self.size)
        return DataLoader(data, batch_size, sampler=DistributedSampler(data, num_replicas=1, rank=0))

    def forward(self, model: nn.Module, batch: Any) -> Batch:
        """One forward pass."""
        target = batch["target"]
        return Batch(model(batch["image"]), target, None, torch.tensor(target.numel(), device=target.device))

    def names(self, batch: Any) -> Sequence[str]:
        """Numbers."""
        names: Sequence[str] = batch["name"]
        return names

    def scores(self) -> Any:
        """There is no validation."""
        raise NotImplementedError


class Bare:
    """The loop that everyone writes: forward, loss, backward, step, schedule, and a running mean."""

    def __init__(self, case: Case, settings: TrainingRecipe, device: torch.device, steps: int) -> None:
        torch.manual_seed(settings.seed)
        self.model = case.model().to(device)
        self.loader = case.loader("train", train=True, workers=0, batch_size=settings.batch_size)
        self.optimizer = settings.optimizer.build(self.model.parameters())
        self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, steps)
        self.loss = nn.CrossEntropyLoss()
        self.device = device
        self.epoch = 0

    def train_epoch(self) -> float:
        """One pass; returns the mean loss."""
        self.epoch += 1
        self.loader.sampler.set_epoch(self.epoch)  # type: ignore[attr-defined]
        self.model.train()
        total = 0.0
        for batch in self.loader:
            image, target = batch["image"].to(self.device), batch["target"].to(self.device)
            loss = self.loss(self.model(image), target)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.scheduler.step()
            total += loss.item()
        return total / len(self.loader)


@dataclass
class Timing:
    """Seconds a step of both loops, round by round."""

    case: str
    ours: list[float]
    bare: list[float]

    @property
    def ratio(self) -> float:
        """Ours in units of the bare one."""
        return statistics.median(self.ours) / statistics.median(self.bare)


def time_case(case: Case, rounds: int, batch_size: int, device: str) -> Timing:
    """Trains an epoch with each loop in turn, and makes sure that both did the same."""
    settings = TrainingRecipe.model_validate(
        {"epochs": rounds + 1, "batch_size": batch_size, "scheduler": "cosine", "workers": 0, "device": device}
    )
    accelerator = start_accelerator(settings)
    state = TrainingState(case, settings, accelerator)
    steps = state.steps_per_epoch
    bare = Bare(case, settings, accelerator.device, (rounds + 1) * steps)
    timing = Timing(case.name, [], [])
    with tempfile.TemporaryDirectory() as folder:
        log = EventLog(Path(folder) / "events.jsonl")

        def ours() -> float:
            fields, _ = train_epoch(case, settings, state, log)
            state.epoch += 1
            return float(fields["loss"])

        for i in range(rounds + 1):  # the first warms up
            order = [(ours, timing.ours), (bare.train_epoch, timing.bare)]
            losses = []
            for loop, seconds in order if i % 2 else reversed(order):
                began = time.perf_counter()
                losses.append(loop())
                if accelerator.device.type == "cuda":
                    torch.cuda.synchronize()
                if i > 0:
                    seconds.append((time.perf_counter() - began) / steps)
            assert abs(losses[0] - losses[1]) < 1e-3, f"the loops did not train the same: {losses}"
        log.close()
    return timing


def time_point(count: int) -> list[float]:
    """Microseconds an event of a step with two terms takes, in ten parts."""
    term = {"raw": 0.53125123, "factor": 0.5, "weighted": 0.265625615}
    found = []
    with tempfile.TemporaryDirectory() as folder:
        log = EventLog(Path(folder) / "events.jsonl")
        for _ in range(10):
            began = time.perf_counter()
            for step in range(count):
                log.write(
                    "step",
                    epoch=3,
                    step=step,
                    loss=0.53125123,
                    terms={"cross_entropy": term, "dice": term},
                    lr=0.0019,
                    phase=0,
                    phase_name="cross_entropy + dice",
                    counted=131072,
                    grad_norm=1.7320508,
                )
            found.append((time.perf_counter() - began) / count * 1e6)
        log.close()
    return found


def spread(values: Sequence[float], unit: float, digits: int) -> str:
    """Median and quartiles."""
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return f"{middle * unit:.{digits}f} ({low * unit:.{digits}f} to {high * unit:.{digits}f})"


def machine(device: str) -> str:
    """What the numbers were measured on."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        cpu = names[0] if names else cpu
    where = torch.cuda.get_device_name() if device == "cuda" else f"{cpu}, {os.cpu_count()} cores"
    return f"{where}; torch {torch.__version__}, {torch.get_num_threads()} threads; Python {platform.python_version()}"


def report(timings: Sequence[Timing], points: Sequence[float], rounds: int, device: str) -> str:
    rows = [
        f"| {timing.case} | {spread(timing.ours, 1e3, 2)} | {spread(timing.bare, 1e3, 2)} | {timing.ratio:.3f} "
        f"| {(statistics.median(timing.ours) - statistics.median(timing.bare)) * 1e6:.0f} |"
        for timing in timings
    ]
    return "\n".join(
        [
            "# The training loop against a bare PyTorch loop",
            "",
            f"{machine(device)}.",
            "",
            f"The same model, data and batches; an epoch of each loop in turn, {rounds} rounds after one to warm up.",
            "Median and quartiles of the time a step takes. The bare loop has forward, loss, backward, step,",
            "schedule and a running mean; ours also logs every step with its terms, and checks loss and gradients.",
            "",
            "| case | ours, ms | bare, ms | ratio | more, µs a step |",
            "|---|---|---|---|---|",
            *rows,
            "",
            f"Logging a point takes {spread(points, 1, 1)} µs. Targets: a ratio of at most {TARGET} for a real model,",
            f"and under {POINT:.0f} µs a point.",
            "",
            "Run again with `python benchmarks/loop.py`.",
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a few seconds, and nothing is written")
    parser.add_argument("--rounds", type=int, default=15, help="epochs of each loop that are timed")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    options = parser.parse_args()
    rounds, batches = (3, 2) if options.quick else (options.rounds, 8)
    unet = Case("U-Net, ResNet-18, 8 x 3 x 128 x 128", _unet, size=128, images=8 * batches)
    tiny = Case("one convolution, 8 x 3 x 16 x 16", lambda: nn.Conv2d(3, 2, 3, padding=1), size=16, images=80 * batches)
    timings = [time_case(case, rounds, batch_size=8, device=options.device) for case in (unet, tiny)]
    text = report(timings, time_point(200 if options.quick else 5000), rounds, options.device)
    print(text)
    if not options.quick:
        path = Path(__file__).with_suffix(".md")
        path.write_text(text)
        print(f"written to {path}")


def _unet() -> nn.Module:
    model: nn.Module = smp.Unet("resnet18", encoder_weights=None, classes=2)
    return model


if __name__ == "__main__":
    main()
