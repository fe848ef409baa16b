"""A run as its folder tells it: what is there is read, what is not there yet is empty."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from piste.report.artefacts import (
    Augmented,
    Snapshot,
    Strips,
    Tile,
    read_mapping,
    read_pictures,
    read_snapshots,
    read_text,
    samples_of,
    tiles_of,
)
from piste.report.measures import Measures
from piste.training.events import Event, read_events


@dataclass(frozen=True)
class RunRecord:
    """Everything that the report shows of one run.

    Args:
        folder: the run's folder.
        recipe_text: its resolved recipe as it stands in the file.
        recipe: the same, parsed.
        events: the log so far.
        summary: final scores, classes, counts and weights; empty until the run has ended.
        evaluation: confusion, curves and images of each split; empty until the run has ended.
        wall: validation images with their masks, worst first; of tasks without masks none.
        strips: validation samples as a task without masks has drawn them, worst first.
        augmented: training images with augmented versions, and their masks.
        augmented_strips: the same of tasks without masks.
        snapshots: pictures of where training stood, an epoch each.
        unreadable: files that are there but can't be read.
    """

    folder: Path
    recipe_text: str
    recipe: Mapping[str, Any]
    events: list[Event]
    summary: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    wall: list[Tile]
    strips: Strips
    augmented: list[Augmented]
    augmented_strips: Strips
    snapshots: list[Snapshot]
    unreadable: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, folder: Path) -> "RunRecord":
        """Read a run, whatever state it is in.

        Raises:
            FileNotFoundError: the folder is none, or holds no run.
            ValueError: its event log is damaged before the last line.
        """
        if not any((folder / name).is_file() for name in ("recipe.yaml", "events.jsonl")):
            raise FileNotFoundError(
                f"{folder} is no run: "
                + ("it holds neither recipe.yaml nor events.jsonl" if folder.is_dir() else "there is no such folder")
                + "; `piste runs` lists the runs"
            )
        unreadable: list[str] = []
        text = read_text(folder / "recipe.yaml", unreadable)
        masks, drawn = read_pictures(folder / "wall.npz", tiles_of, unreadable)
        augmented, augmented_strips = read_pictures(folder / "augmented.npz", samples_of, unreadable)
        return cls(
            folder=folder,
            recipe_text=text,
            recipe=read_mapping(yaml.safe_load, text, "recipe.yaml", unreadable),
            events=read_events(folder / "events.jsonl")[0],
            summary=read_mapping(
                json.loads, read_text(folder / "summary.json", unreadable), "summary.json", unreadable
            ),
            evaluation=read_mapping(
                json.loads, read_text(folder / "evaluation.json", unreadable), "evaluation.json", unreadable
            ),
            wall=masks,
            strips=drawn,
            augmented=augmented,
            augmented_strips=augmented_strips,
            snapshots=read_snapshots(folder / "snapshots", unreadable),
            unreadable=unreadable,
        )

    @property
    def name(self) -> str:
        """What the run is called."""
        return self.folder.resolve().name

    def of_kind(self, kind: str) -> list[Event]:
        """The events of one kind, in order."""
        return [event for event in self.events if event["kind"] == kind]

    @cached_property
    def start(self) -> Event:
        """What the run knew of itself at its start; empty before."""
        return next(iter(self.of_kind("start")), {})

    @cached_property
    def task(self) -> str:
        """What the run trains for; segmentation where it doesn't say."""
        found = (document.get("task") for document in (self.summary, self.start, self.recipe))
        return next((str(task) for task in found if task), "segmentation")

    @cached_property
    def measures(self) -> Measures:
        """What the run is judged by."""
        return Measures.declared(self.summary, self.start)

    @cached_property
    def status(self) -> str:
        """`finished`, `stopped_early`, `failed` or `unfinished`."""
        return status_of(self.summary, self.events)

    @cached_property
    def epochs(self) -> list[Event]:
        """The epochs that have ended."""
        return self.of_kind("epoch")

    @cached_property
    def best_epoch(self) -> int | None:
        """The epoch whose weights were kept as the best."""
        best = self.of_kind("best")
        return int(best[-1]["epoch"]) if best else None

    @cached_property
    def best_metric(self) -> str | None:
        """The metric that chose the best epoch."""
        best = self.of_kind("best")
        return str(best[-1]["metric"]) if best else None

    @cached_property
    def classes(self) -> list[str]:
        """The names of the classes in the order of their indices, as far as they are known."""
        if "classes" in self.summary:
            return list(self.summary["classes"])
        return [name.removeprefix("iou/") for name in self.metrics_at(-1) if name.startswith("iou/")]

    @cached_property
    def foreground(self) -> list[str]:
        """The names of the classes that means are taken over."""
        if "classes" in self.summary:
            background = self.summary.get("background")
            return [name for index, name in enumerate(self.classes) if index != background]
        names = self.metrics_at(-1)
        return [name for name in self.classes if f"average_precision/{name}" in names]

    def metrics_at(self, position: int) -> dict[str, float]:
        """The validation metrics of an epoch, by its position among those that have ended; null reads as NaN."""
        if not self.epochs:
            return {}
        return numbers(self.epochs[position].get("val", {}).get("metrics", {}))

    def scores(self, split: str, choice: str) -> dict[str, float]:
        """Final scores.

        Args:
            split: `val` or `test`.
            choice: `default`, or what else was tried, such as `best_threshold`.
        """
        return numbers((self.summary.get(split) or {}).get(choice) or {})

    def choices(self, splits: Iterable[str] = ("val", "test")) -> list[str]:
        """The names of what there are final scores for, `default` first."""
        found = dict.fromkeys(name for split in splits for name in self.summary.get(split) or {})
        return sorted(found, key=lambda name: name != "default")

    def samples(self, split: str) -> int:
        """How many samples a split was judged on; 0 where that isn't known."""
        evaluated = self.evaluated(split)
        return len(evaluated.get("samples") or evaluated.get("images") or [])

    def evaluated(self, split: str) -> Mapping[str, Any]:
        """Confusion, curves, objects and images of a split."""
        return self.evaluation.get(split) or {}


def status_of(summary: Mapping[str, Any], events: Sequence[Event]) -> str:
    """How a run ended, if it did: `finished`, `stopped_early`, `failed` or `unfinished`."""
    if "status" in summary:
        return str(summary["status"])
    for event in reversed(events):
        if event["kind"] == "end":
            return str(event["status"])
        if event["kind"] == "failure":
            return "failed"
        if event["kind"] in ("resume", "step", "epoch", "start"):
            break
    return "unfinished"


def numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """The same with NaN where the file has null, since JSON can't hold NaN."""
    return {name: math.nan if value is None else float(value) for name, value in values.items()}
