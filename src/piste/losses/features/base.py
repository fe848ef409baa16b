"""The base of image losses: a price for each image beside its target."""

from abc import abstractmethod
from typing import ClassVar, TypedDict, get_args

from torch import Tensor

from piste.losses.arguments import one_of
from piste.losses.base import Loss, Reduction, reduce
from piste.losses.elements import fit_elements, widen


class ImageKeywords(TypedDict, total=False):
    """The keywords that every image loss takes; see `ImageLoss`."""

    reduction: Reduction


def fit_image(name: str, image: Tensor) -> None:
    """Refuse what is no batch of images.

    Raises:
        ValueError: Says what came.
    """
    if image.dim() != 4 or not image.is_floating_point():
        cure = "" if image.is_floating_point() else " Bytes become numbers from 0 to 1 by image.float() / 255."
        raise ValueError(
            f"`{name}` must be images, floating, [N, C, H, W]; got {image.dtype} {list(image.shape)}.{cure}"
        )


class ImageLoss(Loss):
    """A loss over pairs of images.

    Called as `loss(prediction, target, *, sample_weight=None)`: both floating, [N, C, H, W], of one shape;
    sample_weight (>= 0), [N] or [1], is what each image counts. There is no mask: a window or a layer of a network
    sees what is masked beside what is not.

    Args:
        reduction: "mean" is sum(sample_weight * cost) / sum(sample_weight) over the images, 0 if nothing counts;
            "sum"; "none" for one weighted cost an image.
    """

    sizes_may_differ: ClassVar[bool] = False
    """Whether the target may have another height and width."""

    def __init__(self, *, reduction: Reduction = "mean") -> None:
        super().__init__()
        self.reduction = one_of("reduction", reduction, get_args(Reduction))

    @abstractmethod
    def distance(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Price each image."""

    def forward(self, prediction: Tensor, target: Tensor, *, sample_weight: Tensor | None = None) -> Tensor:
        """Cost of the predicted images; see the class."""
        fit_image("prediction", prediction)
        fit_image("target", target)
        axes = 2 if self.sizes_may_differ else 4
        if prediction.shape[:axes] != target.shape[:axes]:
            alike = "as many images and channels" if self.sizes_may_differ else "one shape"
            raise ValueError(
                f"`prediction` and `target` must have {alike}; got {list(prediction.shape)} and {list(target.shape)}."
            )
        fit_elements(prediction.shape[:1], None, sample_weight)
        prediction = widen(prediction)
        return reduce(self.distance(prediction, target.to(prediction.dtype)), sample_weight, self.reduction)
