"""A run in one line of a list: what it trains, how far it is, and how good it was."""

import json
from pathlib import Path
from typing import NamedTuple

import yaml

from piste.report.artefacts import read_mapping, read_text
from piste.report.measures import Measures
from piste.report.record import status_of
from piste.training.events import read_events


class Listed(NamedTuple):
    """What a list says of a run; texts are empty where there is nothing to say yet."""

    name: str
    task: str
    status: str
    epoch: int
    best: str
    best_epoch: str


def listed(folder: Path) -> Listed:
    """A line of the list, without looking at pictures or curves.

    Raises:
        ValueError: its event log is damaged before the last line.
    """
    events, _ = read_events(folder / "events.jsonl")
    summary = read_mapping(json.loads, read_text(folder / "summary.json", []), "summary.json", [])
    recipe = read_mapping(yaml.safe_load, read_text(folder / "recipe.yaml", []), "recipe.yaml", [])
    start = next((event for event in events if event["kind"] == "start"), {})
    best = next((event for event in reversed(events) if event["kind"] == "best"), None)
    measures = Measures.declared(summary, start)
    return Listed(
        folder.name,
        str(recipe.get("task") or ""),
        status_of(summary, events),
        max((event["epoch"] for event in events if event["kind"] == "epoch"), default=0),
        f"{best['metric']} {measures.text(best['metric'], float(best['value']))}" if best else "",
        str(best["epoch"]) if best else "",
    )
