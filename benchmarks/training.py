"""Time the loss's share of a training step, and the stages that bring the data to it.

python -m benchmarks.training            writes benchmarks/training.md
python -m benchmarks.training --quick    a few seconds, to see that it runs; writes nothing
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import segmentation_models_pytorch as smp
import torch
from benchmarks.loop import machine, spread
from torch import Tensor, nn

from piste.data.segmentation import reader_of
from piste.losses import CrossEntropy, Dice, Focal, Lovasz
from piste.tasks.segmentation import SegmentationTask
from piste.training.recipe import load_recipe

Loss = Callable[[Tensor, Tensor], Tensor]
PARTS = ("model", "loss", "backward", "optimizer")
AUGMENTED = "data.augment=[horizontal_flip, vertical_flip, rotate90, colour_jitter]"
"""What people do to such images, beside the recipe, which does nothing."""


@dataclass
class Step:
    """Seconds of the parts of a training step, round by round.

    Args:
        name: Of the objective.
        images: In a batch.
        parts: The model's forward pass; the loss with the gradient at the logits; the model's backward pass; the
            optimizer.
    """

    name: str
    images: int
    parts: dict[str, list[float]] = field(default_factory=lambda: {part: [] for part in PARTS})

    @property
    def seconds(self) -> list[float]:
        """Of whole steps."""
        return [sum(parts) for parts in zip(*self.parts.values(), strict=True)]

    @property
    def share(self) -> list[float]:
        """The loss's share of each step."""
        return [loss / whole for loss, whole in zip(self.parts["loss"], self.seconds, strict=True)]


def objectives(**keywords: Any) -> dict[str, Loss]:
    """The losses whose share is measured, beside torch's own."""
    ignored = keywords.get("ignore_index", -100)
    return {
        "torch cross_entropy": nn.CrossEntropyLoss(ignore_index=ignored),
        "cross_entropy": CrossEntropy(**keywords),
        "focal": Focal(**keywords),
        "dice + cross_entropy": Dice(**keywords) + CrossEntropy(**keywords),
        "lovasz": Lovasz(**keywords),
    }


def time_steps(
    model: nn.Module, batches: Sequence[tuple[Tensor, Tensor]], losses: dict[str, Loss], rounds: int
) -> list[Step]:
    """Steps with each loss in turn; two rounds warm up."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    model.train()
    steps = [Step(name, len(batches[0][0])) for name in losses]
    for i in range(rounds + 2):
        images, target = batches[i % len(batches)]
        for step, loss in zip(steps, losses.values(), strict=True):
            marks = [time.perf_counter()]
            logits = model(images)
            marks.append(time.perf_counter())
            leaf = logits.detach().requires_grad_()
            (slope,) = torch.autograd.grad(loss(leaf, target), leaf)
            marks.append(time.perf_counter())
            logits.backward(slope)
            marks.append(time.perf_counter())
            optimizer.step()
            optimizer.zero_grad()
            marks.append(time.perf_counter())
            if i >= 2:
                for part, began, ended in zip(PARTS, marks, marks[1:], strict=False):
                    step.parts[part].append(ended - began)
    return steps


def rates(task: SegmentationTask, batch_size: int, epochs: int) -> dict[str, list[float]]:
    """Images a second of each stage, epoch by epoch."""
    data = task.data.dataset("train", train=True)
    reader, samples = reader_of(task.data.recipe), task.data.splits["train"]
    items = [data[i] for i in range(batch_size)]
    collate = task.data.collate(task.multiple)
    stages: dict[str, Callable[[], int]] = {
        "read and decode from disk": lambda: len([reader.read(sample) for sample in samples]),
        "look up in memory": lambda: len([data.store[i] for i in range(len(data))]),
        "augment, from memory": lambda: len([data.pixels(i) for i in range(len(data))]),
        "augment and normalise, from memory": lambda: len([data[i] for i in range(len(data))]),
        "collate": lambda: len([collate(items) for _ in range(len(data) // batch_size)]) * batch_size,
    }
    for workers in (0, 1, 2):
        loader = task.loader("train", train=True, workers=workers, batch_size=batch_size)
        stages[f"loader with {workers} {'worker' if workers == 1 else 'workers'}"] = lambda loader=loader: sum(
            len(batch["image"]) for batch in loader
        )
    found: dict[str, list[float]] = {}
    for name, stage in stages.items():
        stage()  # starts workers, and fills the system's cache of files
        for _ in range(epochs):
            began = time.perf_counter()
            count = stage()
            found.setdefault(name, []).append(count / (time.perf_counter() - began))
    return found


def waiting(task: SegmentationTask, batch_size: int, workers: int, most: int) -> tuple[float, float]:
    """Images a second of an epoch in which the model trains, and the share of it spent waiting for batches."""
    model, loss = task.model().train(), CrossEntropy(ignore_index=255)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    loader = task.loader("train", train=True, workers=workers, batch_size=batch_size)
    for _ in islice(loader, 1):  # starts the workers
        pass
    waited, images = 0.0, 0
    began = before = time.perf_counter()
    for batch in islice(loader, most):
        waited += time.perf_counter() - before
        optimizer.zero_grad()
        loss(model(batch["image"]), batch["target"]).backward()
        optimizer.step()
        images += len(batch["image"])
        before = time.perf_counter()
    whole = time.perf_counter() - began
    return images / whole, waited / whole


def of_lakes(task: SegmentationTask, batch_size: int, count: int) -> list[tuple[Tensor, Tensor]]:
    """The first batches of the recipe."""
    loader = task.loader("train", train=True, workers=0, batch_size=batch_size)
    return [(batch["image"], batch["target"]) for batch in islice(loader, count)]


def of_noise(size: int, count: int) -> list[tuple[Tensor, Tensor]]:
    """Batches of 19 classes."""
    dice = torch.Generator().manual_seed(0)
    shape = (2, size, size)
    return [
        (torch.randn(2, 3, size, size, generator=dice), torch.randint(19, shape, generator=dice)) for _ in range(count)
    ]


def table_of_steps(title: str, steps: Sequence[Step]) -> Iterator[str]:
    yield from (f"## {title}", "", "| objective | step, ms | model | loss | backward | optimizer | loss's share |")
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for step in steps:
        parts = [f"{median(step.parts[part]) * 1e3:.1f}" for part in PARTS]
        yield f"| {step.name} | {spread(step.seconds, 1e3, 1)} | {' | '.join(parts)} | {spread(step.share, 100, 1)} % |"
    yield ""


def table_of_rates(
    title: str, found: dict[str, list[float]], step: float, waits: dict[int, tuple[float, float]]
) -> Iterator[str]:
    yield from (f"## {title}", "", "| stage | images a second | of the training step's |", "|---|---:|---:|")
    for stage, values in found.items():
        yield f"| {stage} | {spread(values, 1, 0)} | {median(values) / step:.1f} |"
    yield f"| training step, cross_entropy | {step:.1f} | 1.0 |"
    yield ""
    for workers, (rate, share) in waits.items():
        yield f"An epoch with {workers} workers trains {rate:.1f} images a second and waits {share:.1%} of the time."
        yield ""
    fast, share = median(found["loader with 2 workers"]), waits[2][1]
    verdict = "is not" if fast > step and share < 0.05 else "**is**"
    yield f"With two workers loading {verdict} the bottleneck: it gives {fast / step:.1f} times what training takes."
    yield ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few seconds, and nothing is written")
    parser.add_argument("--rounds", type=int, default=11)
    options = parser.parse_args()
    rounds, epochs, size = (2, 2, 128) if options.quick else (options.rounds, 5, 512)
    recipe = load_recipe("lakes")
    lakes, batch_size = recipe.open(), recipe.batch_size
    lines = [
        "# The loss in a training step, and the data on its way to it",
        "",
        f"{machine('cpu')}.",
        "",
        f"Medians of {rounds} steps, with quartiles; all objectives in turns with one model, after two rounds to",
        "warm up. The loss is its forward pass and the gradient at the logits; backward is that of the model.",
        "",
    ]
    batches = of_lakes(lakes, batch_size, 4)
    steps = time_steps(lakes.model(), batches, objectives(ignore_index=255), rounds)
    shape = " x ".join(map(str, batches[0][0].shape))
    lines += table_of_steps(f"The lakes recipe: U-Net, ResNet-18, {shape}", steps)
    large = time_steps(smp.Unet("resnet18", encoder_weights=None, classes=19), of_noise(size, 4), objectives(), rounds)
    lines += table_of_steps(f"19 classes: U-Net, ResNet-18, 2 x 3 x {size} x {size}", large)
    rate = batch_size / median(steps[1].seconds)
    augmented = load_recipe("lakes", [AUGMENTED]).open()
    for title, task in (("The lakes recipe's data", lakes), ("The same, augmented", augmented)):
        waits = {workers: waiting(task, batch_size, workers, 10 if options.quick else 10**6) for workers in (0, 2)}
        lines += table_of_rates(title, rates(task, batch_size, epochs), rate, waits)
    lines += [f"Augmented is `{AUGMENTED}`.", "", "Run again with `python -m benchmarks.training`.", ""]
    text = "\n".join(lines)
    print(text)
    if not options.quick:
        Path(__file__).with_suffix(".md").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
