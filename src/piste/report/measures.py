"""What a run is judged by: its metrics with their labels, their directions, and which of them head the page."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, final

from piste.metrics.names import METRICS, Metric, metric_of
from piste.metrics.percent import percent
from piste.report.words import decimals, digits_of, number

# of runs that don't say what they are judged by: those of segmentation before there were other tasks
KEY_METRICS = ("iou", "f1", "precision", "recall", "average_precision", "object_f1")


@final
@dataclass(frozen=True)
class Measures:
    """The metrics of a run, or of runs of one task.

    Args:
        key: those that head the page, the most telling first.
        facts: base name -> label and direction, in the order of tables.
    """

    key: tuple[str, ...] = KEY_METRICS
    facts: Mapping[str, Metric] = field(default_factory=dict)

    @classmethod
    def declared(cls, *documents: Mapping[str, Any]) -> Self:
        """What the first of these documents says that has `key_metrics`; segmentation's where none has."""
        for document in documents:
            key, facts = document.get("key_metrics"), document.get("metrics")
            if isinstance(key, list) and isinstance(facts, dict):
                return cls(tuple(map(str, key)), {name: _read(name, fact) for name, fact in facts.items()})
        return cls()

    def of(self, name: str) -> Metric:
        """The facts of a metric; `f1/cat` has those of `f1`, and one that nobody knows is a number of that name."""
        base = name.partition("/")[0]
        return self.facts.get(base) or metric_of(base)

    def label(self, name: str) -> str:
        """What a metric is called on the page.

        Example:
            >>> Measures().label("object_recall/lake")
            'Objects: recall, lake'
        """
        part = name.partition("/")[2]
        return f"{self.of(name).label}, {part}" if part else self.of(name).label

    def digits(self, name: str, values: Iterable[float]) -> int:
        """How many digits after the point tell these values of a metric apart."""
        return 3 if self.of(name).share else digits_of(values)

    def text(self, name: str, value: float) -> str:
        """A value as tables show it."""
        return decimals(value, self.digits(name, [value]))

    def shown(self, name: str, value: float) -> str:
        """A value as the top of the page shows it: a share of things that can be counted is a percentage.

        Example:
            >>> Measures().shown("iou", 0.4132), Measures().shown("recall", 0.4132).replace("\u00a0", " ")
            ('0.413', '41.3 %')
        """
        metric = self.of(name)
        if not metric.share:
            return number(value)
        return percent(value, fine=True) if metric.percent else decimals(value)

    def better(self, name: str, values: Iterable[float]) -> float:
        """The best of some values; NaN where none is a number."""
        there = [value for value in values if not math.isnan(value)]
        choose = min if self.of(name).smaller_is_better else max
        return choose(there) if there else math.nan

    def in_order(self, names: Iterable[str]) -> list[str]:
        """Base names among some flat ones: the key metrics, then as the run declares them, then as they come."""
        there = dict.fromkeys(name for name in names if "/" not in name)
        first = dict.fromkeys([*self.key, *(self.facts or METRICS)])
        return [name for name in first if name in there] + [name for name in there if name not in first]


def _read(name: str, fact: Any) -> Metric:
    """A metric's facts from a file; what is missing is as for most metrics."""
    fact = fact if isinstance(fact, dict) else {}
    return Metric(
        str(fact.get("label") or name),
        smaller_is_better=bool(fact.get("smaller_is_better", False)),
        share=bool(fact.get("share", True)),
        percent=bool(fact.get("percent", metric_of(name).percent)),
    )
