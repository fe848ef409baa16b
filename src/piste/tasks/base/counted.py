"""Scores of classes for scripts: hits, predictions and occurrences of each are counted, the rest is arithmetic."""

from collections.abc import Sequence

from piste.data.script.text import assigned, block

METRICS = ("iou", "f1", "precision", "recall")
"""What a script tells of each class, and on average."""

SCORES = block('''
    def scores(counts: Tensor) -> dict[str, float]:
        """IoU, F1, precision and recall of each class that occurs or was predicted, and their means."""
        found = {}
        for name, (hits, predicted, there) in zip(NAMES, counts.tolist(), strict=True):
            if predicted + there:
                found[f"iou/{name}"] = hits / (predicted + there - hits)
                found[f"f1/{name}"] = 2 * hits / (predicted + there)
                found[f"precision/{name}"] = hits / max(predicted, 1)
                found[f"recall/{name}"] = hits / max(there, 1)
        means = {}
        for metric in ("iou", "f1", "precision", "recall"):
            each = [found[f"{metric}/{name}"] for name in FOREGROUND if f"{metric}/{name}" in found]
            means[metric] = sum(each) / len(each) if each else float("nan")
        return means | found
''')


def counting(given: Sequence[str], activation: str, classes: int, axes: int) -> str:
    """`count(...)`: whole numbers [C, 3] that add up over batches.

    Args:
        given: names of logits, target and, where some elements don't count, known.
        activation: softmax or sigmoid.
        classes: scores an element.
        axes: of an image that has a score at each position; 0 for scores of whole images.
    """
    arguments = ", ".join(f"{name}: Tensor" for name in given)
    over = "(0, 2, 3)" if axes else "0"
    if activation == "softmax":
        move = ".movedim(-1, 1)" if axes else ""
        known = " & known.unsqueeze(1)" if "known" in given else ""
        predicted = f"F.one_hot(logits.argmax(1), {classes}){move}.bool(){known}"
        there = f"F.one_hot(target, {classes}){move}.bool(){known}"
    else:
        known = " & known" if "known" in given else ""
        predicted, there = f"(logits >= 0){known}", f"target{known}"
    return block(f'''
        def count({arguments}) -> Tensor:
            """How often each class was predicted and right, was predicted, and is there: [C, 3]."""
            predicted = {predicted}
            there = {there}
            return torch.stack([(predicted & there).sum({over}), predicted.sum({over}), there.sum({over})], 1)
    ''')


def naming(names: Sequence[str], foreground: Sequence[str]) -> list[str]:
    """The constants that scores need.

    Args:
        names: of the classes that are scored, in order.
        foreground: those that means count.
    """
    if list(names) == list(foreground):
        return [assigned("NAMES", list(names), "the classes"), "FOREGROUND = NAMES"]
    return [
        assigned("NAMES", list(names), "the classes"),
        assigned("FOREGROUND", list(foreground), "those that means count"),
    ]
