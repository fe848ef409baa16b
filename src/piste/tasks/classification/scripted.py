"""What classification brings to a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from piste.data.script.pictures import pictures_as_code
from piste.data.script.text import block
from piste.models.script import backbone_as_code
from piste.tasks.base.counted import counting, naming, scoring
from piste.tasks.base.scripted import Scripted

if TYPE_CHECKING:
    from piste.tasks.classification.task import ClassificationTask

METRICS = ("f1", "precision", "recall")


def scripted(task: ClassificationTask) -> Scripted:
    """Labelled images, a network of timm's or a small one, and the scores of labels.

    Raises:
        ValueError: names what can't be written.
    """
    model, names = task.model_recipe, list(task.data.class_names)
    constants, code, lists = pictures_as_code(task.data, model.channels)
    given, softmax = ("logits", "target"), model.activation == "softmax"
    forward = _FORWARD.replace("LABELS", "labels" if task.data.multi_label else "classes")
    if not softmax and not task.data.multi_label:
        forward = _FORWARD_APART
    return Scripted(
        constants=[*constants, *naming(names, names, known_as="CLASSES")],
        code=[
            *code,
            *backbone_as_code(model, len(names), model.prior),
            block(forward),
            counting(given, model.activation, len(names), axes=0, exclusive=not task.data.multi_label),
            scoring(METRICS, accuracy=not task.data.multi_label),
        ],
        lists=lists,
        given=given,
        counted="len(target)",
        activation=model.activation,
        classes=len(names),
        axes=0,
        metrics=METRICS if task.data.multi_label else ("accuracy", *METRICS),
    )


_FORWARD = '''
    def forward(model: nn.Module, images: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Scores of each class for each image, and the images' LABELS."""
        return model(images.to(DEVICE)), target.to(DEVICE)
'''

_FORWARD_APART = '''
    def forward(model: nn.Module, images: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Scores of each class for each image, and whether the image is of it."""
        ids = torch.arange(len(CLASSES), device=DEVICE)
        return model(images.to(DEVICE)), target.unsqueeze(1).to(DEVICE) == ids
'''
