"""One pass of a detector of one stage as code: what it says, beside what it should say, as losses take it."""

from collections.abc import Callable, Collection
from typing import Any

from piste.data.script.text import block
from piste.models.detection.fcos import smallest_around
from piste.models.detection.matched import overlap
from piste.models.detection.recipe import DetectionModelRecipe
from piste.tasks.base.scripted import ScriptedPart
from piste.tasks.detection.fields import Field, Forms, Written, chosen, forward_as_code, matched_as_code


def one_stage(recipe: DetectionModelRecipe, priced: Collection[str], classes: int, *, crowded: bool) -> Written:
    """The pass of RetinaNet, FCOS or SSD.

    Args:
        recipe: of the network.
        priced: the parts that losses price, and in which form.
        classes: of objects.
        crowded: whether some objects count for nothing.
    """
    found = FOUND.replace("DECODED", _decoded(recipe))
    told = "the IoU that the box of each anchor reaches, [N, A]"
    beside = {
        "classification": Field("iou", told, "iou", found + IOU),
        "box": Field("reached", "the IoU that these boxes reach, [P]", "overlap(predicted.detach(), boxes)", found),
    }
    parts, fields = chosen(_forms(recipe, classes), priced, beside)
    calls: dict[str, Callable[..., Any]] = {}
    if {"worth", "iou", "reached"} & {field.name for field in fields}:
        calls["overlap"] = overlap
    told, matching = "One pass, in which each anchor is matched to the object that covers it best.", ASSIGN
    if recipe.name == "fcos":
        calls["smallest_around"] = smallest_around
        told, matching = "One pass, in which each place stands for the smallest object around it.", ASSIGN_PLACES
    code = [
        matched_as_code("What N images with A anchors each get and should get; P anchors have an object.", fields),
        *([block(ASSIGNED)] if recipe.name != "fcos" else []),
        forward_as_code(
            told,
            fields,
            f"{block(LOOK)}\n{block(matching)}\n{block(GATHER)}",
            {"at": "anchors[positive]", "offsets": 'outputs["bbox_regression"][positive]'},
            crowded=crowded,
        ),
    ]
    return parts, code, calls


def _forms(recipe: DetectionModelRecipe, classes: int) -> Forms:
    """What losses may be handed."""
    exclusive, by_image = recipe.name == "ssd", recipe.normalizer == "image"
    logits = Field(
        "logits", "scores of the classes for each anchor, [N, C, A]", 'outputs["cls_logits"].transpose(1, 2)'
    )
    labels = Field("labels", "whether the anchor's object is of the class, [N, C, A]", "labels.transpose(1, 2)", LABELS)
    if exclusive:
        told = "the class of the anchor's object, 0 for none, [N, A]"
        labels = Field("labels", told, "labels", LABELS_EXCLUSIVE)
        logits = logits._replace(told="scores of no object and of the classes for each anchor, [N, C, A]")
    worth = Field(
        "worth", "the IoU of the anchor's box where its object is of the class", "worth.transpose(1, 2)", WORTH
    )
    scale, box_scale = _scales(recipe, exclusive=exclusive, by_image=by_image)
    boxes = Field("boxes", "what the network makes of the anchors that have an object, [P, 4]", "predicted", FOUND)
    true_boxes = Field("true_boxes", "the boxes of these objects, [P, 4]", "boxes")
    offsets = Field("offsets", "how the network moves the anchors that have an object, [P, 4]", "offsets")
    encode = (
        "model.box_coder.encode(at, boxes)" if recipe.name == "fcos" else "model.box_coder.encode_single(boxes, at)"
    )
    true_offsets = Field("true_offsets", "how it should move them, [P, 4]", encode)
    found = FOUND.replace("DECODED", _decoded(recipe))
    boxes = boxes._replace(before=found)
    worth = worth._replace(before=found + WORTH)
    centerness = Field(
        "centerness", "scores of being central in an object, [P, 1]", 'outputs["bbox_ctrness"][positive]'
    )
    centred = Field("central", "how central the anchor is: 1 in the middle, 0 on a side, [P, 1]", "central", CENTRAL)
    all_offsets = Field("all_offsets", "how the network moves every anchor, [N, A, 4]", 'outputs["bbox_regression"]')
    all_true = Field("all_true_offsets", "how it should move those that have an object, [N, A, 4]", "moves", MOVES)
    activation = "softmax" if exclusive else "sigmoid"
    scored: dict[str, Any] = {"activation": activation, "classes": classes + exclusive, "axes": 1}
    price, box_price = f"matched.{scale.name}", f"matched.{box_scale.name}"
    row = f"{box_price}.unsqueeze(1)" if by_image else box_price
    given = ("logits", "target", "scale")
    return {
        "classification": (
            ScriptedPart(given, ("matched.logits", "matched.labels", price), **scored),
            [logits, labels, scale],
        ),
        "classification.quality": (
            ScriptedPart(given, ("matched.logits", "matched.worth", price), **scored, soft=True),
            [logits, worth, scale],
        ),
        "box": (
            ScriptedPart(("offsets", "target", "scale"), ("matched.offsets", "matched.true_offsets", box_price)),
            [offsets, true_offsets, box_scale],
        ),
        "box.corners": (
            ScriptedPart(("boxes", "target", "scale"), ("matched.boxes", "matched.true_boxes", box_price)),
            [boxes, true_boxes, box_scale],
        ),
        "box.numbers": (
            ScriptedPart(("prediction", "target", "scale"), ("matched.offsets", "matched.true_offsets", row)),
            [offsets, true_offsets, box_scale],
        ),
        "centerness": (
            ScriptedPart(given, ("matched.centerness", "matched.central", row), soft=True),
            [centerness, centred, box_scale],
        ),
        "anchors": (
            ScriptedPart(
                ("logits", "offsets", "labels", "target"),
                ("matched.logits", "matched.all_offsets", "matched.labels", "matched.all_true_offsets"),
                **scored,
            ),
            [logits, all_offsets, labels, all_true],
        ),
    }


def _decoded(recipe: DetectionModelRecipe) -> str:
    """What the network makes of anchors, as code."""
    decode = "decode" if recipe.name == "fcos" else "decode_single"
    return f"model.box_coder.{decode}(offsets, at)"


def _scales(recipe: DetectionModelRecipe, *, exclusive: bool, by_image: bool) -> tuple[Field, Field]:
    """What anchors count, and what those that have an object do."""
    told = "what each anchor counts"
    one = "" if exclusive else ".unsqueeze(1)"
    if recipe.name == "retinanet":
        shape = "[N, 1, A]"
        told = f"{told}, 0 where it meets an object half-way"
        scale = Field("scale", f"{told}, {shape}", "(scale * (index != -2)).unsqueeze(1)", SCALE[by_image])
    elif by_image:
        scale = Field("scale", f"{told}, [N, 1{'' if exclusive else ', 1'}]", f"scale{one}", SCALE[True])
    else:
        scale = Field("scale", told, "scale", SCALE[False])
        return scale, scale
    if by_image:
        value = "scale.expand_as(index)[positive]"
        return scale, Field("box_scale", "what each of those that have an object counts, [P]", value, SCALE[True])
    return scale, Field("box_scale", "what each of those that have an object counts", "scale", SCALE[False])


ASSIGNED = '''
    def assigned(model: nn.Module, anchors: Tensor, boxes: Tensor) -> Tensor:
        """The object of each anchor by its place in the list; below 0 for none."""
        if len(boxes) == 0:
            return torch.full((len(anchors),), -1, device=anchors.device)
        return model.proposal_matcher(torchvision.ops.box_iou(boxes, anchors))
'''

LOOK = """
    maps = list(model.backbone(shown.tensors).values())
    outputs = model.head(maps)
    anchors = torch.stack(model.anchor_generator(shown, maps))
"""

ASSIGN = """
    pairs = zip(anchors, placed, strict=True)
    index = torch.stack([assigned(model, each, target["boxes"]) for each, target in pairs])
"""

ASSIGN_PLACES = """
    levels, radius = [each.shape[2] * each.shape[3] for each in maps], model.center_sampling_radius
    pairs = zip(anchors, placed, strict=True)
    index = torch.stack([smallest_around(each, target["boxes"], levels, radius) for each, target in pairs])
"""

GATHER = """
    positive = index >= 0
    classes, boxes = (
        torch.cat([target[name][each[each >= 0]] for each, target in zip(index, placed, strict=True)])
        for name in ("labels", "boxes")
    )
"""

LABELS = """
labels = torch.zeros_like(outputs["cls_logits"], dtype=torch.bool)
labels[positive] = F.one_hot(classes, len(CLASSES)).bool()
"""

LABELS_EXCLUSIVE = """
labels = torch.zeros_like(index)
labels[positive] = classes
"""

FOUND = """
predicted = DECODED
"""

WORTH = """
worth = torch.zeros_like(outputs["cls_logits"])
worth[positive] = F.one_hot(classes, len(CLASSES)) * overlap(predicted.detach(), boxes).unsqueeze(1)
"""

IOU = """
iou = torch.zeros_like(anchors[..., 0])
iou[positive] = overlap(predicted.detach(), boxes)
"""

CENTRAL = """
left, top, right, bottom = model.box_coder.encode(at, boxes).unbind(1)
across = torch.minimum(left, right) / torch.maximum(left, right)
central = (across * torch.minimum(top, bottom) / torch.maximum(top, bottom)).sqrt().unsqueeze(1)
"""

MOVES = """
moves = torch.zeros_like(outputs["bbox_regression"])
moves[positive] = model.box_coder.encode_single(boxes, at)
"""

SCALE = {
    True: """
scale = 1 / (positive.sum(1, keepdim=True).clamp(min=1) * len(images))
""",
    False: """
scale = 1 / positive.sum().clamp(min=1)
""",
}
"""What an anchor counts, by whether each image counts alike."""
