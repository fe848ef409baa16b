"""What happened in a run, in sentences: the headline, its numbers, the milestones, the facts."""

import math
from datetime import datetime
from typing import Any, NamedTuple

from piste.report.record import RunRecord
from piste.report.words import SPACE, SPLITS, decimals, duration, found, label, percent

KEY_METRICS = ("iou", "f1", "precision", "recall", "average_precision", "object_f1")


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
    images = len(record.evaluated(split).get("images") or [])
    where = f"On {images or 'the'} {SPLITS[split]} images the model "
    told = [where + _found(record, split) + "."]
    if split == "test":
        images = len(record.evaluated("val").get("images") or [])
        told.append(f"On {images or 'the'} validation images: {_found(record, 'val')}.")
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
    where = [f"on {len(record.evaluated(split).get('images') or []) or 'the'} {SPLITS[split]} images"]
    if record.status != "finished":
        where.append(record.status.replace("_", " "))
    return Story(record.name, where, f"{text[0].upper()}{text[1:]}.")


def key_numbers(record: RunRecord) -> list[KeyNumber]:
    """The scores that head the page."""
    if not record.summary:
        scores = record.metrics_at(-1)
        return [KeyNumber(label(m), _shown(m, scores[m]), "validation") for m in KEY_METRICS if m in scores]
    split = judged_split(record)
    other = record.scores("val", "default") if split == "test" else {}
    scores = record.scores(split, "default")
    return [
        KeyNumber(label(m), _shown(m, scores[m]), f"validation {_shown(m, other[m])}" if m in other else SPLITS[split])
        for m in KEY_METRICS
        if m in scores
    ]


def threshold_sentence(record: RunRecord) -> str:
    """What the best threshold would have bought where nothing was chosen; empty without one."""
    best = record.summary.get("thresholds", {}).get("best") or {}
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
        last = best[-1]
        value = math.nan if last["value"] is None else float(last["value"])
        told.append(
            Milestone(str(last["epoch"]), f"best epoch, kept: {label(last['metric'])} {decimals(value)}", "best")
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
        told.append(" ".join(str(model[key]) for key in ("name", "encoder") if model.get(key)))
    parameters = summary.get("parameters") or start.get("parameters")
    if parameters:
        told.append(f"{parameters / 1e6:.1f}{SPACE}M parameters" if parameters >= 1e5 else f"{parameters} parameters")
    if start.get("train_images"):
        told.append(f"{start['train_images']} training and {start.get('val_images', 0)} validation images")
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
    found_so_far = found(record.metrics_at(-1), record.foreground, {})
    return [f"After {done}{f' of {planned}' if planned else ''} epochs, on validation: {found_so_far}."]


def _found(record: RunRecord, split: str) -> str:
    objects: Any = record.evaluated(split).get("objects") or {}
    return found(record.scores(split, "default"), record.foreground, objects.get("default", objects))


def _shown(metric: str, value: float) -> str:
    return decimals(value) if metric in ("iou", "f1", "average_precision", "object_f1") else percent(value)
