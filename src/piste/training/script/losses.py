"""Losses as small functions of plain torch, with only what their settings need."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from piste.data.script.text import WIDTH, assigned, fitted, indented
from piste.losses import Loss, spec_of
from piste.losses.boxes.box_iou import BoxIoU
from piste.losses.boxes.box_l1 import BoxL1
from piste.losses.boxes.iou_balanced_classification import IoUBalancedClassification
from piste.losses.boxes.iou_balanced_localization import IoUBalancedLocalization
from piste.losses.boxes.multi_box import MultiBox
from piste.losses.features.multi_scale_ssim import MultiScaleSSIM
from piste.losses.features.perceptual import Perceptual
from piste.losses.features.ssim import SSIM
from piste.losses.features.style import Style
from piste.losses.features.total_variation import TotalVariation
from piste.losses.labels.base import LabelLoss
from piste.losses.labels.hard_mining import HardMining
from piste.losses.labels.independent import IndependentLoss
from piste.losses.labels.quadratic import Quadratic
from piste.losses.labels.symmetric_cross_entropy import SymmetricCrossEntropy
from piste.losses.regions.base import RegionLoss
from piste.losses.regions.cross_entropy_iou import CrossEntropyIoU
from piste.losses.regions.lovasz import Lovasz
from piste.losses.sequences.base import LineLoss
from piste.losses.values.base import ValueLoss
from piste.losses.values.quantile import Quantile
from piste.tasks.base.scripted import Scripted, ScriptedPart
from piste.training.script import boxes, features, images, labels, regions, sequences, values
from piste.training.script.source import helper

MEAN = '''
def mean(cost: Tensor, weight: Tensor) -> Tensor:
    """The mean of costs, each counted as its weight says; 0 where nothing counts."""
    weight = weight.float().expand_as(cost)
    return (weight * cost).sum() / weight.sum().clamp(min=1e-30)
'''.strip()


class Losses:
    """The losses of a script, each once, and the functions that they call.

    Args:
        task: what its losses are called with: that of a task, or of a part of its prediction.
        functions: where their code is put, by name; parts share it.
    """

    def __init__(self, task: Scripted | ScriptedPart, functions: dict[str, str] | None = None) -> None:
        self.task = task
        self.functions = {} if functions is None else functions
        self._names: dict[str, str] = {}

    def call(self, loss: Callable[..., Tensor], moving: Mapping[str, str]) -> str:
        """The call of a loss, whose function is written where it was not yet.

        Args:
            loss: one of the catalogue.
            moving: the values of keywords that move, as code.

        Raises:
            ValueError: names a loss that can't be written.
        """
        given = self.task.call if isinstance(self.task, ScriptedPart) else self.task.given
        if isinstance(self.task, ScriptedPart):
            given = (*given, *(self.task.beside[name] for name in self._beside(loss)))
        arguments = [*given, *(f"{keyword}={value}" for keyword, value in moving.items())]
        return f"{self._function(loss, tuple(moving))}({', '.join(arguments)})"

    def _beside(self, loss: Any) -> list[str]:
        """What a loss reads besides the rest, by name."""
        takes = inspect.signature(loss.forward if isinstance(loss, Loss) else loss).parameters
        return [name for name in self.task.beside if name in takes] if isinstance(self.task, ScriptedPart) else []

    def _function(self, loss: Any, moving: tuple[str, ...]) -> str:
        key = f"{loss!r} {moving}"
        if key not in self._names:
            if not isinstance(loss, Loss):
                raise ValueError("`loss`: a script can't hold a custom loss; it is in a file of its own")
            name = spec_of(loss).name
            family = next((write for kind, write in _FAMILIES.items() if isinstance(loss, kind)), None)
            reduction = "sum" if "scale" in self.task.given else "mean"
            if family is None or loss.reads or getattr(loss, "reduction", reduction) != reduction:
                known = "losses of labels, areas, values, images and lines that are a formula of their own"
                raise ValueError(f"`loss`: a script can't hold {name}; it can hold {known}")
            body = family(self, loss, moving)
            for each in (name, *(f"{name}_{i}" for i in range(2, 99))):
                code = self._whole(each, loss, moving, body)
                if self.functions.setdefault(each, code) == code:
                    self._names[key] = each
                    break
        return self._names[key]

    def _whole(self, name: str, loss: Loss, moving: tuple[str, ...], body: str) -> str:
        arguments = ", ".join(f"{given}: Tensor" for given in (*self.task.given, *self._beside(loss)))
        arguments += "".join(f", {keyword}: float" for keyword in moving)
        told = (type(loss).__doc__ or "").partition("\n")[0]
        source = spec_of(loss).source
        lines = [f"def {name}({arguments}) -> Tensor:", f'    """{told}']
        if len(source) + 16 <= WIDTH:
            lines += ["", f"    Source: {source}.", '    """']
        else:
            lines[-1] += '"""'
        return fitted("\n".join([*lines, indented(body)]))

    def add(self, name: str, code: str) -> None:
        """A function that losses call."""
        self.functions.setdefault(name, code)

    def add_new(self, name: str, rest: str, head: str = "") -> str:
        """A function that losses call, under this name or, if that is another's, with a number; returns its name.

        Args:
            name: what it is called best.
            rest: its code from the arguments on.
            head: what stands before it.
        """
        for each in (name, *(f"{name}_{i}" for i in range(2, 99))):
            code = f"{head}def {each}{rest}"
            if self.functions.setdefault(each, code) == code:
                return each
        raise ValueError(f"`loss`: a script can't hold so many losses that need {name}")

    def add_all(self, needs: Mapping[str, Callable[..., Any]]) -> None:
        """Functions of ours that a formula calls, with those that they call."""
        for name, function in needs.items():
            if name == "dissimilarity":  # ours works tile by tile
                images.add_dissimilarity(self)
            elif name not in self.functions:
                code, further = helper(function)
                self.add_all(further)
                self.add(name, code)

    def add_mean(self) -> None:
        """The weighted mean."""
        self.add("mean", MEAN)

    def settings(self, loss: Loss, moving: tuple[str, ...]) -> dict[str, str]:
        """The loss's keywords as code: numbers, or names of arguments where they move."""
        settings = {}
        for name, value in loss.arguments.items():
            if name in moving:
                settings[name] = name
            elif isinstance(value, int | float | str):
                settings[name] = repr(value)
        return settings

    def weights(self, weight: Any, *, view: str = "") -> str:
        """`weight = …`, a number per class on the device of the logits."""
        values = [round(float(each), 9) for each in weight]
        line = f"weight = torch.tensor({values}, device=logits.device){view}"
        if len(line) + 4 <= WIDTH:
            return line
        return assigned("weight", values) + f"\nweight = torch.tensor(weight, device=logits.device){view}"


def _composed(losses: Losses, loss: Any, moving: tuple[str, ...]) -> str:
    """The mean of two losses."""
    return f"return ({losses.call(loss._entropy, {})} + {losses.call(loss._overlap, {})}) / 2"


_FAMILIES: Mapping[Any, Callable[[Losses, Any, tuple[str, ...]], str]] = {
    HardMining: labels.of_hardest,
    LabelLoss: labels.of_labels,
    SymmetricCrossEntropy: labels.of_labels,
    Quadratic: labels.of_squares,
    IndependentLoss: labels.of_scores,
    RegionLoss: regions.of_areas,
    Lovasz: regions.of_extension,
    CrossEntropyIoU: _composed,
    Quantile: values.of_quantiles,
    ValueLoss: values.of_values,
    SSIM: images.of_windows,
    MultiScaleSSIM: images.of_scales,
    TotalVariation: images.of_steps,
    Perceptual: features.of_layers,
    Style: features.of_styles,
    LineLoss: sequences.of_lines,
    BoxIoU: boxes.of_overlap,
    BoxL1: boxes.of_offsets,
    IoUBalancedLocalization: boxes.of_balanced_offsets,
    IoUBalancedClassification: boxes.of_balanced_labels,
    MultiBox: boxes.of_anchors,
}
"""How the losses of each base are written: (losses, loss, keywords that move) -> the body of its function."""
