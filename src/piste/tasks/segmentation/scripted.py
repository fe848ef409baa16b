"""What segmentation brings to a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from piste.data.script.masks import masks_as_code
from piste.data.script.text import block
from piste.models.script import segmentation_model_as_code
from piste.tasks.base.counted import FORMULAS, counting, naming, scoring
from piste.tasks.base.scripted import Scripted

if TYPE_CHECKING:
    from piste.tasks.segmentation.task import SegmentationTask

METRICS = tuple(FORMULAS)


def scripted(task: SegmentationTask) -> Scripted:
    """Images with masks, a network of segmentation-models-pytorch, and the scores of pixels.

    Raises:
        ValueError: names what can't be written.
    """
    if task.reads:
        raise ValueError(f"`loss`: a script can't hold a loss that reads {', '.join(sorted(task.reads))} beside labels")
    constants, code, lists, collate = masks_as_code(task.data, task.multiple)
    names, softmax = list(task.data.class_names), task.activation == "softmax"
    foreground = [names[i] for i in task.foreground]
    channels, given = len(names) if softmax else len(foreground), ("logits", "target", "known")
    forward = _FORWARD_SOFTMAX if softmax else _FORWARD_SIGMOID.replace("CLASS_IDS", str(task.foreground))
    return Scripted(
        constants=[*constants, *naming(names if softmax else foreground, foreground)],
        code=[
            *code,
            *segmentation_model_as_code(task.model_recipe, channels),
            block(forward),
            counting(given, task.activation, channels, axes=2),
            scoring(METRICS, accuracy=False),
        ],
        lists=lists,
        given=given,
        counted="int(known.sum())",
        activation=task.activation,
        classes=channels,
        axes=2,
        metrics=METRICS,
        collate=collate,
    )


_FORWARD_SOFTMAX = '''
    def forward(model: nn.Module, images: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Scores of each class at each pixel, the pixels' classes, and which of them count."""
        target = target.to(DEVICE)
        known = target != IGNORED
        return model(images.to(DEVICE)), target.where(known, 0), known
'''

_FORWARD_SIGMOID = '''
    def forward(model: nn.Module, images: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Scores of each class but the background at each pixel, whether it is there, and which pixels count."""
        target = target.unsqueeze(1).to(DEVICE)
        ids = torch.tensor(CLASS_IDS, device=DEVICE).view(1, -1, 1, 1)
        return model(images.to(DEVICE)), target == ids, target != IGNORED
'''
