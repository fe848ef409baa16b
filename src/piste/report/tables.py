"""The tables of the report: scores at two thresholds, and runs side by side."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from piste.metrics import smaller_is_better
from piste.report.record import RunRecord
from piste.report.words import SPLITS, decimals, label

METRICS = (
    "iou",
    "f1",
    "precision",
    "recall",
    "accuracy",
    "average_precision",
    "object_precision",
    "object_recall",
    "object_f1",
    "object_count_error",
)
CHOICES = {"default": "threshold 0.5", "best_threshold": "best threshold"}
NONE = "\u2013"


class Row(NamedTuple):
    """A line of a table with a column a run.

    Args:
        label: what is compared; of a heading, what the following rows share.
        values: one for each run; NaN where a run has none. Empty in a heading.
        texts: the same to be read.
        best: places of the runs that have the best value, where they differ.
        heading: whether it heads a group of rows.
        ranked: whether one value can be better than another.
    """

    label: str
    values: tuple[float, ...] = ()
    texts: tuple[str, ...] = ()
    best: frozenset[int] = frozenset()
    heading: bool = False
    ranked: bool = True

    def distance(self, run: int) -> str:
        """How far a run's value lies from the first run's, with its sign; empty where either has none."""
        change = round(self.values[run], 3) - round(self.values[0], 3)  # of the digits that are shown
        return signed(change) if self.ranked and not math.isnan(change) else ""


def comparison_rows(runs: Sequence[Path]) -> list[Row]:
    """What the runs reach: validation at 0.5 and at the best threshold, then test likewise.

    A metric that no run has is left out, and so is a group without any. No loss is among them: values of different
    losses can't be ranked.

    Args:
        runs: their folders.

    Raises:
        FileNotFoundError: one of them is no run.
    """
    return rows_of([RunRecord.read(run) for run in runs])


def rows_of(records: Sequence[RunRecord]) -> list[Row]:
    """`comparison_rows` of runs that have been read."""
    rows = []
    for split, name in SPLITS.items():
        for choice, threshold in CHOICES.items():
            scores = [scores_or_latest(record, split, choice) for record in records]
            group = [
                _ranked(metric, [of_run.get(metric, math.nan) for of_run in scores]) for metric in _metrics(records)
            ]
            group = [row for row in group if not all(map(math.isnan, row.values))]
            if group and choice == "best_threshold":
                group = [*_thresholds(records), *group]
            if group:
                rows += [Row(f"{name.capitalize()}, {threshold}", heading=True), *group]
    return rows


def scores_or_latest(record: RunRecord, split: str, choice: str) -> dict[str, float]:
    """Final scores; of a run that has none yet, the validation metrics of its last epoch."""
    if not record.summary and (split, choice) == ("val", "default"):
        return record.metrics_at(-1)
    return record.scores(split, choice)


class ThresholdRow(NamedTuple):
    """A metric at 0.5 and at the best threshold, on each split; the changes in words, empty where there is none."""

    label: str
    cells: list[tuple[str, str, str]]


def threshold_rows(record: RunRecord) -> list[ThresholdRow]:
    """What a threshold alone buys; a cell a split: at 0.5, at the best threshold, and the difference."""
    splits = [split for split in SPLITS if record.scores(split, "default")]
    rows = []
    for metric in _metrics([record]):
        cells = []
        for split in splits:
            plain, best = (record.scores(split, choice).get(metric, math.nan) for choice in CHOICES)
            change = round(best, 3) - round(plain, 3)
            cells.append((decimals(plain), decimals(best), "" if math.isnan(change) else signed(change)))
        if any(cell[:2] != (NONE, NONE) for cell in cells):
            rows.append(ThresholdRow(label(metric), cells))
    return rows


def differences(recipes: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """The keys in which recipes differ, each with what every recipe has there, as YAML.

    Mappings are entered where they share a key; what has nothing in common is shown whole.

    Example:
        >>> differences([{"lr": 1, "loss": {"dice": {}}}, {"lr": 1, "loss": {"focal": {"gamma": 2}}}])
        [('loss', ['dice: {}', 'focal: {gamma: 2}'])]
    """
    return [(key, [_yaml(value) for value in values]) for key, values in _differing("", list(recipes))]


def signed(change: float) -> str:
    """A difference with its sign and three digits after the point; a plain 0 where they show none."""
    return f"{change:+.3f}".replace("-", "\u2212") if abs(change) >= 0.0005 else "0"


_MISSING = object()


def _differing(key: str, values: list[Any]) -> list[tuple[str, list[Any]]]:
    if all(value == values[0] for value in values):
        return []
    mappings = [value for value in values if isinstance(value, Mapping)]
    if len(mappings) < len(values) or not set.intersection(*(set(mapping) for mapping in mappings)):
        return [(key, values)]
    names = dict.fromkeys(name for mapping in mappings for name in mapping)
    return [
        found
        for name in names
        for found in _differing(f"{key}.{name}".lstrip("."), [mapping.get(name, _MISSING) for mapping in mappings])
    ]


def _yaml(value: Any) -> str:
    if value is _MISSING:
        return NONE
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, default_flow_style=None, width=60)
    return text.removesuffix("\n").removesuffix("\n...")


def _metrics(records: Sequence[RunRecord]) -> list[str]:
    """The means, and each class's scores where there are several foreground classes."""
    names = records[0].foreground if all(r.foreground == records[0].foreground for r in records) else []
    each = [f"{metric}/{name}" for name in names for metric in METRICS] if len(names) > 1 else []
    return [*METRICS, *each]


def _ranked(metric: str, values: Sequence[float]) -> Row:
    there = {round(value, 3) for value in values if not math.isnan(value)}
    best: frozenset[int] = frozenset()
    if len(there) > 1:
        top = min(there) if smaller_is_better(metric) else max(there)
        best = frozenset(i for i, value in enumerate(values) if not math.isnan(value) and round(value, 3) == top)
    return Row(label(metric), tuple(values), tuple(map(decimals, values)), best)


def _thresholds(records: Sequence[RunRecord]) -> list[Row]:
    """The best threshold of each class, chosen on validation; nothing in it is better or worse."""
    chosen = [record.summary.get("thresholds", {}).get("best") or {} for record in records]
    rows = []
    for name in dict.fromkeys(name for of_run in chosen for name in of_run):
        values = tuple(float(of_run.get(name, math.nan)) for of_run in chosen)
        texts = tuple(NONE if math.isnan(value) else f"{value:.4g}" for value in values)
        rows.append(Row(f"Threshold, {name}", values, texts, ranked=False))
    return rows
