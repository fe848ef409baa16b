"""The last look at a generator: what it makes beside real samples, and the samples that are farthest from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from piste.data.generation.images import GenerationImages
from piste.metrics.generation.frechet import frechet_distance
from piste.metrics.generation.manifold import nearest
from piste.metrics.generation.modes import judge_modes
from piste.metrics.percent import percent
from piste.tasks.base import Examined, Shown
from piste.tasks.base.examined import Figure
from piste.tasks.generation.pictures import as_pixels, enlarged

if TYPE_CHECKING:
    from piste.tasks.generation.task import GenerationTask

WALL = 24  # generated images on the wall
COMPARED = 10_000  # training images among which the nearest is looked for
ZOOM = 5  # half of what is shown around a mode, in deviations


@torch.no_grad()
def examine_images(task: GenerationTask, model: nn.Module, batches: Iterable[Any]) -> Examined:
    """Scores, what the judge takes the images for, and the oddest images beside the training images nearest to them."""
    assert isinstance(task.data, GenerationImages)
    model.eval()
    scores, made = task.scores(), []
    for batch in batches:
        output = task.forward(model, batch)
        scores.update(output)
        made.append(output.prediction)
    images = torch.cat(made)
    kept = scores.scores.kept.everything()
    real, fake, train = kept["real"], kept["fake"], _training_features(task, images.device)
    distance, index = nearest(fake, train)
    order = distance.argsort(descending=True).tolist()
    found = scores.compute()
    floor = float(frechet_distance(real, train[: len(real)])) if len(train) >= len(real) else None
    kinds = task.judge.judge.cpu().classify(fake).argmax(1).tolist()
    names = task.data.class_names if task.data.labels is not None else ()
    samples = [
        {"name": f"sample {i}", "score": distance[i].item()} | ({"class": names[kinds[i]]} if names else {})
        for i in order
    ]
    return Examined(
        scores={"default": found},
        story=_told(found, floor),
        figures=[_classes(task, kinds, real)] if names else [],
        wall=[_beside_nearest(task, images[i], samples[place], int(index[i])) for place, i in enumerate(order[:WALL])],
        samples=samples,
        further={} if floor is None else {"frechet_distance_of_training_images": floor},
    )


def _training_features(task: GenerationTask, device: torch.device) -> Tensor:
    """Features of the training images, the first ones where there are many."""
    loader = task.loader("train", train=False, workers=0, batch_size=256)
    parts = [task.features(batch["real"].to(device)).cpu() for batch in islice(loader, -(-COMPARED // 256))]
    return torch.cat(parts)


def _told(found: Mapping[str, float], floor: float | None) -> str:
    beside = "" if floor is None else f" (real ones: {floor:.2f})"
    return (
        f"made images of which {percent(found['sample_precision'])} lie among real ones, and reached "
        f"{percent(found['sample_recall'])} of those; Fréchet distance {found['frechet_distance']:.2f}{beside}"
    )


def _classes(task: GenerationTask, kinds: list[int], real: Tensor) -> Figure:
    """How often the judge sees each class in generated and in real images."""
    assert isinstance(task.data, GenerationImages)
    names = task.data.class_names
    seen = task.judge.judge.classify(real).argmax(1).bincount(minlength=len(names)) / len(real)
    made = torch.tensor(kinds).bincount(minlength=len(names)) / len(kinds)
    return {
        "kind": "bars",
        "title": "What is made",
        "lede": "Share of each class as the judge sees it: a class that is rare among generated images and not among"
        " real ones was dropped.",
        "names": list(names),
        "series": [{"name": "real", "values": seen.tolist()}, {"name": "generated", "values": made.tolist()}],
        "unit": "share",
    }


def _beside_nearest(task: GenerationTask, image: Tensor, sample: dict[str, Any], index: int) -> Shown:
    """A generated image beside the training image that is nearest to it in the judge's features."""
    real = task.reals("train", train=False).real(index)
    return Shown(
        name=sample["name"],
        score=sample["score"],
        panels={
            "generated": enlarged(as_pixels(image[None])[0]),
            "nearest training image": enlarged(as_pixels(real[None])[0]),
        },
        note=f"{sample['score']:.2f} from the nearest training image"
        + (f"; looks like {sample['class']}" if "class" in sample else ""),
    )


@torch.no_grad()
def examine_points(task: GenerationTask, model: nn.Module, batches: Iterable[Any]) -> Examined:
    """Scores, the ring, and each mode by itself, the one with the fewest points first."""
    assert task.modes is not None
    model.eval()
    centres, deviation = task.modes
    scores, made, truth = task.scores(), [], []
    for batch in batches:
        output = task.forward(model, batch)
        scores.update(output)
        made.append(output.prediction.cpu())
        truth.append(output.target.cpu())
    points, real = torch.cat(made), torch.cat(truth)
    found, modes = scores.compute(), judge_modes(points, centres, deviation)
    expected = len(points) / len(centres)
    counts = modes.counts.tolist()
    order = sorted(range(len(centres)), key=lambda mode: counts[mode])
    ring = Shown(
        "the ring",
        found["high_quality"],
        {"generated over real": task.plane(points)},
        note=f"{percent(found['high_quality'])} of the points lie within three deviations of a mode",
    )
    covered = round(found["modes_covered"] * len(centres))
    return Examined(
        scores={"default": found},
        story=f"reached {covered} of {len(centres)} modes; {percent(found['high_quality'])} of its points lie in one",
        figures=[_plane(points, real), _per_mode(counts, real, centres, deviation)],
        wall=[ring, *(_zoomed(task, points, mode, counts[mode], expected) for mode in order)],
        samples=[{"name": f"mode {mode}", "score": counts[mode] / expected, "points": counts[mode]} for mode in order],
    )


def _plane(points: Tensor, real: Tensor) -> Figure:
    series = [("real", real), ("generated", points)]
    return {
        "kind": "points",
        "title": "In the plane",
        "lede": "Points that the model made, over real ones.",
        "x": "x",
        "y": "y",
        "series": [{"name": name, "x": each[:, 0].tolist(), "y": each[:, 1].tolist()} for name, each in series],
        "square": True,
    }


def _per_mode(counts: list[int], real: Tensor, centres: Tensor, deviation: float) -> Figure:
    return {
        "kind": "bars",
        "title": "Points of each mode",
        "lede": "Points within three deviations of each mode's centre; those of a mode that was dropped are few.",
        "names": [f"mode {mode}" for mode in range(len(centres))],
        "series": [
            {"name": "real", "values": judge_modes(real, centres, deviation).counts.tolist()},
            {"name": "generated", "values": counts},
        ],
        "unit": "count",
    }


def _zoomed(task: GenerationTask, points: Tensor, mode: int, count: int, expected: float) -> Shown:
    assert task.modes is not None
    centres, deviation = task.modes
    x, y = centres[mode].tolist()
    picture = task.plane(points, (x, y, ZOOM * deviation))
    return Shown(
        f"mode {mode}",
        count / expected,
        {"generated over real": picture},
        note=f"{count} points where an even deal gives {expected:.0f}",
    )
