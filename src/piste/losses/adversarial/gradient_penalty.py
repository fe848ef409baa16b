"""Gradient penalty: lambda (||grad f(x)|| - center)^2, for x on the line between a real and a fake image."""

from collections.abc import Callable
from math import sqrt

import torch
from torch import Tensor

from piste.losses.arguments import number
from piste.losses.base import Loss, reduce
from piste.losses.elements import widen
from piste.losses.spec import Between, Case, Choice, loss

Critic = Callable[[Tensor], Tensor]


def as_printed(slopes: list[list[float]], weight: float, center: float) -> float:
    """The mean over samples, each with the slope of its score at each number of the mixed image."""
    return weight * sum((sqrt(sum(s**2 for s in slope)) - center) ** 2 for slope in slopes) / len(slopes)


@loss(
    tasks=("generation", "restoration"),
    source="Gulrajani et al. 2017, arXiv:1704.00028, eq. 3",
    value_range=(0.0, float("inf")),
    tendency="neither",
    search={"weight": Between(0.1, 100.0, log=True), "center": Choice(0.0, 1.0)},
    reference=as_printed,
    variants=({"weight": 0.5, "center": 0.25},),
    waivers={
        "half_precision_is_computed_in_float32": "the critic is shown images in their own precision, and rounds in it",
    },
    call="penalties",
    cases=(
        Case(
            {}, ([[1.0, 2.0]], [[0.0, 7.0]]), [3.0, 4.0], 160.0, "a critic 3 x + 4 y has slope 5 anywhere: 10 (5 - 1)^2"
        ),
        Case({"weight": 2.0, "center": 0.0}, ([[1.0]], [[0.0]]), [-0.5], 0.5, "slope 1/2: 2 (1/2)^2"),
    ),
)
class GradientPenalty(Loss):
    """Gradient penalty: between real and generated images the critic's score should rise with slope 1.

    Add it to the critic's loss, that of `Wasserstein` above all, whose distance holds for slopes up to 1 only:
    `loss.discriminator(critic(real), critic(fake)) + penalty(critic, real, fake)`.

    Called as `penalty(critic, real, fake, *, alpha=None)`: the critic, a function from images [N, ...] to scores of any
    shape, of which those of an image are summed; real and fake images of one shape and dtype, floating, [N, ...],
    detached from the generator; alpha [N], the share of the real image in each mix, drawn evenly from [0, 1] by torch's
    random state if it is not given. One share goes for a whole image.

    The critic must score each image by itself. With batch normalisation in train mode a score depends on the images
    beside it, and torch refuses the call; take layer or instance normalisation. Its layers must be differentiable
    twice; gradient checkpointing and wrappers for several GPUs stay outside: give the module itself. The slope is
    computed under no_grad too, and then has no gradient.

    Args:
        weight: What the penalty counts beside the critic's loss, > 0. Raising it holds the slope closer to `center`.
        center: Slope that costs nothing, >= 0. With 0 the critic is to become flat where it cannot tell images apart.

    Raises:
        ValueError: An argument breaks its rule, or images and shares do not fit.

    Source: Gulrajani et al. 2017, arXiv:1704.00028, eq. 3.

    Example:
        >>> import torch
        >>> real, fake = torch.ones(4, 3, 8, 8), torch.zeros(4, 3, 8, 8)
        >>> GradientPenalty(weight=10.0)(lambda images: 3 * images[:, 0, 0, 0], real, fake)
        tensor(40.)
    """

    def __init__(self, *, weight: float = 10.0, center: float = 1.0) -> None:
        super().__init__()
        self.weight = number("weight", weight, "what the penalty counts", above=0.0)
        self.center = number("center", center, "a slope", low=0.0)

    def forward(self, critic: Critic, real: Tensor, fake: Tensor, *, alpha: Tensor | None = None) -> Tensor:
        """Penalty of the critic; see the class."""
        _fit(real, fake, alpha)
        share = torch.rand(len(real), dtype=real.dtype, device=real.device) if alpha is None else alpha.to(real.dtype)
        mixed = fake + share.view(-1, *[1] * (real.dim() - 1)) * (real - fake)
        slopes: Tensor = torch.func.grad(lambda images: critic(images).sum())(mixed)
        square = widen(slopes).flatten(1).square().sum(1)
        flat = square == 0  # where the root has no slope
        length = square.masked_fill(flat, 1.0).sqrt().masked_fill(flat, 0.0)
        return self.weight * reduce((length - self.center).square(), None, "mean")


def _fit(real: Tensor, fake: Tensor, alpha: Tensor | None) -> None:
    """Refuse images that are no pairs, and shares that are not one an image.

    Raises:
        ValueError: Says what came.
    """
    if real.shape != fake.shape or real.dtype != fake.dtype or real.dim() < 2 or not real.is_floating_point():
        raise ValueError(
            "`real` and `fake` must be images of one shape and dtype, floating, [N, ...]; got "
            f"{real.dtype} {list(real.shape)} and {fake.dtype} {list(fake.shape)}."
        )
    if alpha is not None and (alpha.shape != real.shape[:1] or not alpha.is_floating_point()):
        raise ValueError(
            f"`alpha` must be one share an image, floating, {[len(real)]}; got {alpha.dtype} {list(alpha.shape)}."
        )
