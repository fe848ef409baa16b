"""What a run knows of its classes: how often each occurs in the training data, and what the losses make of it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from piste.metrics.percent import percent
from piste.report.record import RunRecord
from piste.report.words import grouped

MOST = 40  # classes that a figure has room for


class Classes(NamedTuple):
    """A table of the classes.

    Args:
        names: of the classes.
        measure: what they are counted in, such as pixels.
        counts: of each class, in that measure.
        weights: term -> a weight for each class.
        columns: headings of the table.
        rows: of the table.
    """

    names: list[str]
    measure: str
    counts: list[int]
    weights: dict[str, list[float]]
    columns: list[str]
    rows: list[list[str]]

    @property
    def drawn(self) -> bool:
        """Whether a figure can show them."""
        return 0 < len(self.names) <= MOST


def classes_of(record: RunRecord) -> Classes:
    """The classes of a run; none of them where it hasn't counted them."""
    names = record.classes
    each = _lists(record.summary.get("counts"), [len(names)])
    if each.get("pixels") == each.get("images"):  # an image is all that is counted
        each.pop("pixels", None)
    each = {key: each[key] for key in ("pixels", "images") if key in each} or each
    if not names or not each:
        return Classes([], "", [], {}, [], [])
    measure = next(iter(each))
    counts = [int(count) for count in each.pop(measure)]
    foreground = len(record.foreground)
    weights = {
        term: [float(w) for w in values] if len(values) == len(names) else _spread(record, values)
        for term, values in _lists(record.summary.get("weights"), [len(names), foreground]).items()
    }
    columns = ["class", measure, "share", *each, *(f"weight, {term}" for term in weights)]
    rows = [
        [
            name,
            grouped(counts[i]),
            percent(counts[i] / max(sum(counts), 1)),
            *(str(values[i]) for values in each.values()),
            *("" if values[i] is None else f"{values[i]:.4g}" for values in weights.values()),
        ]
        for i, name in enumerate(names)
    ]
    shown = {term: [0.0 if w is None else w for w in values] for term, values in weights.items()}
    return Classes(names, measure, counts, shown, columns, rows)


def _lists(document: Any, lengths: Sequence[int]) -> dict[str, list[Any]]:
    """The lists in a mapping that have one of these lengths."""
    if not isinstance(document, Mapping):
        return {}
    return {str(key): value for key, value in document.items() if isinstance(value, list) and len(value) in lengths}


def _spread(record: RunRecord, values: Sequence[float]) -> list[float | None]:
    """Weights of the foreground classes, with nothing for the background."""
    given = iter(values)
    return [float(next(given)) if name in record.foreground else None for name in record.classes]
