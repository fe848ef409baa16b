"""One pass of a detector of two stages as code: what it says, beside what it should say, as losses take it."""

from collections.abc import Collection, Mapping

from piste.tasks.base.scripted import ScriptedPart
from piste.tasks.detection.fields import Field, Forms, Written, chosen, forward_as_code, matched_as_code


def two_stages(priced: Collection[str], classes: int, *, crowded: bool) -> Written:
    """The pass of Faster R-CNN.

    Args:
        priced: the parts that losses price, and in which form.
        classes: of objects.
        crowded: whether some objects count for nothing.
    """
    parts, fields = chosen(_forms(classes), priced)
    code = [
        matched_as_code("What S anchors and R proposals get and should get, those that were drawn for it.", fields),
        forward_as_code(
            "One pass, in which some anchors and proposals are drawn to learn from.",
            fields,
            PASS,
            TAKEN,
            spared=("index", "targeted", "truth"),
            crowded=crowded,
        ),
    ]
    return parts, code, {}


def _forms(classes: int) -> Forms:
    """What losses may be handed."""
    logits = Field("logits", "scores of no object and of the classes for each proposal, [R, C]", "logits")
    labels = Field("labels", "the class of its object, 0 for none, [R]", "labels")
    scale = Field("scale", "what each proposal counts", "logits.new_tensor(1 / max(len(logits), 1))")
    objectness = Field("objectness", "scores of being an object for each anchor, [S, 1]", "objectness[drawn]")
    there = Field("there", "whether it is one, [S, 1]", "wanted[drawn].unsqueeze(1)", DRAWN)
    anchor_scale = Field("anchor_scale", "what each anchor counts", "1 / drawn.sum().clamp(min=1)", DRAWN)
    return {
        "classification": (
            ScriptedPart(
                ("logits", "target", "scale"),
                ("matched.logits", "matched.labels", "matched.scale"),
                activation="softmax",
                classes=classes + 1,
            ),
            [logits, labels, scale],
        ),
        "objectness": (
            ScriptedPart(
                ("logits", "target", "scale"), ("matched.objectness", "matched.there", "matched.anchor_scale")
            ),
            [objectness, there, anchor_scale],
        ),
        **_of_boxes("box", "", "proposals", scale, BOXES),
        **_of_boxes("proposal_box", "anchor_", "anchors", anchor_scale, ANCHOR_BOXES),
    }


def _of_boxes(part: str, own: str, whose: str, scale: Field, values: Mapping[str, str]) -> Forms:
    """The boxes of one stage: as offsets, number by number, and as corners.

    Args:
        part: its name.
        own: the start of the names of its fields.
        whose: what the boxes are made of.
        scale: what each counts.
        values: the values of fields, as code.
    """
    offsets = Field(f"{own}offsets", f"how the network moves {whose} that have an object", values["offsets"])
    true_offsets = Field(f"true_{own}offsets", "how it should move them", values["true_offsets"])
    boxes = Field(f"{own}boxes", f"what the network makes of {whose} that have an object", values["boxes"])
    told = "the boxes of these objects"
    true_boxes = Field(f"true_{own}boxes", told, values["true_boxes"], "" if own else TRUE_BOXES)
    of_offsets = (f"matched.{offsets.name}", f"matched.{true_offsets.name}", f"matched.{scale.name}")
    of_corners = (f"matched.{boxes.name}", f"matched.{true_boxes.name}", f"matched.{scale.name}")
    return {
        part: (ScriptedPart(("offsets", "target", "scale"), of_offsets), [offsets, true_offsets, scale]),
        f"{part}.numbers": (
            ScriptedPart(("prediction", "target", "scale"), of_offsets),
            [offsets, true_offsets, scale],
        ),
        f"{part}.corners": (ScriptedPart(("boxes", "target", "scale"), of_corners), [boxes, true_boxes, scale]),
    }


PASS = """
    maps, rpn, heads = model.backbone(shown.tensors), model.rpn, model.roi_heads
    scored, steps = rpn.head(list(maps.values()))
    anchors = rpn.anchor_generator(shown, list(maps.values()))
    levels = [each[0].numel() for each in scored]
    objectness, steps = concat_box_prediction_layers(scored, steps)
    proposals = rpn.box_coder.decode(steps.detach(), anchors).view(len(images), -1, 4)
    proposals, _ = rpn.filter_proposals(proposals, objectness, shown.image_sizes, levels)
    states, truth = rpn.assign_targets_to_anchors(anchors, placed)
    wanted, unwanted = (torch.cat(each).bool() for each in rpn.fg_bg_sampler(states))
    proposals, index, kinds, targeted = heads.select_training_samples(proposals, placed)
    logits, moves = heads.box_predictor(heads.box_head(heads.box_roi_pool(maps, proposals, shown.image_sizes)))
    labels = torch.cat(kinds)
    positive = labels > 0
"""

DRAWN = """
drawn = wanted | unwanted
"""

TRUE_BOXES = """
pairs = zip(placed, index, kinds, strict=True)
boxes = torch.cat([target["boxes"][each[kind > 0]] for target, each, kind in pairs])
"""

TAKEN = {
    "at": "torch.cat(proposals)[positive]",
    "offsets": "moves.view(len(labels), -1, 4)[positive, labels[positive]]",
    "anchored": "torch.cat(anchors)[wanted]",
}

BOXES = {
    "offsets": "offsets",
    "true_offsets": "torch.cat(targeted)[positive]",
    "boxes": "heads.box_coder.decode_single(offsets, at)",
    "true_boxes": "boxes",
}

ANCHOR_BOXES = {
    "offsets": "steps[wanted]",
    "true_offsets": "rpn.box_coder.encode_single(torch.cat(truth)[wanted], anchored)",
    "boxes": "rpn.box_coder.decode_single(steps[wanted], anchored)",
    "true_boxes": "torch.cat(truth)[wanted]",
}
