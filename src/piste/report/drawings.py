"""The figures that a task asks for, from plain types to pictures; a broken one is noted, and the rest is drawn."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from piste.names import nearest
from piste.report.canvas import HALF, Picture, picture
from piste.report.figures.bars import Bars
from piste.report.figures.confusion import Confusion
from piste.report.figures.drawing import Drawing
from piste.report.figures.lines import Lines
from piste.report.figures.points import Points
from piste.report.record import RunRecord
from piste.report.words import SPLITS

KINDS: dict[str, type[Drawing]] = {each.kind: each for each in (Confusion, Lines, Points, Bars)}


class Asked(NamedTuple):
    """A figure under its title: of one split, or of both side by side."""

    title: str
    lede: str
    pictures: list[tuple[str, Picture]]


def asked_figures(record: RunRecord, folder: Path, troubles: list[str]) -> list[list[Asked]]:
    """What the task asked to be drawn, in rows: a figure of validation and of test, or two that are of one split.

    Args:
        record: the run.
        folder: where the PNG go.
        troubles: is told of the figures that can't be drawn.
    """
    found: dict[tuple[str, str], dict[str, Drawing]] = {}
    for split in SPLITS:
        figures = record.evaluated(split).get("figures") or []
        for place, document in enumerate(figures if isinstance(figures, list) else []):
            try:
                drawing = read_drawing(document)
            except ValueError as error:
                troubles.append(f"figure {place + 1} of {SPLITS[split]} ({error})")
                continue
            same = found.setdefault((drawing.kind, drawing.title), {})
            if split in same:
                found[drawing.kind, f"{drawing.title} {place}"] = {split: drawing}
            else:
                same[split] = drawing
    rows: list[list[Asked]] = []
    for place, by_split in enumerate(found.values()):
        asked = _asked(place, by_split, folder)
        alone = len(asked.pictures) == 1
        if alone and rows and len(rows[-1]) == 1 and len(rows[-1][0].pictures) == 1:
            rows[-1].append(asked)
        else:
            rows.append([asked])
    return rows


def read_drawing(document: Any) -> Drawing:
    """A figure from plain types.

    Raises:
        ValueError: what is wrong with it, in a few words.
    """
    if not isinstance(document, Mapping):
        raise ValueError("not a mapping")
    kind = KINDS.get(str(document.get("kind")))
    if kind is None:
        raise ValueError(f"no kind {document.get('kind')!r}; {nearest(str(document.get('kind')), list(KINDS))}")
    try:
        return kind.model_validate({key: value for key, value in document.items() if key != "kind"})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"{where}: {first['msg']}" if where else first["msg"]) from error


def _asked(place: int, by_split: Mapping[str, Drawing], folder: Path) -> Asked:
    first = next(iter(by_split.values()))
    pictures = []
    for split, drawing in by_split.items():
        told = f"{drawing.told()}, on {SPLITS[split]}"
        pictures.append((SPLITS[split], picture(f"{first.kind}_{place + 1}_{split}", told, drawing.draw, HALF, folder)))
    return Asked(first.title, first.lede, pictures)
