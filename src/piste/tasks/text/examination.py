"""The last look at a trained reader: error rates, which characters are misread as what, and the worst lines."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import nn

from piste.metrics.edits import align
from piste.metrics.percent import percent
from piste.models.text.recipe import Beam, Greedy
from piste.tasks.base.examined import Examined, Figure, Shown
from piste.tasks.text.pictures import line_picture, reading_picture
from piste.tasks.text.task import TextTask, TextTaskScores

WALL = 24  # lines that are drawn
BARS = 16  # characters and confusions in a figure
GROUPS = 8  # points of the curve over lengths


class Reading(NamedTuple):
    """One line: its place in the split, its name, what it says, what was read, and how many edits are between them."""

    place: int
    name: str
    truth: str
    read: str
    edits: int

    @property
    def right(self) -> float:
        """The share of its characters that no edit takes back, 0 at least."""
        return max(0.0, 1.0 - self.edits / max(len(self.truth), 1))


@torch.no_grad()
def examine(task: TextTask, model: nn.Module, split: str, batches: Iterable[Any]) -> Examined:
    """Score a model on a split by both decodings, and show where it errs.

    Args:
        task: says how batches are read.
        model: is put in eval mode.
        split: its name.
        batches: its batches, on the model's device.
    """
    model.eval()
    other, name = (Greedy(), "greedy") if isinstance(task.model_recipe.decode, Beam) else (Beam(), "beam")
    scores, others = task.scores(), TextTaskScores(task, other)
    readings = []
    for batch in batches:
        output = task.forward(model, batch)
        scores.update(output)
        others.update(output)
        rows = zip(batch["index"].tolist(), task.names(batch), task.read(output).tolist(), strict=True)
        readings += [_reading(task, split, index, name, ids) for index, name, ids in rows]
    readings.sort(key=lambda reading: (reading.right, -reading.edits, reading.place))
    confused = confusions(readings)
    found = scores.compute()
    return Examined(
        scores={"default": found, name: others.compute()},
        story=_story(found, confused),
        figures=[_over_lengths(readings), _by_character(readings), _by_confusion(confused)],
        wall=[_shown(task, split, reading) for reading in readings[:WALL]],
        samples=[
            {"name": one.name, "score": one.right, "edits": one.edits, "truth": one.truth, "read": one.read}
            for one in readings
        ],
    )


def _reading(task: TextTask, split: str, index: int, name: str, ids: Sequence[int]) -> Reading:
    truth, read = task.data.lines(split)[index], task.data.alphabet.text(ids)
    return Reading(index, name, truth, read, sum(pair.read != pair.truth for pair in align(read, truth)))


def confusions(readings: Iterable[Reading]) -> Counter[tuple[str, str]]:
    """How often each true character was read as another one; "" stands for nothing."""
    return Counter(
        (pair.truth or "", pair.read or "")
        for reading in readings
        for pair in align(reading.read, reading.truth)
        if pair.truth != pair.read
    )


def _shown(task: TextTask, split: str, reading: Reading) -> Shown:
    image = task.data.image(split, reading.place).permute(1, 2, 0).contiguous().numpy()
    note = f"{reading.edits} of {len(reading.truth)} characters to mend" if reading.edits else "read without a mistake"
    panels = {"image": line_picture(image), "truth and reading": reading_picture(reading.read, reading.truth)}
    return Shown(reading.name, reading.right, panels, note)


def _story(scores: dict[str, float], confused: Counter[tuple[str, str]]) -> str:
    exact, wrong = percent(scores["exact"]), percent(scores["cer"], fine=True)
    said = f"read {exact} of the lines without a mistake; {wrong} of the characters are wrong"
    for (truth, read), count in confused.most_common(1):
        said += f", most often {_quoted(truth)} read as {_quoted(read)} ({count} times)"
    return said


def _quoted(char: str) -> str:
    """How a character is written about in a sentence."""
    return f"“{_named(char)}”" if char else "nothing"


def _named(char: str) -> str:
    """How a character is written about in a figure."""
    return {"": "nothing", " ": "␣"}.get(char, char)


def _over_lengths(readings: Sequence[Reading]) -> Figure:
    """Error rate of shorter and longer lines, in groups of about as many lines."""
    ordered = sorted(readings, key=lambda reading: len(reading.truth))
    ends = [round(len(ordered) * i / GROUPS) for i in range(GROUPS + 1)]
    groups = [ordered[start:end] for start, end in pairwise(ends) if end > start]
    written = [sum(len(reading.truth) for reading in group) for group in groups]
    lengths = [total / len(group) for total, group in zip(written, groups, strict=True)]
    wrong = [sum(r.edits for r in group) / max(total, 1) for total, group in zip(written, groups, strict=True)]
    flawed = [sum(r.edits > 0 for r in group) / len(group) for group in groups]
    return {
        "kind": "lines",
        "title": "Errors by length",
        "lede": "Lines in groups of equal number, from the shortest to the longest.",
        "x": "characters in a line",
        "y": "share",
        "series": [
            {"name": "wrong characters", "x": lengths, "y": wrong},
            {"name": "lines with a mistake", "x": lengths, "y": flawed, "dashed": True},
        ],
    }


def _by_character(readings: Sequence[Reading]) -> Figure:
    """The characters that are missed most often, and how much of each that is."""
    written, missed = Counter[str](), Counter[str]()
    for reading in readings:
        written.update(reading.truth)
        pairs = align(reading.read, reading.truth)
        missed.update(pair.truth for pair in pairs if pair.truth is not None and pair.read != pair.truth)
    worst = [char for char, _ in missed.most_common(BARS)]
    return {
        "kind": "bars",
        "title": "Characters that are misread",
        "lede": "Those that cost most mistakes, with the share of each that was read as something else or as nothing.",
        "names": [_named(char) for char in worst],
        "series": [{"name": "misread", "values": [missed[char] / written[char] for char in worst]}],
        "unit": "share",
    }


def _by_confusion(confused: Counter[tuple[str, str]]) -> Figure:
    most = confused.most_common(BARS)
    return {
        "kind": "bars",
        "title": "What is read as what",
        "lede": "The most frequent mistakes: the truth, and what was read in its place.",
        "names": [f"{_named(truth)} → {_named(read)}" for (truth, read), _ in most],
        "series": [{"name": "times", "values": [count for _, count in most]}],
        "unit": "count",
    }
