"""What detection brings to a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from piste.data.script.boxes import boxes_as_code
from piste.data.script.text import block
from piste.losses import IoUBalancedClassification, IoUBalancedLocalization
from piste.models.detection.architectures import ARCHITECTURES
from piste.models.detection.script import detector_as_code
from piste.tasks.base.scripted import Scripted
from piste.tasks.detection.one_stage_pass import one_stage
from piste.tasks.detection.two_stage_pass import two_stages

if TYPE_CHECKING:
    from piste.tasks.detection.task import DetectionTask

BALANCED = (IoUBalancedClassification, IoUBalancedLocalization)
"""Losses that read the IoU that boxes reach."""

METRICS = ("ap", "ap50", "ap75", "precision", "recall", "f1", "count_error")


def scripted(task: DetectionTask) -> Scripted:
    """Images with boxes, a detector of torchvision's, its losses by part, and the scores of boxes.

    Raises:
        ValueError: names what can't be written.
    """
    names, model = list(task.data.class_names), task.model_recipe
    exclusive = task.predicted["classification"].activation == "softmax"
    network = detector_as_code(model)
    terms = [term for phase in task.objective().order for term in phase.parts if term.part is not None]
    priced = {term.part for term in terms if term.part is not None}
    priced |= {f"iou of {term.part}" for term in terms if isinstance(term.loss, BALANCED)}
    two = ARCHITECTURES[model.name].two_stage
    images = boxes_as_code(task.data, first=int(exclusive))
    if two:
        parts, forward, calls = two_stages(priced, len(names), crowded=images.crowded)
    else:
        parts, forward, calls = one_stage(model, priced, len(names), crowded=images.crowded)
    numbers = "enumerate(CLASSES, start=1)" if exclusive else "enumerate(CLASSES)"
    return Scripted(
        constants=images.constants,
        code=[
            *images.code,
            *network,
            *forward,
            block(COUNT),
            block(TALLY_CROWDED if images.crowded else TALLY),
            block(SCORES.replace("NUMBERED", numbers)),
        ],
        lists=images.lists,
        given=("matched",),
        kind="Matched",
        parts=parts,
        calls=calls,
        counted="len(images)",
        batch=("images", "targets"),
        judged=("matched", "targets"),
        empty="[]",
        metrics=METRICS,
        collate="side_by_side",
    )


COUNT = '''
    def count(matched: Matched, targets: list[dict[str, Tensor]]) -> list[tuple[dict[str, Tensor], dict[str, Tensor]]]:
        """What is found in each image, and what is there."""
        found = [{name: values.cpu() for name, values in each.items()} for each in matched.found]
        return list(zip(found, targets, strict=True))
'''

TALLY = '''
    def tally(found: dict[str, Tensor], target: dict[str, Tensor], label: int) -> list[int]:
        """Hits, boxes with a score of 0.5 or more, and objects of a class in an image."""
        boxes = found["boxes"][(found["labels"] == label) & (found["scores"] >= 0.5)]
        objects = target["boxes"][target["labels"] == label]
        hits, ious = 0, torchvision.ops.box_iou(boxes, objects)
        for row in ious if len(objects) else ():  # the surest box first
            if row.max() >= 0.5:
                hits += 1
                ious[:, row.argmax()] = 0  # an object is hit once
        return [hits, len(boxes), len(objects)]
'''

TALLY_CROWDED = '''
    def inside(boxes: Tensor, crowds: Tensor) -> Tensor:
        """The share of each box that lies in each of some others, [n, m]."""
        low, high = torch.maximum(boxes[:, None, :2], crowds[:, :2]), torch.minimum(boxes[:, None, 2:], crowds[:, 2:])
        return (high - low).clamp(min=0).prod(2) / (boxes[:, 2:] - boxes[:, :2]).prod(1)[:, None].clamp(min=1e-12)


    def tally(found: dict[str, Tensor], target: dict[str, Tensor], label: int) -> list[int]:
        """Hits, boxes with a score of 0.5 or more that are not in a crowd, and objects of a class in an image."""
        boxes = found["boxes"][(found["labels"] == label) & (found["scores"] >= 0.5)]
        objects, crowds = (target["boxes"][(target["labels"] == label) & (target["iscrowd"] == i)] for i in (0, 1))
        hits, ious, crowded = 0, torchvision.ops.box_iou(boxes, objects), (inside(boxes, crowds) >= 0.5).any(1)
        for i, row in enumerate(ious):  # the surest box first
            if len(row) and row.max() >= 0.5:
                hits += 1
                ious[:, row.argmax()] = 0  # an object is hit once
                crowded[i] = False
        return [hits, len(boxes) - int(crowded.sum()), len(objects)]
'''

SCORES = '''
    def scores(images: list[tuple[dict[str, Tensor], dict[str, Tensor]]]) -> dict[str, float]:
        """COCO's average precision, and what the boxes with a score of 0.5 or more are worth."""
        recalls = np.linspace(0, 1, 101).tolist()  # not in float32, in which some are passed by
        judge = MeanAveragePrecision(backend="faster_coco_eval", rec_thresholds=recalls)
        judge.warn_on_many_detections = False  # the best hundred of an image count, as COCO has it
        judge.update(*map(list, zip(*images, strict=True)))
        said = judge.compute()
        names = {"ap": "map", "ap50": "map_50", "ap75": "map_75"}
        values = {name: said[key].item() if said[key] >= 0 else float("nan") for name, key in names.items()}
        by_class = {}
        for label, name in NUMBERED:
            counts = torch.tensor([tally(*each, label) for each in images], dtype=torch.float64)
            hits, boxes, objects = counts.sum(0).tolist()
            if boxes + objects:
                by_class[f"precision/{name}"] = hits / max(boxes, 1)
                by_class[f"recall/{name}"] = hits / max(objects, 1)
                by_class[f"f1/{name}"] = 2 * hits / (boxes + objects)
                by_class[f"count_error/{name}"] = (counts[:, 1] - counts[:, 2]).abs().mean().item()
        for metric in ("precision", "recall", "f1", "count_error"):
            each = [value for name, value in by_class.items() if name.startswith(f"{metric}/")]
            values[metric] = sum(each) / len(each) if each else float("nan")
        return values | by_class
'''
