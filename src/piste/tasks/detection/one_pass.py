"""One pass of a detector as code: what it says, beside what it should say, in the form that losses take."""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from piste.data.script.text import block, indented
from piste.models.detection.fcos import smallest_around
from piste.models.detection.matched import overlap
from piste.models.detection.recipe import DetectionModelRecipe
from piste.tasks.base.scripted import ScriptedPart

Written = tuple[Mapping[str, ScriptedPart], list[str], Mapping[str, Callable[..., Any]]]
"""What losses of each part are called with; code that defines `Matched` and `forward`; functions of ours it calls."""


class Field(NamedTuple):
    """Something that losses are handed.

    Args:
        name: of the field of `Matched`.
        told: what it is, and its shape.
        value: of it, as code.
        before: lines that lead there.
    """

    name: str
    told: str
    value: str
    before: str = ""


def one_pass(recipe: DetectionModelRecipe, priced: Collection[str], classes: int) -> Written:
    """`forward(model, images, targets)`, which returns `Matched`, for a detector of one stage.

    Args:
        recipe: of the network.
        priced: the parts that losses price, and in which form.
        classes: of objects.
    """
    exclusive, by_image = recipe.name == "ssd", recipe.normalizer == "image"
    fields: dict[str, Field] = {}
    parts = {}
    for part, form in _forms(recipe, classes, exclusive=exclusive, by_image=by_image).items():
        if part in priced:
            parts[part], own = form
            fields |= {each.name: each for each in own}
    calls: dict[str, Callable[..., Any]] = {"overlap": overlap} if "worth" in fields else {}
    calls |= {"smallest_around": smallest_around} if recipe.name == "fcos" else {}
    code = [
        _matched(fields.values()),
        *([block(ASSIGNED)] if recipe.name != "fcos" else []),
    ]
    return (
        parts,
        [*code, _forward(recipe, fields)],
        calls,
    )


def _forms(
    recipe: DetectionModelRecipe, classes: int, *, exclusive: bool, by_image: bool
) -> dict[str, tuple[ScriptedPart, list[Field]]]:
    """What losses of each part and form are called with, and the fields that hold it."""
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
    decode = (
        "model.box_coder.decode(offsets, at)" if recipe.name == "fcos" else "model.box_coder.decode_single(offsets, at)"
    )
    boxes = boxes._replace(before=FOUND.replace("DECODED", decode))
    worth = worth._replace(before=FOUND.replace("DECODED", decode) + WORTH)
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


def _scales(recipe: DetectionModelRecipe, *, exclusive: bool, by_image: bool) -> tuple[Field, Field]:
    """What anchors count, and what those that have an object do."""
    told = "what each anchor counts"
    one = "" if exclusive else ".unsqueeze(1)"
    if recipe.name == "retinanet":
        shape = "[N, 1, A]"
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


def _matched(fields: Collection[Field]) -> str:
    rows = [f"    {field.name}: Tensor  # {field.told}" for field in fields]
    rows.append("    found: list[dict[str, Tensor]]  # what the network finds in each image, where it does not train")
    told = '    """What the network says of N images with A anchors each, and should say; P of these have an object."""'
    return "\n".join(["class Matched(NamedTuple):", told, "", *rows])


def _forward(recipe: DetectionModelRecipe, fields: Mapping[str, Field]) -> str:
    lines = block(PASS).splitlines()
    if recipe.name == "fcos":
        lines = block(PASS_OF_PLACES).splitlines()
    body = dict.fromkeys(line for field in fields.values() for line in _blocks(field.before))
    code = "\n".join((*body, *(field.value for field in fields.values())))
    taken = {"at": "anchors[positive]", "offsets": 'outputs["bbox_regression"][positive]'}
    taken = {name: value for name, value in taken.items() if re.search(rf"\b{name}\b", code)}
    if taken:
        lines.append(f"{', '.join(taken)} = {', '.join(taken.values())}")
    lines += body
    lines += ["return Matched(", *(f"    {field.name}={field.value}," for field in fields.values())]
    lines += ["    found=[] if model.training else model(images),", ")"]
    told = "One pass, in which each anchor is matched to the object that covers it best."
    if recipe.name == "fcos":
        told = "One pass, in which each place stands for the smallest object around it."
    head = "def forward(model: nn.Module, images: list[Tensor], targets: list[dict[str, Tensor]]) -> Matched:"
    return "\n".join([head, f'    """{told}"""', indented(lines)])


def _blocks(before: str) -> list[str]:
    return [line for line in before.splitlines() if line.strip()]


ASSIGNED = '''
    def assigned(model: nn.Module, anchors: Tensor, boxes: Tensor) -> Tensor:
        """The object of each anchor by its place in the list; below 0 for none."""
        if len(boxes) == 0:
            return torch.full((len(anchors),), -1, device=anchors.device)
        return model.proposal_matcher(torchvision.ops.box_iou(boxes, anchors))
'''

PASS = """
    images = [image.to(DEVICE) for image in images]
    targets = [{name: values.to(DEVICE) for name, values in target.items()} for target in targets]
    shown, placed = model.transform(images, targets)
    maps = list(model.backbone(shown.tensors).values())
    outputs = model.head(maps)
    anchors = torch.stack(model.anchor_generator(shown, maps))
    pairs = zip(anchors, placed, strict=True)
    index = torch.stack([assigned(model, each, target["boxes"]) for each, target in pairs])
    positive = index >= 0
    classes, boxes = (
        torch.cat([target[name][each[each >= 0]] for each, target in zip(index, placed, strict=True)])
        for name in ("labels", "boxes")
    )
"""

PASS_OF_PLACES = PASS.replace(
    """    pairs = zip(anchors, placed, strict=True)
    index = torch.stack([assigned(model, each, target["boxes"]) for each, target in pairs])
""",
    """    levels, radius = [each.shape[2] * each.shape[3] for each in maps], model.center_sampling_radius
    pairs = zip(anchors, placed, strict=True)
    index = torch.stack([smallest_around(each, target["boxes"], levels, radius) for each, target in pairs])
""",
)

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
