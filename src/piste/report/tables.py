"""Runs side by side: a row a metric, and in it a value for each run."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from piste.metrics.percent import NONE
from piste.report.measures import Measures
from piste.report.record import RunRecord
from piste.report.scores import check_one_task, choice_name, metrics_of, scores_or_latest
from piste.report.story import thresholds
from piste.report.words import SPLITS, decimals, signed


class Row(NamedTuple):
    """A line of a table with a column a run.

    Args:
        label: what is compared; of a heading, what the following rows share.
        values: one for each run; NaN where a run has none. Empty in a heading.
        texts: the same to be read.
        best: places of the runs that have the best value, where they differ.
        heading: whether it heads a group of rows.
        ranked: whether one value can be better than another.
        digits: how many stand after the point.
    """

    label: str
    values: tuple[float, ...] = ()
    texts: tuple[str, ...] = ()
    best: frozenset[int] = frozenset()
    heading: bool = False
    ranked: bool = True
    digits: int = 3

    def distance(self, run: int) -> str:
        """How far a run's value lies from the first run's, with its sign; empty where either has none."""
        change = round(self.values[run], self.digits) - round(self.values[0], self.digits)  # of the digits shown
        return signed(change, self.digits) if self.ranked and not math.isnan(change) else ""


def comparison_rows(runs: Sequence[Path]) -> list[Row]:
    """What the runs reach: on validation, where there are thresholds at 0.5 and at the best one, then on test likewise.

    A metric that no run has is left out, and so is a group without any. No loss is among them: values of different
    losses can't be ranked.

    Args:
        runs: their folders.

    Raises:
        FileNotFoundError: one of them is no run.
        ValueError: they are of different tasks.
    """
    return rows_of([RunRecord.read(run) for run in runs])


def rows_of(records: Sequence[RunRecord]) -> list[Row]:
    """`comparison_rows` of runs that have been read."""
    check_one_task(records)
    choices = list(dict.fromkeys(choice for record in records for choice in ["default", *record.choices()]))
    rows = []
    for split, name in SPLITS.items():
        for choice in choices:
            scores = [scores_or_latest(record, split, choice) for record in records]
            group = [
                _ranked(records[0].measures, metric, [of_run.get(metric, math.nan) for of_run in scores])
                for metric in metrics_of(records)
            ]
            group = [row for row in group if not all(map(math.isnan, row.values))]
            if group and choice == "best_threshold":
                group = [*_thresholds(records), *group]
            if group:
                called = choice_name(choice, choices)
                rows += [Row(name.capitalize() + (f", {called}" if called else ""), heading=True), *group]
    return rows


def _ranked(measures: Measures, metric: str, values: Sequence[float]) -> Row:
    digits = measures.digits(metric, values)
    there = {round(value, digits) for value in values if not math.isnan(value)}
    best: frozenset[int] = frozenset()
    if len(there) > 1:
        top = measures.better(metric, there)
        best = frozenset(i for i, value in enumerate(values) if round(value, digits) == top)
    texts = tuple(decimals(value, digits) for value in values)
    return Row(measures.label(metric), tuple(values), texts, best, digits=digits)


def _thresholds(records: Sequence[RunRecord]) -> list[Row]:
    """The best threshold of each class, chosen on validation; nothing in it is better or worse."""
    chosen = [thresholds(record) for record in records]
    rows = []
    for name in dict.fromkeys(name for of_run in chosen for name in of_run):
        values = tuple(of_run.get(name, math.nan) for of_run in chosen)
        texts = tuple(NONE if math.isnan(value) else f"{value:.4g}" for value in values)
        rows.append(Row(f"Threshold, {name}", values, texts, ranked=False))
    return rows
