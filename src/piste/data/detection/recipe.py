"""The `data:` section of detection."""

from typing import Annotated, ClassVar, Literal, Self, final

from pydantic import BeforeValidator, Field, model_validator

from piste.data.augment.copy_paste import CopyPaste
from piste.data.detection.places import Places, read_places
from piste.data.section import ImagesSection

BUILT_IN = frozenset({"trees"})
"""The data sets inside the package."""

Format = Literal["coco", "voc", "yolo"]


def _read_classes(classes: object) -> object:
    """Names, each once."""
    if classes is None:
        return classes
    if not isinstance(classes, list | tuple) or not classes or not all(isinstance(name, str) for name in classes):
        raise ValueError(f"lists the names of the classes, such as [tree, shrub]; got {classes!r:.60}")
    if len(set(classes)) < len(classes):
        raise ValueError(f"names each class once; got {list(classes)!r:.80}")
    return list(classes)


@final
class DetectionDataRecipe(ImagesSection):
    """Which images and boxes a run learns from, how they are split, and how they are shown to the model.

    `path` is the name of a built-in data set (`trees`) or a folder. `format` says how its boxes are written; null looks
    for files of each kind:

    - `coco`: JSON with `images`, `annotations` and `categories`: `train.json` and `val.json` (and `test.json`), in the
      folder or in `annotations/`, or one file; `annotations` names others, from the folder on. Images lie in
      `images/`, in the folder or beside the file; `images` names another folder.
    - `voc`: an XML file in `Annotations/` for each image in `JPEGImages/` (or `annotations/` and `images/`);
      `ImageSets/Main/train.txt` and so on say the splits.
    - `yolo`: a text file in `labels/` for each image in `images/`, a line `class x y width height` for each box, all as
      shares of the image, the middle of the box first. `data.yaml` says the names, and may name folders of splits.

    Where the files say the splits, `split` does not apply. `annotations` and `images` are one path, or one for each
    split, and go with coco.

    `classes` names the classes in order; null takes those that any object has. `masks` reads the outlines of the
    objects, too (coco and yolo), as masks. A box that reaches more than a pixel beyond its image is refused, or clipped
    with `clip`. `min_visible` is the share of its area, 0 … 1, that an object must keep when a step cuts or covers it,
    or else it is dropped.

    Images are given to the model in 0 … 1, and `normalize` to the model, which sees to it. The other keys are those of
    `ImagesSection`.
    """

    built_in: ClassVar[frozenset[str]] = BUILT_IN
    mixes: ClassVar[bool] = True

    format: Format | None = None
    annotations: Annotated[Places | None, BeforeValidator(read_places, json_schema_input_type=Places | None)] = None
    images: Annotated[Places | None, BeforeValidator(read_places, json_schema_input_type=Places | None)] = None
    classes: Annotated[list[str] | None, BeforeValidator(_read_classes, json_schema_input_type=list[str] | None)] = None
    masks: bool = False
    clip: bool = False
    min_visible: Annotated[float, Field(ge=0, le=1)] = 0.25

    @model_validator(mode="after")
    def _pastes_what_there_is(self) -> Self:
        for step in self.augment:
            if isinstance(step, CopyPaste) and self.masks != (step.outline == "mask"):
                cure = "mask, where data.masks is true" if self.masks else "box or ellipse, or data.masks true"
                raise ValueError(f"augment: copy_paste.outline must be {cure}; got {step.outline}")
        return self
