"""The final scores of a run: by metric, by split, by class, and by how the model was asked."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from piste.metrics.percent import NONE
from piste.report.record import RunRecord
from piste.report.words import SPLITS, decimals, signed

CHOICES = {"default": "threshold 0.5", "best_threshold": "best threshold"}
MOST_PARTS = 4  # classes, past which tables of everything show the most telling metric of each alone


class ScoreRow(NamedTuple):
    """A metric on each split; `cells` has a text for each column."""

    label: str
    cells: list[str]


class ScoreTable(NamedTuple):
    """Final scores of a run.

    Args:
        over: the splits, and how many columns each has.
        columns: what the columns show.
        rows: a metric each.
        changes: whether every third column is the change from the first to the second.
    """

    over: list[tuple[str, int]]
    columns: list[str]
    rows: list[ScoreRow]
    changes: bool


def score_table(record: RunRecord) -> ScoreTable:
    """Every final score; of a run whose model was asked in two ways, both with the difference between them."""
    splits, choices = [split for split in SPLITS if record.scores(split, "default")], record.choices()
    changes = len(choices) == 2
    rows = []
    apart = part_table(record).rows
    for metric in metrics_of([record]):
        if apart and "/" in metric:
            continue
        cells: list[str] = []
        for split in splits:
            values = [record.scores(split, choice).get(metric, math.nan) for choice in choices]
            digits = record.measures.digits(metric, values)
            cells += [decimals(value, digits) for value in values]
            if changes:
                change = round(values[1], digits) - round(values[0], digits)
                cells.append("" if math.isnan(change) else signed(change, digits))
        if any(cell not in (NONE, "") for cell in cells):
            rows.append(ScoreRow(record.measures.label(metric), cells))
    named = {"default": "at 0.5", "best_threshold": "best"} if "best_threshold" in choices else {}
    columns = [named.get(choice, choice.replace("_", " ")) for choice in choices]
    columns = [*columns, "change"] if changes else [] if len(choices) == 1 else columns
    width = len(columns) or 1
    return ScoreTable([(SPLITS[split], width) for split in splits], columns * len(splits), rows, changes)


class PartTable(NamedTuple):
    """A row a class and a column a metric, on one split."""

    split: str
    columns: list[str]
    rows: list[ScoreRow]


def part_table(record: RunRecord) -> PartTable:
    """Every class's scores where there are too many of them for the table of everything; the weakest class first."""
    split = "test" if record.scores("test", "default") else "val"
    scores, measures = record.scores(split, "default"), record.measures
    parts = parts_of(record)
    if len(parts) <= MOST_PARTS or not scores:
        return PartTable(SPLITS[split], [], [])
    metrics = measures.in_order({name.partition("/")[0]: 0 for name in scores if "/" in name})

    def rank(part: str) -> float:
        value = scores.get(f"{metrics[0]}/{part}", math.nan)
        return math.inf if math.isnan(value) else -value if measures.of(metrics[0]).smaller_is_better else value

    rows = []
    for part in sorted(parts, key=rank):
        values = {metric: scores.get(f"{metric}/{part}", math.nan) for metric in metrics}
        rows.append(ScoreRow(part, [measures.text(metric, value) for metric, value in values.items()]))
    return PartTable(SPLITS[split], [measures.label(metric) for metric in metrics], rows)


def scores_or_latest(record: RunRecord, split: str, choice: str) -> dict[str, float]:
    """Final scores; of a run that has none yet, the validation metrics of its last epoch."""
    if not record.summary and (split, choice) == ("val", "default"):
        return record.metrics_at(-1)
    return record.scores(split, choice)


def choice_name(choice: str, choices: Sequence[str]) -> str:
    """What a way of asking the model is called; nothing where there is no other."""
    if choice == "default" and "best_threshold" not in choices:
        return "" if len(choices) == 1 else "default"
    return CHOICES.get(choice, choice.replace("_", " "))


def check_one_task(records: Sequence[RunRecord]) -> None:
    """Refuse runs that nothing can be compared of.

    Raises:
        ValueError: they are of different tasks.
    """
    tasks = {record.task: record.name for record in reversed(records)}
    if len(tasks) > 1:
        told = ", ".join(f"{name} of {task}" for task, name in reversed(tasks.items()))
        raise ValueError(f"only runs of one task can be compared, since others share no metric; got {told}")


def metrics_of(records: Sequence[RunRecord]) -> list[str]:
    """The means, then each class's scores where there are several; where there are many, one metric of each."""
    scores = dict.fromkeys(
        name for record in records for split in SPLITS for name in scores_or_latest(record, split, "default")
    )
    means = records[0].measures.in_order(scores)
    parts = parts_of(records[0]) if all(parts_of(r) == parts_of(records[0]) for r in records) else []
    if len(parts) < 2:
        return means
    told = means if len(parts) <= MOST_PARTS else [m for m in means if f"{m}/{parts[0]}" in scores][:1]
    return [*means, *(name for part in parts for metric in told if (name := f"{metric}/{part}") in scores)]


def parts_of(record: RunRecord) -> list[str]:
    """What metrics are told apart by: the classes that means are over, else whatever stands behind their slashes."""
    scores = scores_or_latest(record, "val", "default")
    parts = list(dict.fromkeys(name.partition("/")[2] for name in scores if "/" in name))
    return [name for name in record.foreground if name in parts] or parts
