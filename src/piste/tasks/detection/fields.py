"""What losses are handed by one pass of a detector, as code: fields of `Matched`, and where they come from."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

from piste.data.script.text import block, indented
from piste.tasks.base.scripted import ScriptedPart

Written = tuple[Mapping[str, ScriptedPart], list[str], Mapping[str, Callable[..., Any]]]
"""What losses of each part are called with; code that defines `Matched` and `forward`; functions of ours it calls."""

Forms = Mapping[str, tuple[ScriptedPart, Sequence["Field"]]]
"""What losses of each part and form are called with, and the fields that hold it."""


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


def chosen(
    forms: Forms, priced: Collection[str], beside: Mapping[str, Field] = MappingProxyType({})
) -> tuple[dict[str, ScriptedPart], list[Field]]:
    """The forms that losses price, and the fields that these need.

    Args:
        forms: all there are.
        priced: the parts that losses price, and in which form; `iou of` a part where one of them reads that.
        beside: the IoU that boxes of a part reach.
    """
    parts = {name: part for name, (part, _) in forms.items() if name in priced}
    fields = {field.name: field for name in parts for field in forms[name][1]}
    for name, field in beside.items():
        if f"iou of {name}" in priced:
            parts[name] = replace(parts[name], beside={"iou": f"matched.{field.name}"})
            fields[field.name] = field
    return parts, list(fields.values())


def matched_as_code(told: str, fields: Sequence[Field]) -> str:
    """`Matched`, with what the network finds beside these fields."""
    rows = [f"    {field.name}: Tensor  # {field.told}" for field in fields]
    rows.append("    found: list[dict[str, Tensor]]  # what the network finds in each image, where it does not train")
    return "\n".join(["class Matched(NamedTuple):", f'    """{told}"""', "", *rows])


def forward_as_code(
    told: str,
    fields: Sequence[Field],
    before: str,
    taken: Mapping[str, str],
    spared: Sequence[str] = (),
    *,
    crowded: bool,
) -> str:
    """`forward(model, images, targets)`.

    Args:
        told: what it does, in a sentence.
        fields: what it returns.
        before: its first lines, after images and targets are where the network is.
        taken: what is taken from these where something reads it: names and values.
        crowded: whether some objects count for nothing.
        spared: names in the first lines that get none where nothing reads them.
    """
    own = list(dict.fromkeys(line for field in fields for line in field.before.splitlines() if line.strip()))
    code = "\n".join([*own, *(field.value for field in fields)])
    read = {name: value for name, value in taken.items() if re.search(rf"\b{name}\b", code)}
    for name in spared:
        if not re.search(rf"\b{name}\b", "\n".join([code, *read.values()])):
            before = re.sub(rf"\b{name}\b", "_", before)
    lines = [block(PLACED_COUNTED if crowded else PLACED), block(before)]
    lines += [f"{name} = {value}" for name, value in read.items()]
    lines += [*own, "return Matched(", *(f"    {field.name}={field.value}," for field in fields)]
    lines += ["    found=[] if model.training else model(images),", ")"]
    head = "def forward(model: nn.Module, images: list[Tensor], targets: list[dict[str, Tensor]]) -> Matched:"
    return "\n".join([head, f'    """{told}"""', indented(lines)])


PLACED_COUNTED = """
    images = [image.to(DEVICE) for image in images]
    targets = [{name: values.to(DEVICE) for name, values in target.items()} for target in targets]
    targets = [{name: each[name][each["iscrowd"] == 0] for name in ("boxes", "labels")} for each in targets]
    shown, placed = model.transform(images, targets)
"""

PLACED = """
    images = [image.to(DEVICE) for image in images]
    targets = [{name: values.to(DEVICE) for name, values in target.items()} for target in targets]
    shown, placed = model.transform(images, targets)
"""
