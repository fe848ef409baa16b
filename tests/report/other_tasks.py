"""Run folders of tasks that draw their own pictures, as training leaves them, without any training of ours.

The digits are classified by scikit-learn, epoch by epoch; the photographs are sharpened by adding more and more of what
a blur takes away. All numbers are computed from what these say.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import yaml
from PIL import Image
from scipy import ndimage
from sklearn.calibration import calibration_curve
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import confusion_matrix, f1_score, precision_score, recall_score

from tests.report.example import read_split

NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
DIGIT_METRICS = {
    "accuracy": {"label": "Accuracy", "smaller_is_better": False, "share": True},
    "precision": {"label": "Precision", "smaller_is_better": False, "share": True},
    "recall": {"label": "Recall", "smaller_is_better": False, "share": True},
    "f1": {"label": "F1", "smaller_is_better": False, "share": True},
    "error": {"label": "Error rate", "smaller_is_better": True, "share": True},
}
SHARPEN_METRICS = {
    "psnr": {"label": "PSNR (dB)", "smaller_is_better": False, "share": False},
    "structure": {"label": "Structure", "smaller_is_better": False, "share": True},
    "off": {"label": "Mean error (grey levels)", "smaller_is_better": True, "share": False},
}


def make_digits(folder: Path, *, epochs: int = 6, seed: int = 0, ending: str | None = "finished") -> Path:
    """A run of classification: ten classes, small pictures, two splits, augmented samples."""
    images, labels = load_digits(return_X_y=True)
    splits = {"train": slice(0, 800), "val": slice(800, 1000), "test": slice(1000, 1300)}
    model = SGDClassifier(loss="log_loss", random_state=seed, alpha=0.01)
    events = _Events("classification", ["accuracy", "f1", "precision", "recall", "error"], DIGIT_METRICS, epochs, 200)
    for epoch in range(1, epochs + 1):
        model.partial_fit(images[splits["train"]][: 60 * epoch], labels[: 60 * epoch], classes=range(10))
        probs = model.predict_proba(images[splits["val"]])
        loss = float(-np.log(probs[np.arange(len(probs)), labels[splits["val"]]] + 1e-9).mean())
        events.epoch(epoch, loss, _digit_scores(labels[splits["val"]], probs), best="accuracy")
    events.write(folder, ending)
    if ending != "finished":
        return folder
    scores, evaluation, story, wall = {}, {}, {}, []
    for split in ("val", "test"):
        truth, probs = labels[splits[split]], model.predict_proba(images[splits[split]])
        said = probs.argmax(1)
        right = (said == truth).mean()
        scores[split] = {"default": _digit_scores(truth, probs)}
        story[split] = f"named {100 * right:.0f} % of the images right"
        confidence, hit = probs.max(1), said == truth
        share, mean = calibration_curve(hit, confidence, n_bins=8)
        order = np.argsort(probs[np.arange(len(probs)), truth])
        evaluation[split] = {
            "figures": [
                {"kind": "confusion", "title": "What is taken for what", "lede": "A row is a true class.",
                 "names": NAMES, "counts": confusion_matrix(truth, said, labels=range(10)).tolist()},
                {"kind": "lines", "title": "How sure, how right", "lede": "", "x": "confidence", "y": "share right",
                 "series": [{"name": "bins", "x": mean.tolist(), "y": share.tolist()}],
                 "diagonal": True, "x_range": [0, 1], "y_range": [0, 1]},
                {"kind": "bars", "title": "Class by class", "lede": "How many of each class are found.", "names": NAMES,
                 "series": [{"name": "recall", "values": recall_score(truth, said, average=None).tolist()}],
                 "unit": "share"},
            ],
            "samples": [{"name": f"digit{i:04}", "score": float(probs[i, truth[i]])} for i in order],
        }  # fmt: skip
        if split == "val":
            grey = images[splits[split]].reshape(-1, 8, 8)
            for i in order[:60]:
                picture = np.repeat((255 - grey[i] / 16 * 255).astype(np.uint8)[..., None], 3, axis=2)
                note = f"{NAMES[truth[i]]}, named {NAMES[said[i]]} ({100 * confidence[i]:.0f} %)"
                wall.append((f"digit{i:04}", note, float(probs[i, truth[i]]), [picture]))
    counts = np.bincount(labels[splits["train"]], minlength=10).tolist()
    own = {"classes": NAMES, "background": None, "counts": {"images": counts}, "story": story, **scores}
    events.summarise(folder, own, evaluation)
    save_strips(folder / "wall.npz", ["image"], wall)
    grey = (255 - images[:4].reshape(-1, 8, 8) / 16 * 255).astype(np.uint8)
    turned = [[np.repeat(np.roll(each, k, 1)[..., None], 3, axis=2) for k in range(4)] for each in grey]
    headings = ["original", "augmented 1", "augmented 2", "augmented 3"]
    save_strips(
        folder / "augmented.npz", headings, [(f"digit{i:04}", "", np.nan, panels) for i, panels in enumerate(turned)]
    )
    return folder


def make_sharpened(folder: Path, *, epochs: int = 15, strength: float = 0.12) -> Path:
    """A run of restoration: metrics that are no shares, panels, a picture an epoch, no test, another way of asking."""
    names, photos, _ = read_split("val", 8)
    truth = photos.astype(float)
    blurred = np.stack([ndimage.gaussian_filter(photo, (1.5, 1.5, 0)) for photo in truth])
    detail = blurred - np.stack([ndimage.gaussian_filter(photo, (1.5, 1.5, 0)) for photo in blurred])
    events = _Events("restoration", ["psnr", "structure", "off"], SHARPEN_METRICS, epochs, 8)
    (folder / "snapshots").mkdir(parents=True)
    for epoch in range(1, epochs + 1):
        restored = np.clip(blurred + strength * epoch * detail, 0, 255)
        scores = _sharp_scores(restored, truth)
        events.epoch(epoch, scores["off"] / 255, scores, best="psnr")
        Image.fromarray(restored[0].astype(np.uint8)).save(folder / "snapshots" / f"{epoch:04}.png")
    events.write(folder, "finished")
    singles = [_sharp_scores(r, t)["psnr"] for r, t in zip(restored, truth, strict=True)]
    order = np.argsort(singles)
    samples = [{"name": names[i], "score": singles[i]} for i in order]
    figures = [
        {"kind": "points", "title": "Before and after", "lede": "A point an image.", "x": "PSNR, blurred",
         "y": "PSNR, restored", "diagonal": True, "square": True,
         "series": [{"name": "images", "y": singles,
                     "x": [_sharp_scores(b, t)["psnr"] for b, t in zip(blurred, truth, strict=True)]}]},
    ]  # fmt: skip
    own = {
        "story": {"val": f"restored the images to {np.mean(singles):.1f} dB", "test": None},
        "val": {"default": _sharp_scores(restored, truth), "blurred": _sharp_scores(blurred, truth)},
        "test": None,
    }
    events.summarise(folder, own, {"val": {"figures": figures, "samples": samples}, "test": None})
    panels = [[each[i].astype(np.uint8) for each in (blurred, restored, truth)] for i in order]
    save_strips(
        folder / "wall.npz",
        ["input", "restored", "truth"],
        [(names[i], f"{singles[i]:.1f} dB", singles[i], panels[place]) for place, i in enumerate(order)],
    )
    return folder


def save_strips(path: Path, headings: list[str], samples: list[tuple[str, str, float, list[np.ndarray]]]) -> None:
    """An npz file of panels, as tasks write it."""
    arrays = {f"panel_{i}_{j}": panel for i, sample in enumerate(samples) for j, panel in enumerate(sample[3])}
    names, notes, scores = ([sample[place] for sample in samples] for place in range(3))
    np.savez_compressed(path, names=names, notes=notes, scores=scores, panel_names=headings, **arrays)


def _digit_scores(truth: np.ndarray, probs: np.ndarray) -> dict[str, float]:
    said = probs.argmax(1)
    each = {"precision": precision_score, "recall": recall_score, "f1": f1_score}
    right = float((said == truth).mean())
    scores = {"accuracy": right, "error": 1 - right}
    for name, score in each.items():
        values = score(truth, said, average=None, labels=range(10), zero_division=0.0)
        scores[name] = float(values.mean())
        scores |= {f"{name}/{called}": float(value) for called, value in zip(NAMES, values, strict=True)}
    return scores


def _sharp_scores(restored: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    error = restored - truth
    together = np.corrcoef(restored.ravel(), truth.ravel())[0, 1]
    return {
        "psnr": float(10 * np.log10(255**2 / (error**2).mean())),
        "structure": float(together),
        "off": float(np.abs(error).mean()),
    }


class _Events:
    """The log of a run and what its summary takes from it."""

    def __init__(self, task: str, key: list[str], metrics: Mapping[str, object], epochs: int, images: int) -> None:
        self.declared = {"task": task, "key_metrics": key, "metrics": metrics}
        self.log: list[dict] = []
        self.best: dict | None = None
        self._add("start", epochs=epochs, steps_per_epoch=1, train_images=800, val_images=images, **self.declared)

    def epoch(self, epoch: int, loss: float, scores: dict[str, float], *, best: str) -> None:
        at = {"epoch": epoch, "step": epoch, "phase": 0, "phase_name": "loss"}
        term = {"loss": {"raw": loss, "factor": 1.0, "weighted": loss}}
        means = {"loss": loss, "terms": term}
        self._add("step", **at, loss=loss, terms=term, lr=0.1, counted=1, grad_norm=1.0)
        self._add("epoch", **at, train=means, val=means | {"metrics": scores}, lr=0.1, seconds=0.5)
        if self.best is None or scores[best] > self.best["value"]:
            self.best = {"epoch": epoch, "metric": best, "value": scores[best]}
            self._add("best", **self.best)

    def write(self, folder: Path, ending: str | None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        recipe = {"task": self.declared["task"], "model": {"name": "small"}, "loss": {"cross_entropy": {}}}
        (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe, sort_keys=False))
        if ending:
            last = self.log[-1].get("epoch", 0)
            self._add("end", epoch=last, step=last, seconds=1.0, status=ending)
        (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in self.log))

    def summarise(self, folder: Path, own: Mapping[str, object], evaluation: Mapping[str, object]) -> None:
        steps = sum(event["kind"] == "step" for event in self.log)
        common = {"name": folder.name, "status": "finished", "epochs": steps, "steps": steps, "seconds": 71.0}
        summary = {**common, "parameters": 650, "best": self.best, **self.declared, **own}
        (folder / "summary.json").write_text(json.dumps(summary))
        (folder / "evaluation.json").write_text(json.dumps(evaluation))

    def _add(self, kind: str, **fields: object) -> None:
        self.log.append({"n": len(self.log), "kind": kind, "time": 1.79e9 + len(self.log), **fields})
