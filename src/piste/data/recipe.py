"""The `data:` section of segmentation."""

from typing import Annotated, ClassVar, Self, final

from pydantic import BeforeValidator, Field, field_validator, model_validator

from piste.data.augment.base import Augmentation
from piste.data.augment.copy_paste import CopyPaste
from piste.data.counts import IGNORE_INDEX
from piste.data.detection.places import Places, read_places
from piste.data.folder import BUILT_IN
from piste.data.section import Colour, ImagesSection, is_triple
from piste.names import nearest

Value = Annotated[int, Field(ge=0, le=65535)] | Colour
MOST_LABELS = 32  # their combinations are counted in 64 bits


def _read_classes(classes: object) -> object:
    """The mapping that classes stand for: a list of names gives them the values 0, 1, 2 and so on."""
    if isinstance(classes, list) and all(isinstance(name, str) for name in classes):
        if len(set(classes)) < len(classes):
            raise ValueError(f"names each class once; got {classes!r:.80}")
        return {name: value for value, name in enumerate(classes)}
    if isinstance(classes, dict):
        for name, value in classes.items():
            _check_value(f"the class {name}", value)
        return {str(name): value for name, value in classes.items()}
    if classes is None:
        return classes
    raise ValueError(f"maps names to values or colours, such as {{background: 0, lake: 255}}; got {classes!r:.60}")


def _check_value(what: str, value: object) -> None:
    if isinstance(value, int) and not isinstance(value, bool):
        legal = 0 <= value <= 65535
    else:
        legal = is_triple(value, int, 0, 255)
    if not legal:
        raise ValueError(
            f"{what} needs a value of 0 … 65535 or a colour [red, green, blue] of 0 … 255; got {value!r:.60}"
        )


def _read_ignored(ignore: object) -> object:
    """One value, or a list of values or colours."""
    ignore = [] if ignore is None else ignore if isinstance(ignore, list | tuple) else [ignore]
    for value in ignore:
        _check_value("each entry", value)
    return list(ignore)


def _read_labels(labels: object) -> object:
    """Names of folders."""
    if labels is None:
        return labels
    if not isinstance(labels, list | tuple) or not labels or not all(isinstance(name, str) for name in labels):
        raise ValueError(f"lists the names of folders in masks/, such as [roof, shadow]; got {labels!r:.60}")
    if len(set(labels)) < len(labels):
        raise ValueError(f"names each label once; got {labels!r:.80}")
    if len(labels) > MOST_LABELS:
        raise ValueError(f"takes {MOST_LABELS} labels at most; got {len(labels)}")
    for name in labels:
        if not name.strip() or name.startswith(".") or "/" in name or "\\" in name:
            raise ValueError(f"takes names of folders in masks/; got {name!r:.60}")
    return tuple(labels)


@final
class SegmentationDataRecipe(ImagesSection):
    """Which images a run learns from, how they are split, and how they are shown to the model.

    `path` is the name of a built-in data set (`lakes`) or a folder with `images/` and `masks/`, equal stems, or with
    `images/` and COCO's JSON, whose polygons and run lengths are drawn: `train.json` and `val.json`, or one file, or
    those that `annotations` names, from the folder on. Then the value of an object is the id of its category, and 0 is
    the background; of objects that overlap the smaller one is seen; what only a crowd covers counts for nothing.

    `classes` maps the name of each class to its value in the masks (`{background: 0, lake: 255}`), or to its colour
    (`{background: [0, 0, 0], lake: [0, 0, 255]}`); a list of names stands for 0, 1, 2, …; null takes the values found,
    which then must be 0, 1, 2, … without a gap. Pixels whose value is in `ignore` count for nothing. `background`
    names the class that is no object: the one called background, where there is one.

    `labels` names labels that do not exclude each other instead of classes: a pixel may have several of them, or none.
    Each has a folder of masks, `masks/LABEL/`, in which 0 is no and any other value yes. They go with
    `model.activation: sigmoid`; there is no background, and `ignore` holds for the masks of all of them.

    `mask_fill` is what lies outside a mask: `ignore`, so that it counts for nothing, or a class. Masks are always
    resampled by the nearest pixel. The other keys are those of `ImagesSection`.
    """

    built_in: ClassVar[frozenset[str]] = frozenset(BUILT_IN)
    mixes: ClassVar[bool] = True

    classes: Annotated[
        dict[str, Value] | None,
        BeforeValidator(_read_classes, json_schema_input_type=dict[str, Value] | list[str] | None),
    ] = None
    labels: Annotated[
        tuple[str, ...] | None, BeforeValidator(_read_labels, json_schema_input_type=list[str] | None)
    ] = None
    ignore: Annotated[
        list[Value], BeforeValidator(_read_ignored, json_schema_input_type=list[Value] | Value | None)
    ] = Field(default_factory=list)
    background: str | None = None
    annotations: Annotated[Places | None, BeforeValidator(read_places, json_schema_input_type=Places | None)] = None
    mask_fill: str = "ignore"

    @field_validator("augment")
    @classmethod
    def _pastes_masks(cls, steps: list[Augmentation]) -> list[Augmentation]:
        for step in steps:
            if isinstance(step, CopyPaste) and step.outline != "mask":
                raise ValueError(f"copy_paste.outline must be mask, for here objects have masks; got {step.outline}")
        return steps

    @model_validator(mode="after")
    def _labels_stand_alone(self) -> Self:
        if self.labels is None:
            return self
        given = {"classes": self.classes, "background": self.background, "annotations": self.annotations}
        for key, value in given.items():
            if value is not None:
                raise ValueError(f"{key} does not go with labels, which do not exclude each other; remove one of them")
        if self.path in BUILT_IN:
            raise ValueError(f"labels need a folder with masks/LABEL/ for each; {self.path} has classes")
        if self.mask_fill != "ignore":
            raise ValueError(f"mask_fill must be ignore with labels; got {self.mask_fill}")
        for ignored in self.ignore:
            if not isinstance(ignored, int) or ignored == 0:
                raise ValueError(f"ignore takes values of 1 … 65535 with labels, where 0 is no; got {ignored!r:.60}")
        return self

    @model_validator(mode="after")
    def _classes_agree(self) -> Self:
        if self.classes is None:
            return self
        if not 2 <= len(self.classes) <= IGNORE_INDEX - 1:
            raise ValueError(f"classes must name 2 … 254 classes, the background among them; got {len(self.classes)}")
        if "ignore" in self.classes:
            raise ValueError("classes can't hold one called ignore; list its value under data.ignore")
        values = [*self.classes.values(), *self.ignore]
        if len({isinstance(value, tuple) for value in values}) > 1:
            raise ValueError("classes and ignore must all be values or all be colours; got some of each")
        if len(set(values)) < len(values):
            twice = next(value for value in values if values.count(value) > 1)
            raise ValueError(f"classes and ignore must give each value once; {twice} stands there twice")
        for key, name, words in (("background", self.background, ()), ("mask_fill", self.mask_fill, ("ignore",))):
            if name is not None and name not in (*self.classes, *words):
                raise ValueError(f"{key}: no class is called {name}; {nearest(name, [*self.classes, *words])}")
        return self

    @property
    def outside(self) -> int:
        """What lies outside a mask: the ignored index, or that of a class; asks for classes to be resolved."""
        return IGNORE_INDEX if self.mask_fill == "ignore" else list(self.classes or ()).index(self.mask_fill)
