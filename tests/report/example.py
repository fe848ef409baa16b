"""A run folder as training leaves it, without any training.

The "model" blurs and shifts the truth, adds what looks dark in the image, and gets better from epoch to epoch. All
numbers in the folder are computed from its probabilities: losses by torch, scores by piste.metrics.
"""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import yaml
from PIL import Image
from scipy import ndimage
from torch import Tensor

import piste
from piste.metrics import ObjectScores, PixelScores, image_scores, label_map, worst_first

LAKES = Path(piste.__file__).parent / "data" / "lakes"
CLASSES = ["background", "lake"]


@dataclass(frozen=True)
class Stage:
    """A phase: its loss, how long it lasts, and the learning rate while it does."""

    loss: str
    epochs: int
    lr: float = 1.0


CYCLE = (Stage("cross_entropy", 4), Stage("jaccard", 2, 0.1), Stage("cross_entropy", 2), Stage("jaccard", 4, 0.1))
PLAIN = (Stage("cross_entropy", 12),)


def read_split(split: str, count: int) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names, images uint8 [N, H, W, 3] and masks uint8 [N, H, W] of one split of the lakes."""
    with open(LAKES / "split.csv", encoding="utf-8") as file:
        names = [row["name"] for row in csv.DictReader(file) if row["split"] == split]
    names = names[:: max(len(names) // count, 1)][:count]
    images = np.stack([np.asarray(Image.open(LAKES / "images" / f"{name}.jpg").convert("RGB")) for name in names])
    masks = np.stack([np.asarray(Image.open(LAKES / "masks" / f"{name}.png")) > 127 for name in names])
    return names, images, masks.astype(np.uint8)


def guessed_logits(images: np.ndarray, masks: np.ndarray, skill: float, bias: float, seed: int) -> Tensor:
    """Logits [N, 2, H, W] of a model with some skill in [0, 1]; a higher bias says lake more often."""
    rng = np.random.default_rng(seed)
    out = []
    for image, mask in zip(images, masks, strict=True):
        shift = rng.integers(-2, 3, size=2)
        seen = ndimage.gaussian_filter(np.roll(mask, shift, (0, 1)).astype(float), 1.2)
        # small lakes are seen badly
        seen *= 0.35 + 0.65 * (ndimage.gaussian_filter(mask.astype(float), 3) > 0.15)
        dark = ndimage.gaussian_filter(1 - image.mean(-1) / 255, 1.5)
        texture = ndimage.gaussian_filter(rng.normal(size=mask.shape), 2) * 4
        out.append(skill * 9 * seen + 2.5 * (dark - dark.mean()) + (1.3 - skill) * texture + bias)
    lake = torch.from_numpy(np.stack(out)).float()
    return torch.stack([torch.zeros_like(lake), lake], dim=1)


def loss_of(name: str, logits: Tensor, target: Tensor, weight: Tensor) -> float:
    if name == "cross_entropy":
        return F.cross_entropy(logits, target, weight=weight).item()
    probs = logits.softmax(1)[:, 1]
    shared = (probs * (target == 1)).sum()
    return (1 - shared / (probs.sum() + (target == 1).sum() - shared)).item()


def make_run(
    folder: Path,
    *,
    stages: Sequence[Stage] = CYCLE,
    weight: tuple[float, float] | None = (0.51, 25.3),
    images: int = 12,
    steps_per_epoch: int = 4,
    seed: int = 0,
    until: int | None = None,
    ending: str | None = "finished",
) -> Path:
    """Write a run folder.

    Args:
        folder: where; made.
        stages: the phases of the objective.
        weight: class weights of the cross-entropy.
        images: how many validation and how many test images.
        steps_per_epoch: training steps in an epoch.
        seed: of the guesses.
        until: the epoch after which the run stops short.
        ending: `finished`, `failed`, or None for a run that is killed.
    """
    folder.mkdir(parents=True)
    planned = sum(stage.epochs for stage in stages)
    document = {
        "task": "segmentation",
        "data": {"path": "lakes"},
        "model": {"name": "unet", "encoder": "resnet18", "activation": "softmax"},
        "loss": _loss_section(stages, weight),
        "optimizer": {"adamw": {"lr": 0.002, "weight_decay": 0.01}},
        "scheduler": {"cosine": {"warmup": 0}},
        "epochs": planned,
        "seed": seed,
    }
    (folder / "recipe.yaml").write_text(yaml.safe_dump(document, sort_keys=False, default_flow_style=None, width=80))
    splits = {split: read_split(split, images) for split in ("train", "val", "test")}
    price = torch.tensor(weight or (1.0, 1.0))

    def guess(split: str, epoch: float, loss: str) -> tuple[Tensor, Tensor]:
        _, photos, masks = splits[split]
        skill = 0.15 + 0.75 * (1 - np.exp(-4 * epoch / planned))
        bias = {"jaccard": -3.4}.get(loss, -2.0 if weight else -4.6)
        logits = guessed_logits(photos, masks, skill, bias, seed + sum(map(ord, split)))
        return logits, torch.from_numpy(masks).long()

    events: list[dict] = []

    def write(kind: str, **fields: object) -> None:
        events.append({"n": len(events), "kind": kind, "time": 1.79e9 + 3.0 * len(events), **fields})

    write(
        "start",
        epochs=planned,
        steps_per_epoch=steps_per_epoch,
        train_images=138,
        val_images=images,
        parameters=14_328_354,
        device="cpu",
        torch=torch.__version__,
    )
    epoch, step, best = 0, 0, -1.0
    for index, stage in enumerate(stages):
        for _ in range(stage.epochs):
            epoch += 1
            if until is not None and epoch > until:
                break
            common = {"phase": index, "phase_name": stage.loss}
            seen = []
            for i in range(steps_per_epoch):
                step += 1
                logits, target = guess("train", epoch - 1 + i / steps_per_epoch, stage.loss)
                batch = torch.randperm(len(target), generator=torch.Generator().manual_seed(step))[: len(target) // 2]
                value = loss_of(stage.loss, logits[batch], target[batch], price)
                seen.append(value)
                lr = 0.002 * stage.lr * 0.5 * (1 + np.cos(np.pi * step / (planned * steps_per_epoch)))
                term = {stage.loss: {"raw": value, "factor": 1.0, "weighted": value}}
                write(
                    "step",
                    epoch=epoch,
                    step=step,
                    loss=value,
                    terms=term,
                    lr=lr,
                    counted=target[batch].numel(),
                    grad_norm=1.0,
                    **common,
                )
            logits, target = guess("val", epoch, stage.loss)
            pixels, objects = scored(logits, target)
            metrics = pixels.compute() | objects.compute()
            value = loss_of(stage.loss, logits, target, price)
            write(
                "epoch",
                epoch=epoch,
                step=step,
                train={"loss": float(np.mean(seen)), "terms": _term(stage.loss, float(np.mean(seen)))},
                val={"loss": value, "terms": _term(stage.loss, value), "metrics": _null(metrics)},
                lr=lr,
                seconds=4.7,
                **common,
            )
            if metrics["iou"] > best:
                best = metrics["iou"]
                write("best", epoch=epoch, metric="iou", value=best)
                kept = (logits, target, epoch, stage.loss)
        if index + 1 < len(stages) and (until is None or epoch <= until):
            after = stages[index + 1]
            reason = (
                f"recall {metrics['recall']:.3f} >= 0.6"
                if stage.loss == "cross_entropy"
                else f"after {stage.epochs} epochs"
            )
            write(
                "phase",
                epoch=epoch,
                step=step,
                **{"from": stage.loss, "to": after.loss},
                index=index + 1,
                reason=reason,
                lr_scale=after.lr,
            )
    if ending == "failed":
        events.append(
            {
                "n": None,
                "kind": "failure",
                "time": 1.79e9,
                "text": "the loss term jaccard is not finite in step 9 (n04e034, n08e012)",
            }
        )
    elif ending is not None:
        write("end", epoch=epoch, step=step, seconds=4.7 * epoch, status=ending)
    (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    if ending == "finished":
        _write_artefacts(folder, splits, guess, kept, epoch, step, weight, best)
    return folder


def scored(logits: Tensor, target: Tensor) -> tuple[PixelScores, ObjectScores]:
    pixels, objects = PixelScores(CLASSES, 0), ObjectScores(CLASSES, 0)
    pixels.update(logits.softmax(1), target)
    objects.update(label_map(logits.softmax(1), activation="softmax", background=0), target)
    return pixels, objects


def _write_artefacts(folder, splits, guess, kept, epochs, steps, weight, best) -> None:
    _, _, best_epoch, loss = kept
    pixels, objects, targets, probs = {}, {}, {}, {}
    for split in ("val", "test"):
        logits, targets[split] = guess(split, best_epoch, loss)
        probs[split] = logits.softmax(1)
        pixels[split], objects[split] = scored(logits, targets[split])
    thresholds = pixels["val"].best_threshold()
    summary = {
        "name": folder.name,
        "status": "finished",
        "task": "segmentation",
        "seconds": 4.7 * epochs,
        "epochs": epochs,
        "steps": steps,
        "parameters": 14_328_354,
        "best": {"epoch": best_epoch, "metric": "iou", "value": best},
        "classes": CLASSES,
        "background": 0,
        "counts": {"pixels": [1_246_420, 25_388], "images": [138, 106]},
        "weights": {"cross_entropy": list(weight)} if weight else {},
        "thresholds": {"default": 0.5, "best": thresholds},
    }
    evaluation = {}
    for split in ("val", "test"):
        chosen = label_map(probs[split], activation="softmax", background=0, thresholds=[thresholds["lake"]])
        at_best = ObjectScores(CLASSES, 0)
        at_best.update(chosen, targets[split])
        summary[split] = {
            "default": _null(pixels[split].compute() | objects[split].compute()),
            "best_threshold": _null(pixels[split].at(thresholds) | at_best.compute()),
        }
        said = label_map(probs[split], activation="softmax", background=0)
        singles = image_scores(said, targets[split], classes=2, background=0)
        evaluation[split] = {
            "confusion": pixels[split].confusion(),
            "curves": {name: curve._asdict() for name, curve in pixels[split].curves().items()},
            "objects": {
                "default": {name: counts._asdict() for name, counts in objects[split].counts().items()},
                "best_threshold": {name: counts._asdict() for name, counts in at_best.counts().items()},
            },
            "images": [
                {"name": name, "score": None if np.isnan(single.iou) else single.iou}
                for name, single in zip(splits[split][0], singles, strict=True)
            ],
        }
    (folder / "summary.json").write_text(json.dumps(summary))
    (folder / "evaluation.json").write_text(json.dumps(evaluation))
    names, photos, masks = splits["val"]
    said = label_map(probs["val"], activation="softmax", background=0)
    singles = image_scores(said, targets["val"], classes=2, background=0)
    arrays = {}
    order = worst_first(singles)
    for place, i in enumerate(order):
        arrays[f"image_{place}"] = photos[i]
        arrays[f"truth_{place}"] = masks[i]
        arrays[f"predicted_{place}"] = said[i].numpy().astype(np.uint8)
        arrays[f"prob_{place}"] = (probs["val"][i, 1].numpy() * 255).astype(np.uint8)
    arrays["names"] = np.array([names[i] for i in order])
    arrays["scores"] = np.array([singles[i].iou for i in order], dtype=np.float32)
    np.savez_compressed(folder / "wall.npz", **arrays)
    np.savez_compressed(folder / "augmented.npz", **_augmented(*splits["train"]))


def _augmented(names, photos, masks) -> dict[str, np.ndarray]:
    arrays = {"names": np.array(names[:4])}
    for i in range(min(4, len(names))):
        arrays[f"original_{i}"], arrays[f"original_mask_{i}"] = photos[i], masks[i]
        for j in range(4):
            arrays[f"augmented_{i}_{j}"] = np.rot90(photos[i], j + 1).copy()
            arrays[f"augmented_mask_{i}_{j}"] = np.rot90(masks[i], j + 1).copy()
    return arrays


def _loss_section(stages, weight) -> object:
    def one(stage):
        keywords = {"weight": list(weight) if weight and stage.loss == "cross_entropy" else None}
        return {stage.loss: keywords if stage.loss == "cross_entropy" else {"per_image": False}}

    if len(stages) == 1:
        return one(stages[0])
    return {"phases": [{"loss": one(stage), "epochs": stage.epochs, "lr": stage.lr} for stage in stages]}


def _term(name: str, value: float) -> dict:
    return {name: {"raw": value, "weighted": value}}


def _null(metrics: dict[str, float]) -> dict[str, float | None]:
    return {name: None if np.isnan(value) else value for name, value in metrics.items()}
