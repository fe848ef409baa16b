"""Scores of classes for scripts: hits, predictions and occurrences of each are counted, the rest is arithmetic."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from piste.data.script.text import assigned, block, literal

FORMULAS: Mapping[str, str] = MappingProxyType(
    {
        "iou": "hits / (predicted + there - hits)",
        "f1": "2 * hits / (predicted + there)",
        "precision": "hits / max(predicted, 1)",
        "recall": "hits / max(there, 1)",
    }
)
"""Metrics of a class that was predicted or is there."""


def scoring(metrics: Sequence[str], *, accuracy: bool) -> str:
    """`scores(counts)`: metrics by name.

    Args:
        metrics: of `FORMULAS`.
        accuracy: whether each element has one class and is predicted one, so that the share of hits is a metric, too.
    """
    formulas = "".join(f'\n                found[f"{metric}/{{name}}"] = {FORMULAS[metric]}' for metric in metrics)
    share = '\n        means = {"accuracy": (counts[:, 0].sum() / counts[:, 2].sum()).item()}' if accuracy else ""
    share = share or "\n        means = {}"
    return block(f'''
    def scores(counts: Tensor) -> dict[str, float]:
        """Metrics of each class that was predicted or is there, and their means."""
        found = {{}}
        for name, (hits, predicted, there) in zip(NAMES, counts.tolist(), strict=True):
            if predicted + there:{formulas}{share}
        for metric in {literal(tuple(metrics))}:
            each = [found[f"{{metric}}/{{name}}"] for name in FOREGROUND if f"{{metric}}/{{name}}" in found]
            means[metric] = sum(each) / len(each) if each else float("nan")
        return means | found
    ''')


def counting(given: Sequence[str], activation: str, classes: int, axes: int, *, exclusive: bool = False) -> str:
    """`count(...)`: whole numbers [C, 3] that add up over batches.

    Args:
        given: names of logits, target and, where some elements don't count, known.
        activation: softmax or sigmoid.
        classes: scores an element.
        axes: of an image that has a score at each position; 0 for scores of whole images.
        exclusive: whether one class is predicted with sigmoid, too.
    """
    arguments = ", ".join(f"{name}: Tensor" for name in given)
    over = "(0, 2, 3)" if axes else "0"
    move = ".movedim(-1, 1)" if axes else ""
    known = "" if "known" not in given else " & known.unsqueeze(1)" if activation == "softmax" else " & known"
    likeliest = f"F.one_hot(logits.argmax(1), {classes}){move}.bool(){known}"
    if activation == "softmax":
        predicted, there = likeliest, f"F.one_hot(target, {classes}){move}.bool(){known}"
    else:
        predicted = likeliest if exclusive else f"(logits >= 0){known}" if known else "logits >= 0"
        there = f"target{known}"
    lines = f"predicted = {predicted}"
    if there != "target":
        lines += f"\n            there = {there}"
    there = "there" if there != "target" else "target"
    return block(f'''
        def count({arguments}) -> Tensor:
            """How often each class was predicted and right, was predicted, and is there: [C, 3]."""
            {lines}
            return torch.stack([(predicted & {there}).sum({over}), predicted.sum({over}), {there}.sum({over})], 1)
    ''')


def naming(names: Sequence[str], foreground: Sequence[str], known_as: str | None = None) -> list[str]:
    """The constants that scores need.

    Args:
        names: of the classes that are scored, in order.
        foreground: those that means count.
        known_as: the constant that holds the same names already.
    """
    if list(names) == list(foreground):
        return [
            f"NAMES = {known_as}" if known_as else assigned("NAMES", list(names), "the classes"),
            "FOREGROUND = NAMES",
        ]
    return [
        assigned("NAMES", list(names), "the classes"),
        assigned("FOREGROUND", list(foreground), "those that means count"),
    ]
