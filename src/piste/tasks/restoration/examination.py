"""The last look at a restoring model: each image before and after, the error by fineness, and the worst pictures."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from piste.metrics.percent import percent
from piste.metrics.restoration import RestorationScores
from piste.metrics.spectrum import Spectrum, error_spectrum
from piste.tasks.base import Examined, Shown
from piste.tasks.base.examined import Figure
from piste.tasks.restoration.pictures import as_picture, enlarged, error_map, where_it_matters
from piste.tasks.restoration.task import RestorationTask

WALL = 16  # images on the wall
QUALITY = ("psnr", "gain", "input_psnr", "ssim", "mae", "lpips")


@torch.no_grad()
def examine(task: RestorationTask, model: nn.Module, split: str, batches: Iterable[Any]) -> Examined:
    """Score a model on a split, image by image, and keep its worst images.

    Args:
        task: says how batches are read.
        model: is put in eval mode.
        split: its name.
        batches: its batches, on the model's device.
    """
    model.eval()
    scores = RestorationScores(task.lpips)
    samples: list[dict[str, Any]] = []
    wall: list[tuple[float, Shown]] = []
    spectra: list[tuple[Spectrum, Spectrum]] = []
    for batch in batches:
        output = task.forward(model, batch)
        restored, given, target = output.prediction.clamp(0, 1), task.given(output).clamp(0, 1), output.target
        found = scores.update(restored, given, target)
        spectra.append((error_spectrum(given, target), error_spectrum(restored, target)))
        for place, name in enumerate(task.names(batch)):
            values = {key: float(found[key][place]) for key in QUALITY if key in found}
            samples.append({"name": name, "score": values["psnr"], **values})
            if len(wall) < WALL or values["psnr"] < wall[-1][0]:
                shown = _shown(samples[-1], given[place], restored[place], target[place])
                wall = sorted([*wall, (values["psnr"], shown)], key=lambda entry: entry[0])[:WALL]
    samples.sort(key=lambda sample: sample["score"])
    means = scores.compute()
    return Examined(
        scores={"default": means},
        story=_story(means, len(samples), task.data.scale),
        figures=[_before_and_after(samples), _by_fineness(spectra)],
        wall=[shown for _, shown in wall],
        samples=samples,
    )


def _shown(sample: dict[str, Any], given: Tensor, restored: Tensor, target: Tensor) -> Shown:
    """The part of an image where most is wrong: before, after, as it should be, and both errors at one scale."""
    rows, columns = where_it_matters((restored - target).square().mean(0))
    given, restored, target = (image[:, rows, columns] for image in (given, restored, target))
    white = max(float((given - target).abs().mean(0).quantile(0.99)), 1 / 255)
    panels = {
        "input": as_picture(given),
        "restored": as_picture(restored),
        "target": as_picture(target),
        "error of the input": error_map(given, target, white),
        "error left": error_map(restored, target, white),
    }
    note = f"{sample['psnr']:.1f} dB, {sample['gain']:+.1f} dB on the input; white is an error of {percent(white)}"
    return Shown(sample["name"], sample["score"], {name: enlarged(panel) for name, panel in panels.items()}, note)


def _story(means: dict[str, float], images: int, scale: int) -> str:
    baseline = "its input" if scale == 1 else "bicubic upscaling"
    better = round(means["improved"] * images)
    verb = "raised" if means["gain"] >= 0 else "lowered"
    return (
        f"{verb} the PSNR by {abs(means['gain']):.2f} dB over {baseline}, to {means['psnr']:.2f} dB; nearer to the "
        f"target on {better} of {images} images"
    )


def _before_and_after(samples: list[dict[str, Any]]) -> Figure:
    return {
        "kind": "points",
        "title": "Before and after",
        "lede": "Each point is an image. Above the diagonal, what the model made of it is nearer to the target than "
        "the input was.",
        "x": "PSNR of the input (dB)",
        "y": "PSNR restored (dB)",
        "series": [
            {
                "name": "images",
                "x": [sample["input_psnr"] for sample in samples],
                "y": [sample["psnr"] for sample in samples],
            }
        ],
        "diagonal": True,
        "square": True,
    }


def _by_fineness(spectra: list[tuple[Spectrum, Spectrum]]) -> Figure:
    series: list[dict[str, Any]] = []
    for name, parts in zip(("input", "restored"), zip(*spectra, strict=True), strict=True):
        total = Spectrum(sum(part.error for part in parts), sum(part.signal for part in parts))
        series.append(
            {"name": name, "x": list(total.wrong()), "y": list(total.wrong().values()), "dashed": name == "input"}
        )
    return {
        "kind": "lines",
        "title": "What is wrong at which fineness",
        "lede": "The power of the error as a share of the target's, by spatial frequency: 0 where all is right, 1 "
        "where a detail is missing, more where noise is. Coarse structure is at the left, single pixels at the right.",
        "x": "cycles a pixel",
        "y": "error / target",
        "series": series,
        "y_range": [0.0, min(2.0, max(max(line["y"]) for line in series) * 1.05)],
    }
