"""What happened in a run, in sentences: the headline, its numbers, the milestones, the facts."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from piste.metrics.percent import SPACE
from piste.report.record import RunRecord
from piste.report.words import SPLITS, decimals, duration, found, grouped


class KeyNumber(NamedTuple):
    """A number to read first, and the same on the other split."""

    label: str
    value: str
    note: str


class Milestone(NamedTuple):
    """Something that changed the course of training."""

    epoch: str
    text: str
    kind: str


def judged_split(record: RunRecord) -> str:
    """The split that the headline is about: test where there is one, since nothing was chosen on it."""
    return "test" if record.scores("test", "default") else "val"


def headline(record: RunRecord) -> list[str]:
    """The sentences that say what happened, the most important one first."""
    if record.status == "failed":
        return [f"Failed: {record.of_kind('failure')[-1].get('text', '')}", *_so_far(record)]
    if not record.summary:
        return _so_far(record)
    split = judged_split(record)
    told = [f"On {_samples(record, split)} the model {_found(record, split)}."]
    if split == "test":
        told.append(f"On {_samples(record, 'val')}: {_found(record, 'val')}.")
    return told


class Story(NamedTuple):
    """One run among others: its name, where it was judged and its state, and what it finds."""

    name: str
    where: list[str]
    text: str


def comparison_story(record: RunRecord) -> Story:
    """What a run finds, in one line."""
    if not record.summary:
        return Story(record.name, [record.status], headline(record)[0])
    split = judged_split(record)
    text = _found(record, split)
    where = [f"on {_samples(record, split)}"]
    if record.status != "finished":
        where.append(record.status.replace("_", " "))
    return Story(record.name, where, f"{text[0].upper()}{text[1:]}.")


def key_numbers(record: RunRecord) -> list[KeyNumber]:
    """The scores that head the page."""
    measures = record.measures

    def numbers(scores: Mapping[str, float], other: Mapping[str, float], split: str) -> list[KeyNumber]:
        return [
            KeyNumber(
                measures.label(metric),
                measures.shown(metric, scores[metric]),
                f"validation {measures.shown(metric, other[metric])}" if metric in other else SPLITS[split],
            )
            for metric in measures.key
            if metric in scores
        ]

    if not record.summary:
        return numbers(record.metrics_at(-1), {}, "val")
    split = judged_split(record)
    other = record.scores("val", "default") if split == "test" else {}
    return numbers(record.scores(split, "default"), other, split)


def threshold_sentence(record: RunRecord) -> str:
    """What the best threshold would have bought where nothing was chosen; empty without one."""
    best = thresholds(record)
    split = judged_split(record)
    plain, chosen = (record.scores(split, c).get("f1", math.nan) for c in ("default", "best_threshold"))
    if not best or math.isnan(plain) or math.isnan(chosen):
        return ""
    named = ", ".join(
        f"{threshold:.4g}" if len(best) == 1 else f"{name} {threshold:.4g}" for name, threshold in best.items()
    )
    noun = "threshold" if len(best) == 1 else "thresholds"
    change = chosen - plain
    several = "" if len(best) > 1 else "s"
    verdict = f"move{several} F1 from" if abs(change) >= 0.0005 else f"leave{several} F1 at"
    tail = f"{decimals(plain)} to {decimals(chosen)}" if abs(change) >= 0.0005 else decimals(plain)
    return (
        f"The {noun} with the highest F1 on validation ({named} instead of 0.5) {verdict} {tail} "
        f"on {'the test images' if split == 'test' else 'validation itself'}."
    )


def thresholds(record: RunRecord) -> dict[str, float]:
    """The best threshold of each class, chosen on validation; empty where none was chosen."""
    best = (record.summary.get("thresholds") or {}).get("best") or {}
    return {str(name): float(value) for name, value in best.items()} if isinstance(best, dict) else {}


def milestones(record: RunRecord) -> list[Milestone]:
    """Phase changes, warnings, the best epoch, stops and failures, in order."""
    told = []
    for event in record.events:
        epoch = str(event.get("epoch", ""))
        match event["kind"]:
            case "phase":
                told.append(Milestone(epoch, f"{event['from']} \u2192 {event['to']}: {event['reason']}", "phase"))
            case "early_stop":
                told.append(
                    Milestone(epoch, "stopped early" + (f": {event['reason']}" if "reason" in event else ""), "stop")
                )
            case "warning":
                told.append(Milestone(epoch, str(event.get("text", "")), "warning"))
            case "resume":
                told.append(Milestone(epoch, "resumed", "resume"))
            case "failure":
                told.append(Milestone(epoch, str(event.get("text", "")), "failure"))
    best = record.of_kind("best")
    if best:
        last, measures = best[-1], record.measures
        metric = str(last["metric"])
        value = math.nan if last["value"] is None else float(last["value"])
        told.append(
            Milestone(
                str(last["epoch"]), f"best epoch, kept: {measures.label(metric)} {measures.text(metric, value)}", "best"
            )
        )
    return sorted(told, key=lambda milestone: int(milestone.epoch) if milestone.epoch else math.inf)


def facts(record: RunRecord) -> list[str]:
    """Short facts about the run: how long, how big, on what."""
    start, summary = record.start, record.summary
    epochs, steps = len(record.epochs), max((int(e.get("step") or 0) for e in record.events), default=0)
    planned = start.get("epochs")
    told = [
        f"{epochs}{f' of {planned}' if planned and planned != epochs else ''} epoch{'s' * (epochs != 1)}, {steps} steps"
    ]
    seconds = summary.get("seconds") or sum(event.get("seconds") or 0.0 for event in record.epochs)
    if seconds:
        told.append(duration(float(seconds)))
    model = record.recipe.get("model")
    if isinstance(model, dict) and "name" in model:
        told.append(" ".join(str(model[key]) for key in ("name", "encoder", "backbone") if model.get(key)))
    parameters = summary.get("parameters") or start.get("parameters")
    if parameters:
        told.append(
            f"{parameters / 1e6:.1f}{SPACE}M parameters" if parameters >= 1e6 else f"{grouped(parameters)} parameters"
        )
    if start.get("train_images"):
        train, val = (grouped(int(start.get(key) or 0)) for key in ("train_images", "val_images"))
        told.append(f"{train} training and {val} validation images")
    if start.get("device"):
        told.append(str(start["device"]))
    if record.events:
        began = datetime.fromtimestamp(record.events[0]["time"]).astimezone()
        told.append(f"{began.day} {began:%B %Y, %H:%M}")
    return told


def _so_far(record: RunRecord) -> list[str]:
    if not record.epochs:
        steps = record.of_kind("step")
        return [f"No epoch has ended yet; {len(steps)} steps so far."]
    done, planned = record.epochs[-1]["epoch"], record.start.get("epochs")
    found_so_far = _in_words(record, record.metrics_at(-1), {})
    return [f"After {done}{f' of {planned}' if planned else ''} epochs, on validation: {found_so_far}."]


def _samples(record: RunRecord, split: str) -> str:
    """The images of a split, with their number where it is known; what is told of are not images in every task."""
    count, images = record.samples(split), record.start.get("val_images")
    if count and images not in (None, record.samples("val")):
        return SPLITS[split]
    return f"{grouped(count) if count else 'the'} {SPLITS[split]} images"


def _found(record: RunRecord, split: str) -> str:
    """What the model does on a split: as its task tells it, else in the words that its scores allow."""
    told = record.summary.get("story")
    if isinstance(told, dict) and told.get(split):
        return str(told[split]).rstrip(".")
    objects: Any = record.evaluated(split).get("objects") or {}
    return _in_words(record, record.scores(split, "default"), objects.get("default", objects))


def _in_words(record: RunRecord, scores: Mapping[str, float], objects: Mapping[str, Any]) -> str:
    """Scores as a sentence without its subject: of pixels what was found, of anything else the key metrics."""
    if {"iou", "precision", "recall"} <= set(scores):
        return found(scores, record.foreground, objects)
    measures = record.measures
    return "reached " + ", ".join(
        f"{measures.label(metric)} {measures.shown(metric, scores[metric])}"
        for metric in measures.key
        if metric in scores
    )
