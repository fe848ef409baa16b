"""The `model:` section of a detection recipe."""

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from piste.models.detection.architectures import ARCHITECTURES, Architecture, Normalizer
from piste.names import nearest

PositiveInt = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
COMMON = ("name", "backbone", "weights", "weights_backbone", "norm", "strides", "normalizer", "options")


class DetectionModelRecipe(BaseModel):
    """Which architecture finds the objects, and where it looks for them.

    `name` is retinanet, fcos, ssd, faster_rcnn or mask_rcnn; `backbone` a resnet of torchvision (`resnet18`) or `tu-`
    and any feature extractor of timm (`tu-mobilenetv3_small_050`). `weights_backbone` is null for random weights,
    `imagenet`, or the name of a set that the library has; `weights` is null, or `coco` for a whole detector trained
    there (backbone resnet50), of which what scores classes starts anew. `norm` is `batch`, `group` or `frozen`, which
    stands still: frozen where weights are loaded, else batch.

    `strides` are the pixels between neighbouring places of each level, each twice the one before; levels up to 32 are
    the backbone's own, coarser ones are added. `width` is the number of channels of every level. `anchor_sizes` are
    the sides of the square anchors of each level, in pixels, and `anchor_ratios` their heights by widths; in ssd one
    more size than levels, as shares of the image, and ratios beside 1, each also the other way round. `prior` is the
    score that every place starts with, 0 … 1, small so that focal losses start calm. `head_norm` is the normalisation
    in the head of retinanet: `group`, or `none` as in the paper.

    `min_size` and `max_size` resize each image to a short side, unless the long side would pass a bound; `size`
    squeezes it into a square (ssd). Null leaves images as the data section prepares them.

    `normalizer` is what the sum of costs of each part is divided by: the positives of each `image`, and then the
    number of images; the positives of the `batch`; or the `samples`, positive and negative, of two-stage detectors.
    `options` holds what else torchvision's detector takes, such as `{score_thresh: 0.05, detections_per_img: 100}`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: str = "retinanet"
    backbone: str = "resnet18"
    weights: Literal["coco"] | None = None
    weights_backbone: str | None = None
    norm: Literal["batch", "group", "frozen"] = "batch"
    strides: list[PositiveInt] = Field(default=[], min_length=1)
    width: PositiveInt = 256
    anchor_sizes: list[list[Positive]] | list[Positive] | None = None
    anchor_ratios: list[Positive] | None = None
    prior: Annotated[float, Field(gt=0, lt=1)] = 0.01
    head_norm: Literal["group", "none"] = "group"
    min_size: PositiveInt | None = None
    max_size: PositiveInt | None = None
    size: PositiveInt | None = None
    normalizer: Normalizer = "image"
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _decide(cls, given: Any) -> Any:
        """Write out what follows from the architecture, and refuse what it does not have."""
        if not isinstance(given, dict):
            return given
        name = given.get("name", "retinanet")
        if name not in ARCHITECTURES:
            raise ValueError(f"`model.name` is {name!r}; {nearest(str(name), ARCHITECTURES)}")
        facts = ARCHITECTURES[name]
        allowed = (*COMMON, *facts.settings)
        for key in cls.model_fields:
            if key not in allowed and given.get(key) not in (None, cls.model_fields[key].default):
                takes = ", ".join(other for other, each in ARCHITECTURES.items() if key in each.settings)
                raise ValueError(f"`model.{key}` does not apply to {name}; {takes} take it")
        options = given.get("options") or {}
        for option in options if isinstance(options, dict) else ():
            if option not in facts.options:
                raise ValueError(
                    f"`model.options.{option}` is no setting of {name}; {nearest(str(option), facts.options)}"
                )
        return {**_defaults(name, facts, given), **{key: value for key, value in given.items() if value is not None}}

    @model_validator(mode="after")
    def _fits(self) -> "DetectionModelRecipe":
        """Refuse settings that contradict each other."""
        facts = ARCHITECTURES[self.name]
        if self.normalizer not in facts.normalizers:
            raise ValueError(
                f"`model.normalizer` of {self.name} is {' or '.join(facts.normalizers)}; got {self.normalizer}"
            )
        strides = self.strides
        if any(b != 2 * a for a, b in pairwise(strides)) or strides[0] not in (4, 8, 16, 32):
            raise ValueError(f"`model.strides` start at 4 … 32 and double, such as [8, 16, 32]; got {strides}")
        beyond = sum(stride > 32 for stride in strides)
        if self.name != "ssd" and beyond > 2:
            raise ValueError(f"`model.strides` of {self.name} go up to 128; got {strides}")
        grouped = self.name == "fcos" or (self.name == "retinanet" and self.head_norm == "group")
        if grouped and self.width % 32:
            raise ValueError(f"`model.width` is a multiple of 32, whose groups are normalised; got {self.width}")
        if self.max_size is not None and self.min_size is None:
            raise ValueError(f"`model.max_size` bounds what `min_size` resizes to; got {self.max_size} alone")
        if self.weights is not None and (self.name == "ssd" or self.backbone != "resnet50"):
            raise ValueError(
                f"`model.weights`: coco is there for retinanet, fcos, faster_rcnn and mask_rcnn with the backbone"
                f" resnet50; got {self.name} with {self.backbone}"
            )
        if self.weights is not None and self.weights_backbone is not None:
            raise ValueError("`model.weights` brings a backbone with it; leave out `weights_backbone`")
        _check_anchors(self)
        return self

    @model_serializer(mode="wrap")
    def _own(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What the architecture has, without the keys that do not apply to it."""
        allowed = (*COMMON, *ARCHITECTURES[self.name].settings)
        return {key: value for key, value in dump(self).items() if key in allowed}


def _defaults(name: str, facts: Architecture, given: dict[str, Any]) -> dict[str, Any]:
    """What an architecture has where a recipe names nothing."""
    strides = given.get("strides") or list(facts.strides)
    loaded = given.get("weights") is not None or given.get("weights_backbone") is not None
    defaults = {
        "name": name,
        "strides": strides,
        "norm": "frozen" if loaded else "batch",
        "normalizer": facts.normalizers[0],
    }
    if name == "retinanet" and given.get("weights") is not None:
        defaults["head_norm"] = "none"
    if "anchor_sizes" not in facts.settings or not all(isinstance(stride, int) for stride in strides):
        return defaults
    ratios = [0.5, 1.0, 2.0]
    if name == "retinanet":
        sizes: list[Any] = [[int(4 * stride * 2 ** (i / 3)) for i in range(3)] for stride in strides]
    elif name == "ssd":
        step = 0.9 / max(len(strides), 1)
        sizes, ratios = [round(0.1 + step * i, 3) for i in range(len(strides) + 1)], [2.0, 3.0]
    else:
        sizes = [[8 * stride] for stride in strides]
    return defaults | {"anchor_sizes": sizes, "anchor_ratios": ratios}


def _check_anchors(recipe: DetectionModelRecipe) -> None:
    """Refuse anchors that do not fit the levels."""
    sizes, levels = recipe.anchor_sizes, len(recipe.strides)
    if sizes is None:
        return
    if recipe.name == "ssd":
        if len(sizes) != levels + 1 or any(isinstance(size, list) or size > 2 for size in sizes):
            raise ValueError(
                f"`model.anchor_sizes` of ssd are {levels + 1} shares of the image, one more than levels; got {sizes}"
            )
        return
    if len(sizes) != levels or not all(isinstance(size, list) and size for size in sizes):
        raise ValueError(
            f"`model.anchor_sizes` has a list for each of the {levels} levels, such as [[32], [64]]; got {sizes}"
        )
    if len({len(size) for size in sizes if isinstance(size, list)}) > 1:
        raise ValueError(f"`model.anchor_sizes` has as many sizes in each level; got {sizes}")
